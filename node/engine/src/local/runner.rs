//! The task that owns the worker: it answers one request after the other, and keeps the worker as long as it is of use.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::{End, Handed, answer, hand_over, stopped};
use super::crashes::{Crashes, Start};
use super::desk::{Desk, Job};
use super::load::{Failure, bring_up};
use super::process::Process;
use super::{Phase, Settings};
use crate::{Description, EngineError, Event};

/// What may be wished for beside answers.
pub(super) enum Order {
    /// Have the model in memory.
    Load(oneshot::Sender<Result<Description, EngineError>>),
    /// Have the memory back.
    Unload(oneshot::Sender<()>),
}

/// What everybody may look at.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) description: Mutex<Description>,
    pub(super) phase: watch::Sender<Phase>,
}

/// How workers are started.
pub(super) type Launch = Box<dyn Fn() -> Result<Process, EngineError> + Send + Sync>;

/// The task.
pub(super) struct Runner {
    pub(super) settings: Settings,
    pub(super) launch: Launch,
    pub(super) desk: Arc<Desk>,
    pub(super) facts: Arc<Facts>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) worker: Option<Process>,
    pub(super) crashes: Crashes,
    /// Of the last request.
    pub(super) id: u64,
    /// When the worker was last of use.
    pub(super) used: Instant,
}

/// Whether there is a worker, and who still waits for its answer.
enum Worker {
    Ready(Option<Job>),
    Failed(Option<Job>, Failure),
    Stopped,
}

