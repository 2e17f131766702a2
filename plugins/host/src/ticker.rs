//! The clock of the deadlines: a thread that counts the engine's epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long an epoch is, and so how exact a deadline.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Counts as long as it lives.
#[derive(Debug)]
pub(crate) struct Ticker {
    passed: Arc<AtomicU64>,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tick` every [`TICK`].
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let passed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&passed);
        let count = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                counter.fetch_add(1, Ordering::Relaxed);
                tick();
            }
        };
        let thread = Builder::new().name("plugin-epoch".to_owned()).spawn(count)?;
        Ok(Self { passed, stop: Some(stop), thread: Some(thread) })
    }

    /// How many ticks have passed: a clock that costs nothing to look at.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// How many ticks pass before `deadline_ms` has passed for certain.
    pub(crate) fn ticks(deadline_ms: u64) -> u64 {
        let tick = u64::try_from(TICK.as_millis()).unwrap_or(1);
        deadline_ms.div_ceil(tick).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped too.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Barrier};

    use super::*;

    #[test]
    fn it_counts_until_it_is_dropped() {
        let (ticks, first) = (Arc::new(AtomicU64::new(0)), Arc::new(Barrier::new(2)));
        let (counter, reached) = (Arc::clone(&ticks), Arc::clone(&first));
        let ticker = Ticker::start(move || {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                reached.wait();
            }
        })
        .unwrap();
        first.wait();
        drop(ticker);
        // The thread has ended: nobody else holds the counter.
        assert_eq!(Arc::strong_count(&ticks), 1);
    }

    #[test]
    fn a_deadline_is_never_early() {
        assert_eq!(Ticker::ticks(1), 2);
        assert_eq!(Ticker::ticks(1000), 101);
    }
}
