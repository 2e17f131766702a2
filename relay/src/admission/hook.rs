//! Asking the hook: each question once at a time, few at the same time, and not again while the answer holds.
//!
//! Whatever goes wrong is a no. A question lives as long as somebody waits for its answer.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::cache::Cache;
use super::call::{self, Answer, CallError, Question};
use super::url::HookUrl;
use crate::HookConfig;
use crate::metrics::{Asked, Metrics};

/// Most questions that the hook is asked at the same time. More wait, and their time runs.
const AT_ONCE: usize = 64;

/// Most answers that are kept.
const KEPT: usize = 16_384;

/// The longest time for which a question that went wrong is not asked again.
const PAUSE: Duration = Duration::from_secs(1);

type Flight = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The way to the hook.
#[derive(Debug)]
pub(crate) struct Hook {
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
    state: Mutex<State>,
    /// The last question was not answered: said once, until one is.
    failing: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// Who has given the answers: another hook may give others.
    asked: Option<HookConfig>,
    cache: Cache<Question>,
    /// Questions under way, each with a number of its own.
    flights: HashMap<Question, (u64, WeakShared<Flight>)>,
    next: u64,
}

impl Hook {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Arc<Self> {
        let state = State { asked: None, cache: Cache::new(KEPT), flights: HashMap::new(), next: 0 };
        Arc::new(Self {
            metrics: Arc::clone(metrics),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            state: Mutex::new(state),
            failing: AtomicBool::new(false),
        })
    }

    /// A question was not answered, so somebody is kept out who perhaps should not be.
    fn complain(&self, reason: &str) {
        if self.failing.swap(true, Relaxed) {
            tracing::debug!(reason, "the admission hook gave no answer");
        } else {
            tracing::warn!(
                reason,
                "the admission hook gives no answers, and whoever it is to be asked about is refused"
            );
        }
    }

    /// A question was answered.
    fn recover(&self) {
        if self.failing.swap(false, Relaxed) {
            tracing::info!("the admission hook answers again");
        }
    }

    /// Whether the hook allows it. Takes at most the timeout in `config`.
    pub(crate) async fn allows(self: &Arc<Self>, config: &HookConfig, question: Question) -> bool {
        match self.find(config, question) {
            Ok(allow) => {
                self.metrics.hook_not_asked();
                allow
            }
            Err(flight) => flight.await,
        }
    }

    /// An answer that is there, or one that is on its way.
    fn find(self: &Arc<Self>, config: &HookConfig, question: Question) -> Result<bool, Shared<Flight>> {
        let mut state = self.state();
        if state.asked.as_ref() != Some(config) {
            state.asked = Some(config.clone());
            state.cache.clear();
            state.flights.clear();
        }
        if let Some(allow) = state.cache.get(&question, Instant::now()) {
            return Ok(allow);
        }
        if let Some(flight) = state.flights.get(&question).and_then(|(_, flight)| flight.upgrade()) {
            drop(state);
            self.metrics.hook_not_asked();
            return Err(flight);
        }
        let number = state.next;
        state.next += 1;
        let entry = Entry { hook: Arc::clone(self), question: question.clone(), number };
        let flight: Flight = Box::pin(fly(entry, config.clone()));
        let flight = flight.shared();
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(question, (number, weak));
        }
        Err(flight)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question among those under way, for as long as this lives.
struct Entry {
    hook: Arc<Hook>,
    question: Question,
    number: u64,
}

impl Entry {
    /// Keeps the answer, unless another hook is asked by now.
    fn keep(&self, allow: bool, time: Duration) {
        let mut state = self.hook.state();
        if self.is_in(&state) {
            state.cache.put(self.question.clone(), allow, time, Instant::now());
        }
    }

    fn is_in(&self, state: &State) -> bool {
        state.flights.get(&self.question).is_some_and(|(number, _)| *number == self.number)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.hook.state();
        if self.is_in(&state) {
            state.flights.remove(&self.question);
        }
    }
}

async fn fly(entry: Entry, config: HookConfig) -> bool {
    let (hook, start) = (&entry.hook, Instant::now());
    let asking = async {
        let url = HookUrl::parse(&config.url).ok_or(CallError::Url)?;
        // Nobody closes it.
        let place = Arc::clone(&hook.places).acquire_owned().await.map_err(|_| CallError::Url)?;
        call::ask(&url, &entry.question, place).await
    };
    let (asked, allow, time) = match timeout(config.timeout, asking).await {
        Ok(Ok(Answer { allow, cache_seconds })) => {
            hook.recover();
            let time = cache_seconds.map_or(config.cache, |seconds| Duration::from_secs(seconds.into()));
            (if allow { Asked::Allow } else { Asked::Deny }, allow, time.min(config.cache))
        }
        Ok(Err(error)) => {
            hook.complain(&error.to_string());
            (Asked::Error, false, PAUSE.min(config.cache))
        }
        Err(_) => {
            hook.complain("it did not answer in time");
            (Asked::Timeout, false, PAUSE.min(config.cache))
        }
    };
    hook.metrics.hook_asked(asked, start.elapsed());
    entry.keep(allow, time);
    allow
}
