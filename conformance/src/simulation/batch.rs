//! Many seeds, on several threads.

use std::cell::RefCell;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

use super::{Honest, Run, Tally, run};

thread_local! {
    /// What the last panic of this thread said.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static IS_WATCHED: RefCell<bool> = const { RefCell::new(false) };
}

/// Hears of panics in this thread, wherever they are caught.
pub(super) struct Panics;

impl Panics {
    pub(super) fn here() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if IS_WATCHED.with_borrow(|is_watched| *is_watched) {
                    PANIC.with_borrow_mut(|panic| *panic = Some(format!("panic: {info}")));
                } else {
                    usual(info);
                }
            }));
        });
        PANIC.set(None);
        IS_WATCHED.set(true);
        Self
    }

    pub(super) fn message(&self) -> Option<String> {
        PANIC.take()
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        IS_WATCHED.set(false);
    }
}

/// Which seeds to run.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The first.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// How many at a time.
    pub jobs: usize,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Seeds that are through.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// Runs seeds until all are through or one fails; gives what was exercised, and the smallest seed that failed with its
/// failure. `show` is told after each.
pub fn run_many(batch: &Batch, show: &(dyn Fn(Progress) + Sync)) -> (Tally, Option<(u64, Run)>) {
    let next = AtomicU64::new(0);
    let has_failed = AtomicBool::new(false);
    let results: Mutex<(Tally, Option<(u64, Run)>)> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..batch.jobs.max(1) {
            scope.spawn(|| {
                while !has_failed.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= batch.seeds {
                        break;
                    }
                    let seed = batch.from.wrapping_add(number);
                    let run = run(seed, false, &mut Honest);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.0 += run.tally;
                    if run.failure.is_some() {
                        has_failed.store(true, Ordering::Relaxed);
                        if results.1.as_ref().is_none_or(|(known, _)| *known > seed) {
                            results.1 = Some((seed, run));
                        }
                    }
                    show(Progress { done: results.0.runs, of: batch.seeds });
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}
