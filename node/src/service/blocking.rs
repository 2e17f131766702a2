//! Work at the storage: on threads that may wait for a disk, only so many at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The threads. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Blocking(Arc<Semaphore>);

impl Blocking {
    pub(super) fn new(threads: usize) -> Self {
        Self(Arc::new(Semaphore::new(threads.max(1))))
    }

    /// Does `work` on such a thread. What was begun goes on to its end even if nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        // The semaphore is never closed; without a permit the work would only be less orderly.
        let permit = self.0.clone().acquire_owned().await.ok();
        let work = spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        match work.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime ends, and whoever waits here with it.
            Err(_) => std::future::pending().await,
        }
    }
}
