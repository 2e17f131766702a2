//! A model on this machine, in a process of its own: what may go wrong in llama.cpp or in a file ends that process and not the
//! node.
//!
//! The process is started when somebody asks, kept while it is of use, and ended when nobody has asked for a while. It gets one
//! request at a time; the others wait in a bounded queue that everybody may look at. Nothing that it says is believed without a
//! bound: lines, answers and waits have limits, and a process that breaks one is killed.

mod answer;
mod crashes;
mod desk;
mod lines;
mod load;
mod memory;
mod process;
mod queue;
mod runner;
mod stderr;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use self::crashes::Crashes;
use self::desk::Desk;
use self::process::Process;
pub use self::process::Program;
use self::runner::{Facts, Launch, Order, Runner};
use crate::ipc::Load;
use crate::{Busy, Description, Engine, EngineError, Generation, Place, Request, Waiting};

/// Wishes beside answers that wait, at most.
const ORDERS: usize = 8;

/// What an engine is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The model's name, for people.
    pub name: String,
    /// The worker.
    pub program: Program,
    /// What the worker loads.
    pub load: Load,
    /// Bytes of memory that it takes, where that is known; else they are estimated from the file.
    pub needs: Option<u64>,
    /// After so long without a request the model leaves the memory; none: never.
    pub idle: Option<Duration>,
    /// How long is waited for what.
    pub waits: Waits,
}

/// How long is waited for what.
#[derive(Debug, Clone)]
pub struct Waits {
    /// For progress while loading.
    pub load: Duration,
    /// For the first piece of an answer to an empty prompt.
    pub first_token: Duration,
    /// And in addition for each token of the prompt that has to be computed.
    pub prompt_token: Duration,
    /// For each further piece of an answer.
    pub next_token: Duration,
    /// For the end of an answer that was cancelled.
    pub cancel: Duration,
    /// For a reader who does not take the answer, all pauses together.
    pub reader: Duration,
    /// For the end of the process.
    pub stop: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            load: Duration::from_secs(120),
            first_token: Duration::from_secs(60),
            prompt_token: Duration::from_millis(250),
            next_token: Duration::from_secs(60),
            cancel: Duration::from_secs(5),
            reader: Duration::from_secs(30),
            stop: Duration::from_secs(5),
        }
    }
}

/// What a local engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The model is not in memory; the next request brings it there.
    Unloaded,
    /// It is being read.
    Loading {
        /// 0 to 100.
        percent: u8,
    },
    /// It is in memory.
    Loaded,
    /// Its process died too often and is not started until then.
    Resting {
        /// When it is tried again.
        until: SystemTime,
    },
    /// The engine is stopped for good.
    Stopped,
}

/// A model on this machine. Dropping it kills its process.
#[derive(Debug)]
pub struct Local {
    desk: Arc<Desk>,
    facts: Arc<Facts>,
    orders: mpsc::Sender<Order>,
    stopping: watch::Sender<bool>,
}

impl Local {
    /// An engine whose model is not in memory yet. Has to be called inside a Tokio runtime.
    pub fn new(settings: Settings) -> Self {
        let program = settings.program.clone();
        Self::launching(settings, Box::new(move || Process::start(&program)))
    }

    fn launching(settings: Settings, launch: Launch) -> Self {
        let description =
            Description { name: settings.name.clone(), context: settings.load.context, place: Place::Local };
        let desk = Arc::new(Desk::new());
        let facts = Arc::new(Facts { description: Mutex::new(description), phase: watch::channel(Phase::Unloaded).0 });
        let (order_tx, orders) = mpsc::channel(ORDERS);
        let (stop_tx, stopping) = watch::channel(false);
        let runner = Runner {
            settings,
            launch,
            desk: Arc::clone(&desk),
            facts: Arc::clone(&facts),
            stopping,
            orders,
            worker: None,
            crashes: Crashes::default(),
            id: 0,
            used: Instant::now(),
        };
        tokio::spawn(runner.run());
        let tidying = Arc::clone(&desk);
        tokio::spawn(async move { tidying.tidy().await });
        Self { desk, facts, orders: order_tx, stopping: stop_tx }
    }

    /// Reads the model into memory, unless it is there. Waits until the running answer is given.
    ///
    /// # Errors
    ///
    /// Why it cannot be loaded.
    pub async fn load(&self) -> Result<Description, EngineError> {
        let (done, result) = oneshot::channel();
        self.orders.send(Order::Load(done)).await.map_err(|_| EngineError::Stopped)?;
        result.await.unwrap_or(Err(EngineError::Stopped))
    }

    /// Gives the memory back, once the running answer is given.
    pub async fn unload(&self) {
        let (done, result) = oneshot::channel();
        if self.orders.send(Order::Unload(done)).await.is_ok() {
            // An error means that the engine was stopped meanwhile, and with it the worker.
            let _ = result.await;
        }
    }

    /// Ends the worker, killing it if it takes too long. Whoever waits for an answer is told that there will be none.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let _ = self.facts.phase.subscribe().wait_for(|phase| *phase == Phase::Stopped).await;
    }

    /// What it does, and each change of that.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.facts.phase.subscribe()
    }
}

impl Engine for Local {
    fn describe(&self) -> Description {
        self.facts.description()
    }

    fn generate(&self, request: Request) -> Result<Generation, Busy> {
        self.desk.take(request)
    }

    fn queue(&self) -> watch::Receiver<Vec<Waiting>> {
        self.desk.watch()
    }
}
