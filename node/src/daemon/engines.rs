//! The models that are in memory: one engine for each model and context, loaded when somebody asks, shared by all AIs.
//!
//! Which engine answers for a name is decided by a [`Provider`]. [`Engines`] is the one for models of the catalogue; another one may
//! speak with a provider elsewhere, and whoever asks sees no difference.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::available_parallelism;
use std::time::SystemTime;

use ratatosk_engine::ipc::Load;
use ratatosk_engine::local::{Local, Phase, Program, Settings, Waits};
use ratatosk_engine::{Busy, Description, Engine, Generation, Request, Waiting};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::config::AgentsConfig;
use super::hub::Hub;
use crate::api::types::{self, EngineBrief, EngineState, Event, Queue};
use crate::models::{Catalogue, CatalogueError, Model};

/// Engines that are kept though their models are not in memory: they know why a worker died.
const KEPT: usize = 16;
/// What makes this program a worker.
const WORKER: &str = "worker";

/// Where engines come from.
pub(crate) trait Provider: Send + Sync {
    /// The engine for a model, with so many tokens of context or as many as the model can. Blocks on the disk; has to be called inside
    /// a Tokio runtime.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn engine(&self, model: &str, context: u32) -> Result<Arc<dyn Engine>, NoEngine>;
}

/// Why there is no engine. The texts are for the owner.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoEngine {
    /// The AI has no model yet.
    #[error("no model was chosen for it: `ratatosk agent edit --model NAME`")]
    Unchosen,
    /// The catalogue has none.
    #[error("{error}; {}", error.help())]
    Catalogue {
        /// Why.
        #[from]
        error: CatalogueError,
    },
    /// The file is not what was imported.
    #[error("the model {model} cannot be used: {problem}; import it again")]
    Problem {
        /// Its name.
        model: String,
        /// What is wrong.
        problem: String,
    },
    /// The daemon stops.
    #[error("the engines are stopped")]
    Stopped,
}

/// The engines for the models of the catalogue.
pub(crate) struct Engines {
    catalogue: Arc<Catalogue>,
    config: AgentsConfig,
    program: Result<Program, String>,
    shared: Arc<Shared>,
}

struct Shared {
    hub: Hub,
    held: Mutex<Held>,
}

/// The engines by model and context.
#[derive(Default)]
struct Held {
    stopped: bool,
    engines: BTreeMap<(String, u32), Seat>,
}

/// An engine, and what it was made of.
struct Seat {
    engine: Arc<Bounded>,
    file: File,
    watch: AbortHandle,
}

/// An engine for which no more answers wait than the owner wants.
struct Bounded {
    local: Local,
    waiting: usize,
}

impl Engine for Bounded {
    fn describe(&self) -> Description {
        self.local.describe()
    }

    fn generate(&self, request: Request) -> Result<Generation, Busy> {
        let waiting = self.local.queue().borrow().iter().filter(|one| !one.running).count();
        if waiting >= self.waiting {
            return Err(Busy::Full { waiting });
        }
        self.local.generate(request)
    }

    fn queue(&self) -> watch::Receiver<Vec<Waiting>> {
        self.local.queue()
    }
}

