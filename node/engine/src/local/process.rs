//! One worker process: lines to it, lines from it, and its end.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::lines::Lines;
use super::stderr::{LastLine, pass_on, shown};
use crate::EngineError;
use crate::ipc::{self, Command, Reply};

/// Lines to the worker that wait; there is one request at a time, so more means that it does not read.
const MAX_COMMANDS: usize = 8;
/// How long the end of a process is waited for once its lines have ended, and after it was killed.
const END: Duration = Duration::from_secs(2);
/// How OpenMP's threads wait for each other, unless the owner says otherwise: asleep. A thread that spins takes the processor from
/// the one that it waits for as soon as the machine does something else, and a prompt took 5 to 10 times as long.
const WAITING: (&str, &str) = ("OMP_WAIT_POLICY", "passive");
/// Variables that the worker gets of our environment, by their beginnings: what finding and running llama.cpp needs. Passphrases
/// and tokens of the node are nothing to a process that parses files of others.
const VARIABLES: &[&str] = &[
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_",
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "WINDIR",
    "LANG",
    "LC_",
    "CUDA_",
    "NVIDIA_",
    "GGML_",
    "LLAMA_",
    "VK_",
    "XDG_CACHE_HOME",
    "XDG_DATA_",
    "OMP_",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
];

/// No variable with such a word in its name is passed, however it begins: `NVIDIA_API_KEY` is no setting of a driver.
const SECRETS: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL"];

/// A worker.
pub(super) struct Process {
    commands: mpsc::Sender<Vec<u8>>,
    replies: Lines<Pin<Box<dyn AsyncRead + Send>>>,
    /// None in tests that play the worker themselves.
    child: Option<Child>,
    last: LastLine,
    /// Reads its standard error.
    listening: Option<JoinHandle<()>>,
}

/// The program that is the worker.
#[derive(Debug, Clone)]
pub struct Program {
    /// What to run.
    pub path: PathBuf,
    /// What to say to it.
    pub arguments: Vec<OsString>,
}

impl Process {
    /// Starts a worker.
    pub(super) fn start(program: &Program) -> Result<Self, EngineError> {
        let failed = |error: io::Error| EngineError::WorkerStart { reason: shown(error.to_string().as_bytes()) };
        let mut command = tokio::process::Command::new(&program.path);
        command.args(&program.arguments).env_clear().envs(std::env::vars_os().filter(|(name, _)| is_passed(name)));
        if std::env::var_os(WAITING.0).is_none() {
            command.env(WAITING.0, WAITING.1);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Ctrl+C in a terminal is for the node, which ends its workers itself.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("it has no standard streams")));
        };
        let mut process = Self::over(stdout, stdin);
        process.listening = Some(tokio::spawn(pass_on(stderr, process.last.clone())));
        process.child = Some(child);
        Ok(process)
    }

    /// A worker at the other end of two streams.
    pub(super) fn over(from: impl AsyncRead + Send + 'static, to: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let (commands, waiting) = mpsc::channel(MAX_COMMANDS);
        tokio::spawn(write(to, waiting));
        let from: Pin<Box<dyn AsyncRead + Send>> = Box::pin(from);
        Self {
            commands,
            replies: Lines::new(from, ipc::MAX_REPLY),
            child: None,
            last: LastLine::default(),
            listening: None,
        }
    }

    /// Tells it something, without waiting until it has read that.
    pub(super) fn tell(&self, command: &Command) -> Result<(), EngineError> {
        let line = ipc::encode(command, ipc::MAX_COMMAND)
            .map_err(|error| EngineError::BadRequest { reason: error.to_string() })?;
        match self.commands.try_send(line) {
            // Who does not read any more is at its end, and the next reply says how that came.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(EngineError::Protocol { reason: "it does not read what it is told".to_owned() })
            }
        }
    }

    /// The next that it says. One that is given up loses nothing.
    pub(super) async fn hear(&mut self) -> Result<Reply, EngineError> {
        match self.replies.next().await {
            Ok(Some(line)) => ipc::decode(&line)
                .map_err(|error| EngineError::Protocol { reason: shown(error.to_string().as_bytes()) }),
            // It may be killed in the middle of a line.
            Err(error) if error.kind() == io::ErrorKind::InvalidData && !self.has_ended() => {
                Err(EngineError::Protocol { reason: error.to_string() })
            }
            Ok(None) | Err(_) => Err(EngineError::WorkerDied { reason: self.end().await }),
        }
    }

    /// Ends it at once.
    pub(super) async fn kill(mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.start_kill();
            // One that cannot be killed hangs in the kernel; tokio goes on waiting for it.
            let _ = timeout(END, child.wait()).await;
        }
    }

    /// Lets it end by itself, and kills it if it takes longer than that.
    pub(super) async fn stop(self, patience: Duration) {
        let Self { commands, replies, child, last: _, listening: _ } = self;
        // Its standard input ends, and nothing that it still writes holds it up.
        drop(commands);
        drop(replies);
        let Some(mut child) = child else { return };
        if timeout(patience, child.wait()).await.is_err() {
            tracing::warn!("the model's process does not end by itself and is killed");
            let _ = child.start_kill();
            let _ = timeout(END, child.wait()).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// How it ended.
    async fn end(&mut self) -> String {
        let Some(child) = &mut self.child else { return "its connection ended".to_owned() };
        let how = match timeout(END, child.wait()).await {
            Ok(Ok(status)) => ending(status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                let _ = child.start_kill();
                "it closed its output and was killed".to_owned()
            }
        };
        if let Some(listening) = self.listening.take() {
            // What it has said last may still be on its way.
            let _ = timeout(END, listening).await;
        }
        match self.last.get() {
            last if last.is_empty() => how,
            last => format!("{how}; its last words: {last}"),
        }
    }
}

fn ending(status: ExitStatus) -> String {
    // As the operating system names it, for instance "signal: 9 (SIGKILL)".
    status.to_string()
}

fn is_passed(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy().to_uppercase();
    if SECRETS.iter().any(|word| name.contains(word)) {
        return false;
    }
    VARIABLES.iter().any(
        |variable| {
            if variable.ends_with('_') { name.starts_with(variable) } else { name == *variable }
        },
    )
}

async fn write(mut to: impl AsyncWrite + Unpin, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = waiting.recv().await {
        // That it reads no more is learnt from its output, which ends too.
        if to.write_all(&line).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_node_stay_with_it() {
        for passed in ["PATH", "CUDA_VISIBLE_DEVICES", "LC_ALL", "Path"] {
            assert!(is_passed(passed.as_ref()), "{passed}");
        }
        for kept in ["RATATOSK_PASSPHRASE", "PATHS", "OPENAI_API_KEY", "SSH_AUTH_SOCK", "NVIDIA_API_KEY", "LLAMA_TOKEN"]
        {
            assert!(!is_passed(kept.as_ref()), "{kept}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let program = Program { path: "there/is/no/such/program".into(), arguments: Vec::new() };
        assert!(matches!(Process::start(&program), Err(EngineError::WorkerStart { .. })));
    }
}
