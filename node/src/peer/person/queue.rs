//! Commands that work at the storage: in the order in which they were given, on a thread that may wait for the disk.

use std::sync::Arc;

use ratatosk_node::model::Node;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::peer::answer::Answer;

/// Commands that wait. The peer reads no further ones while as many do.
const WAITING: usize = 64;

/// What is to be done, and what its answer is.
type Work = Box<dyn FnOnce(&Arc<Node>) -> Result<Value, String> + Send>;

/// The queue. Dropping it lets what waits be done, and then ends.
pub(super) struct Queue {
    jobs: mpsc::Sender<(Work, Answer)>,
    worker: JoinHandle<()>,
}

impl Queue {
    pub(super) fn start(node: Arc<Node>) -> Self {
        let (jobs, mut waiting) = mpsc::channel::<(Work, Answer)>(WAITING);
        let worker = spawn_blocking(move || {
            while let Some((work, answer)) = waiting.blocking_recv() {
                match work(&node) {
                    Ok(fields) => answer.result(fields),
                    Err(problem) => answer.error(&problem),
                }
            }
        });
        Self { jobs, worker }
    }

    /// Has something done.
    pub(super) async fn put(
        &self,
        answer: Answer,
        work: impl FnOnce(&Arc<Node>) -> Result<Value, String> + Send + 'static,
    ) {
        // The worker ends with this; a command that cannot be done any more answers so by being dropped.
        let _ = self.jobs.send((Box::new(work), answer)).await;
    }

    /// Waits until everything is done.
    pub(super) async fn finish(self) {
        drop(self.jobs);
        if let Err(error) = self.worker.await {
            tracing::error!(%error, "a command failed");
        }
    }
}