/// One file at one moment.
#[derive(Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    modified: u64,
    size: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Engines {
    /// None is in memory yet.
    pub(crate) fn new(catalogue: Arc<Catalogue>, config: &AgentsConfig, hub: Hub) -> Self {
        let program = std::env::current_exe()
            .map(|path| Program { path, arguments: vec![WORKER.into()] })
            .map_err(|error| error.to_string());
        let shared = Arc::new(Shared { hub, held: Mutex::default() });
        Self { catalogue, config: config.clone(), program, shared }
    }

    /// The same with another worker.
    #[cfg(test)]
    pub(super) fn with_program(self, program: Program) -> Self {
        Self { program: Ok(program), ..self }
    }

    /// How they are.
    pub(crate) fn briefs(&self) -> Vec<EngineBrief> {
        let held = self.shared.held();
        let brief = |((model, context), seat): (&(String, u32), &Seat)| EngineBrief {
            model: model.clone(),
            context: *context,
            state: match *seat.engine.local.phase().borrow() {
                Phase::Unloaded | Phase::Stopped => EngineState::Idle,
                Phase::Loading { .. } => EngineState::Loading,
                Phase::Loaded => EngineState::Ready,
                Phase::Resting { .. } => EngineState::Failed,
            },
            waiting: seat.engine.queue().borrow().len(),
        };
        held.engines.iter().map(brief).collect()
    }

    /// What runs and what waits.
    pub(crate) fn queue(&self) -> Queue {
        self.shared.queue()
    }

    /// Ends all of them, and waits until they have ended. There are no more from then on.
    pub(crate) async fn stop(&self) {
        let engines = {
            let mut held = self.shared.held();
            held.stopped = true;
            std::mem::take(&mut held.engines)
        };
        let mut stops = JoinSet::new();
        for seat in engines.into_values() {
            stops.spawn(async move { seat.engine.local.stop().await });
        }
        while stops.join_next().await.is_some() {}
    }

    fn start(&self, model: &Model, context: u32) -> Result<Seat, NoEngine> {
        let name = model.entry.name.clone();
        let problem = |problem: &str| NoEngine::Problem { model: name.clone(), problem: problem.to_owned() };
        let path = model.path.to_str().ok_or_else(|| problem("its path is not valid text"))?.to_owned();
        let program =
            self.program.clone().map_err(|error| problem(&format!("this program cannot find itself: {error}")))?;
        let all = available_parallelism().map_or(1, NonZero::get);
        let batch_threads = match self.config.prompt_threads {
            0 => u32::try_from(all).unwrap_or(u32::MAX),
            threads => threads,
        };
        let load =
            Load { path, context, threads: self.config.threads, batch_threads, gpu_layers: self.config.gpu_layers };
        let local = Local::new(Settings {
            name,
            program,
            load,
            needs: None,
            idle: Some(self.config.idle_unload),
            waits: Waits::default(),
        });
        let watch = tokio::spawn(tell(local.queue(), Arc::downgrade(&self.shared))).abort_handle();
        let engine = Arc::new(Bounded { local, waiting: self.config.queue });
        Ok(Seat { engine, file: File::of(model), watch })
    }
}

impl Provider for Engines {
    fn engine(&self, model: &str, context: u32) -> Result<Arc<dyn Engine>, NoEngine> {
        if model.is_empty() {
            return Err(NoEngine::Unchosen);
        }
        let model = self.catalogue.get(model)?;
        if let Some(problem) = model.problem {
            return Err(NoEngine::Problem { model: model.entry.name, problem });
        }
        let context = if context == 0 { self.config.context } else { context }.min(model.entry.context);
        let key = (model.entry.name.clone(), context);
        let mut held = self.shared.held();
        if held.stopped {
            return Err(NoEngine::Stopped);
        }
        if let Some(seat) = held.engines.get(&key)
            && seat.file == File::of(&model)
        {
            return Ok(seat.engine.clone());
        }
        let seat = self.start(&model, context)?;
        let engine = seat.engine.clone();
        held.engines.insert(key, seat);
        held.tidy();
        Ok(engine)
    }
}

impl Held {
    /// Forgets engines that nobody needs, if there are many.
    fn tidy(&mut self) {
        let mut spare = self.engines.len().saturating_sub(KEPT);
        self.engines.retain(|_, seat| {
            let idle = Arc::strong_count(&seat.engine) == 1
                && *seat.engine.local.phase().borrow() == Phase::Unloaded
                && seat.engine.queue().borrow().is_empty();
            let goes = idle && spare > 0;
            spare -= usize::from(goes);
            !goes
        });
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Whatever panicked under the lock had nothing half done: it only puts and takes.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> Queue {
        let mut waiting = Vec::new();
        for ((model, _), seat) in &self.held().engines {
            waiting.extend(seat.engine.queue().borrow().iter().map(|one| shown(model, one)));
        }
        // Within an engine the order stays.
        waiting.sort_by_key(|one| !one.running);
        Queue { waiting }
    }
}

fn shown(model: &str, waiting: &Waiting) -> types::Waiting {
    let age = SystemTime::now().duration_since(waiting.since).unwrap_or_default();
    types::Waiting {
        model: model.to_owned(),
        label: waiting.label.clone(),
        priority: waiting.priority,
        running: waiting.running,
        age: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Tells what runs and waits whenever that changes.
async fn tell(mut queue: watch::Receiver<Vec<Waiting>>, shared: Weak<Shared>) {
    while queue.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else { return };
        shared.hub.tell(Event::Queue(shared.queue()));
    }
}

impl File {
    fn of(model: &Model) -> Self {
        Self { path: model.path.clone(), modified: model.entry.modified, size: model.entry.size }
    }
}

#[cfg(test)]
mod tests;