impl Runner {
    pub(super) async fn run(mut self) {
        loop {
            let idle = self.settings.idle.map(|idle| self.used + idle);
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => break,
                Some(order) = self.orders.recv() => self.obey(order).await,
                error = unasked(&mut self.worker) => self.lost(&error).await,
                job = self.desk.next() => {
                    self.serve(job).await;
                    self.desk.done();
                    self.used = Instant::now();
                }
                () = sleep_until(idle.unwrap_or_else(Instant::now)), if idle.is_some() && self.worker.is_some() => {
                    tracing::info!(model = %self.settings.name, "nobody needs the model, its memory is given back");
                    self.unload().await;
                }
            }
        }
        self.desk.close();
        self.unload().await;
        self.facts.phase.send_replace(Phase::Stopped);
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Load(answer) => {
                let result = match self.worker(None).await {
                    Worker::Ready(_) => Ok(self.facts.description()),
                    Worker::Failed(_, failure) => Err(failure.error),
                    Worker::Stopped => Err(EngineError::Stopped),
                };
                self.used = Instant::now();
                // Nobody may be waiting for it any more.
                let _ = answer.send(result);
            }
            Order::Unload(done) => {
                self.unload().await;
                let _ = done.send(());
            }
        }
    }

    /// Answers, with a second worker if the first dies.
    async fn serve(&mut self, mut job: Job) {
        let mut died = false;
        loop {
            job = match self.worker(Some(job)).await {
                Worker::Ready(Some(job)) => job,
                Worker::Failed(Some(job), failure) if failure.crash && !died && !self.rests() => {
                    died = true;
                    job
                }
                Worker::Failed(Some(job), failure) => return job.failed(failure.error),
                Worker::Ready(None) | Worker::Failed(None, _) | Worker::Stopped => return,
            };
            let Some(process) = &mut self.worker else { continue };
            self.id += 1;
            let (returned, error) = match answer(process, self.id, job, &self.settings.waits, &mut self.stopping).await
            {
                End::Told(whole) => {
                    if whole {
                        self.crashes.answered();
                    }
                    return;
                }
                End::Stopped => return,
                End::Broken => return self.lost(&"it hung or did not keep to the protocol").await,
                End::Died(job, error) => (*job, error),
            };
            self.lost(&error).await;
            if died || self.rests() {
                return returned.failed(error);
            }
            died = true;
            let mut patience = self.settings.waits.reader;
            match hand_over(&returned, Event::Restarted, &mut patience, &mut self.stopping).await {
                Handed::Over => job = returned,
                Handed::Cancelled => return returned.cancelled(),
                Handed::Slow | Handed::Stopped => return returned.failed(error),
            }
        }
    }

    /// Has a worker with the model in memory. Whoever waits for it hears how far that is, and may leave.
    async fn worker(&mut self, mut job: Option<Job>) -> Worker {
        if self.worker.is_some() {
            return Worker::Ready(job);
        }
        let pause = match self.crashes.start(Instant::now().into_std()) {
            Start::Now => None,
            Start::After(pause) => Some(pause),
            Start::Rest(left) => {
                let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                return Worker::Failed(job, Failure { error: EngineError::Resting { seconds }, crash: false });
            }
        };
        self.facts.phase.send_replace(Phase::Loading { percent: 0 });
        let mut phase = self.facts.phase.subscribe();
        phase.mark_changed();
        let result = {
            let mut loading = pin!(async {
                if let Some(pause) = pause {
                    sleep(pause).await;
                }
                bring_up(&*self.launch, &self.settings, &self.facts.phase).await
            });
            loop {
                tokio::select! {
                    biased;
                    // What is dropped here is killed.
                    () = stopped(&mut self.stopping) => break None,
                    Ok(()) = phase.changed() => tell(job.as_ref(), &phase.borrow_and_update()),
                    () = left(job.as_ref()) => {
                        if let Some(job) = job.take() {
                            job.cancelled();
                            self.desk.done();
                        }
                    }
                    result = &mut loading => break Some(result),
                }
            }
        };
        match result {
            Some(Ok((process, description))) => {
                *self.facts.description.lock().unwrap_or_else(PoisonError::into_inner) = description;
                self.worker = Some(process);
                self.facts.phase.send_replace(Phase::Loaded);
                Worker::Ready(job)
            }
            Some(Err(failure)) => {
                if failure.crash {
                    self.lost(&failure.error).await;
                } else {
                    self.facts.phase.send_replace(Phase::Unloaded);
                }
                Worker::Failed(job, failure)
            }
            None => {
                if let Some(job) = job {
                    job.failed(EngineError::Stopped);
                }
                Worker::Stopped
            }
        }
    }

    /// The worker is of no use any more.
    async fn lost(&mut self, why: &(dyn std::fmt::Display + Sync)) {
        tracing::warn!(model = %self.settings.name, %why, "the model's process is lost");
        if let Some(process) = self.worker.take() {
            process.kill().await;
        }
        let now = Instant::now().into_std();
        self.crashes.died(now);
        let phase = match self.crashes.start(now) {
            Start::Rest(left) => Phase::Resting { until: SystemTime::now() + left },
            Start::Now | Start::After(_) => Phase::Unloaded,
        };
        self.facts.phase.send_replace(phase);
    }

    fn rests(&mut self) -> bool {
        matches!(self.crashes.start(Instant::now().into_std()), Start::Rest(_))
    }

    async fn unload(&mut self) {
        if let Some(process) = self.worker.take() {
            process.stop(self.settings.waits.stop).await;
            self.facts.phase.send_replace(Phase::Unloaded);
        }
    }
}

impl Facts {
    pub(super) fn description(&self) -> Description {
        self.description.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What an idle worker does of its own: nothing, or it dies, or it lies.
async fn unasked(worker: &mut Option<Process>) -> EngineError {
    match worker {
        None => std::future::pending().await,
        Some(process) => match process.hear().await {
            Ok(_) => EngineError::Protocol { reason: "it speaks without being asked".to_owned() },
            Err(error) => error,
        },
    }
}

/// Returns once the one who waits has left.
async fn left(job: Option<&Job>) {
    match job {
        None => std::future::pending().await,
        Some(job) => job.outlet.cancelled().await,
    }
}

fn tell(job: Option<&Job>, phase: &Phase) {
    if let (Some(job), Phase::Loading { percent }) = (job, phase) {
        // Who does not read it misses nothing that is needed.
        job.outlet.try_send(Event::Loading { percent: *percent });
    }
}
