//! From a program to a worker with a model in memory.

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::process::Process;
use super::{Phase, Settings, memory};
use crate::ipc::{self, Command, Reply};
use crate::{Description, EngineError, Wait};

/// Why there is no worker.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: EngineError,
    /// Whether the worker died, hung or lied: it may go better next time, and must not be tried too often.
    pub(super) crash: bool,
}

impl Failure {
    fn refusal(error: EngineError) -> Self {
        Self { error, crash: false }
    }

    fn crash(error: EngineError) -> Self {
        Self { error, crash: true }
    }
}

/// Starts a worker and has it load the model.
pub(super) async fn bring_up(
    launch: &(dyn Fn() -> Result<Process, EngineError> + Send + Sync),
    settings: &Settings,
    phase: &watch::Sender<Phase>,
) -> Result<(Process, Description), Failure> {
    memory::check(settings).await.map_err(Failure::refusal)?;
    let mut process = launch().map_err(Failure::crash)?;
    match load(&mut process, settings, phase).await {
        Ok(description) => Ok((process, description)),
        Err(failure) => {
            process.kill().await;
            Err(failure)
        }
    }
}

async fn load(
    process: &mut Process,
    settings: &Settings,
    phase: &watch::Sender<Phase>,
) -> Result<Description, Failure> {
    let patience = settings.waits.load;
    let mut deadline = Instant::now() + patience;
    let timed_out = || Failure::crash(EngineError::TimedOut { wait: Wait::Load, seconds: patience.as_secs() });
    let lie = |reason: &str| Failure::crash(EngineError::Protocol { reason: reason.to_owned() });
    let first = timeout_at(deadline, process.hear()).await.map_err(|_| timed_out())?.map_err(Failure::crash)?;
    match first {
        Reply::Ready { version: ipc::VERSION } => {}
        Reply::Ready { version } => return Err(lie(&format!("it speaks version {version}, not {}", ipc::VERSION))),
        _ => return Err(lie("it does not begin with its version")),
    }
    process.tell(&Command::Load(settings.load.clone())).map_err(Failure::crash)?;
    let mut reached = 0;
    loop {
        let reply = timeout_at(deadline, process.hear()).await.map_err(|_| timed_out())?.map_err(Failure::crash)?;
        match reply {
            Reply::Loading { percent } if percent <= 100 => {
                // Only progress buys time.
                if percent > reached {
                    reached = percent;
                    deadline = Instant::now() + patience;
                    phase.send_replace(Phase::Loading { percent });
                }
            }
            Reply::Loaded { description } if (1..=settings.load.context).contains(&description.context) => {
                return Ok(Description { name: settings.name.clone(), ..description });
            }
            Reply::Failed { id: None, error } => return Err(Failure::refusal(error)),
            _ => return Err(lie("it said something else while loading")),
        }
    }
}
