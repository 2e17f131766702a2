//! The place where requests wait: shared between whoever asks and the task that answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::queue::Queue;
use crate::generation::generation_with;
use crate::{Busy, EngineError, Event, Finish, Generation, Outlet, Request, Usage, Waiting};

/// Events that wait for a reader before its generation pauses.
const EVENTS: usize = 64;

/// A request and who waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) outlet: Outlet,
    /// The position that its reader knows.
    told: Option<usize>,
}

impl Job {
    /// Ends it as its reader wished.
    pub(super) fn cancelled(self) {
        self.outlet.finish(Event::Finished { reason: Finish::Cancelled, usage: Usage::default() });
    }

    /// Ends it without an answer.
    pub(super) fn failed(self, error: EngineError) {
        self.outlet.finish(Event::Failed(error));
    }
}

/// The queue, as others see it too.
#[derive(Debug)]
pub(super) struct Desk {
    inside: Mutex<Inside>,
    /// A request has come.
    arrived: Notify,
    /// A request was cancelled.
    bell: Arc<Notify>,
    visible: watch::Sender<Vec<Waiting>>,
}

#[derive(Debug)]
struct Inside {
    queue: Queue<Job>,
    running: Option<Waiting>,
    closed: bool,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            inside: Mutex::new(Inside { queue: Queue::new(), running: None, closed: false }),
            arrived: Notify::new(),
            bell: Arc::default(),
            visible: watch::channel(Vec::new()).0,
        }
    }

    /// Takes a request, or refuses it.
    pub(super) fn take(&self, request: Request) -> Result<Generation, Busy> {
        request.check()?;
        let bytes = request.turns.iter().map(|turn| turn.content.len()).sum();
        let mut inside = self.lock();
        if inside.closed {
            return Err(EngineError::Stopped.into());
        }
        inside.queue.room(&request.label, bytes)?;
        let (outlet, generation) = generation_with(EVENTS, Arc::clone(&self.bell));
        let (label, priority) = (request.label.clone(), request.priority);
        let now = (Instant::now().into_std(), SystemTime::now());
        inside.queue.push(label, priority, bytes, now, Job { request, outlet, told: None });
        self.show(&mut inside);
        self.arrived.notify_one();
        Ok(generation)
    }

    /// The next request, which from now on is the running one. Given up, it takes nothing.
    pub(super) async fn next(&self) -> Job {
        loop {
            if let Some(job) = self.pop() {
                return job;
            }
            self.arrived.notified().await;
        }
    }

    fn pop(&self) -> Option<Job> {
        let mut inside = self.lock();
        let entry = inside.queue.pop()?;
        inside.running = Some(Waiting { running: true, ..entry.waiting });
        self.show(&mut inside);
        Some(entry.item)
    }

    /// The running request is at its end.
    pub(super) fn done(&self) {
        let mut inside = self.lock();
        inside.running = None;
        self.show(&mut inside);
    }

    /// Takes requests that were cancelled out of the queue, until it is closed.
    pub(super) async fn tidy(&self) {
        loop {
            self.bell.notified().await;
            let mut inside = self.lock();
            if inside.closed {
                return;
            }
            let cancelled = inside.queue.take_if(|job| job.outlet.is_cancelled());
            if !cancelled.is_empty() {
                cancelled.into_iter().for_each(|entry| entry.item.cancelled());
                self.show(&mut inside);
            }
        }
    }

    /// Takes nothing more; who waits is told that there will be no answer.
    pub(super) fn close(&self) {
        let mut inside = self.lock();
        inside.closed = true;
        inside.queue.take_if(|_| true).into_iter().for_each(|entry| entry.item.failed(EngineError::Stopped));
        self.show(&mut inside);
        self.bell.notify_one();
    }

    pub(super) fn watch(&self) -> watch::Receiver<Vec<Waiting>> {
        self.visible.subscribe()
    }

    /// Everybody sees the queue, and who waits their place in it.
    fn show(&self, inside: &mut Inside) {
        let ahead = usize::from(inside.running.is_some());
        let mut visible: Vec<_> = inside.running.iter().cloned().collect();
        for (place, entry) in inside.queue.iter_mut().enumerate() {
            visible.push(entry.waiting.clone());
            let position = Some(ahead + place);
            // A reader that has not taken the last ones learns its place later, or not.
            if entry.item.told != position && entry.item.outlet.try_send(Event::Queued { position: ahead + place }) {
                entry.item.told = position;
            }
        }
        self.visible.send_replace(visible);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Sampling, Turn};

    fn request(label: &str, priority: u8) -> Request {
        Request {
            label: label.to_owned(),
            conversation: label.to_owned(),
            priority,
            turns: vec![Turn { role: Role::User, content: "hello".to_owned() }],
            sampling: Sampling::greedy(),
            max_tokens: 4,
            stop: Vec::new(),
        }
    }

    fn labels(desk: &Desk) -> Vec<String> {
        desk.watch().borrow().iter().map(|waiting| waiting.label.clone()).collect()
    }

    #[tokio::test]
    async fn places_are_told_as_they_change() {
        let desk = Desk::new();
        let mut low = desk.take(request("low", 1)).unwrap();
        let mut high = desk.take(request("high", 10)).unwrap();
        assert_eq!(labels(&desk), ["high", "low"]);
        let job = desk.next().await;
        assert_eq!(job.request.label, "high");
        assert!(desk.watch().borrow()[0].running);
        job.cancelled();
        desk.done();
        assert_eq!(labels(&desk), ["low"]);
        desk.close();
        let mut events = Vec::new();
        while let Some(event) = low.next().await {
            events.push(event);
        }
        let queued = |position| Event::Queued { position };
        assert_eq!(events, [queued(0), queued(1), queued(0), Event::Failed(EngineError::Stopped)]);
        assert_eq!(high.next().await, Some(queued(0)));
        assert!(matches!(high.next().await, Some(Event::Finished { reason: Finish::Cancelled, .. })));
        assert!(matches!(desk.take(request("late", 5)), Err(Busy::Refused(EngineError::Stopped))));
    }

    #[tokio::test]
    async fn who_leaves_frees_the_place() {
        let desk = Arc::new(Desk::new());
        let tidying = tokio::spawn({
            let desk = Arc::clone(&desk);
            async move { desk.tidy().await }
        });
        let kept = desk.take(request("kept", 1)).unwrap();
        let left = desk.take(request("left", 5)).unwrap();
        let mut visible = desk.watch();
        drop(left);
        visible.wait_for(|waiting| waiting.len() == 1).await.unwrap();
        assert_eq!(labels(&desk), ["kept"]);
        desk.close();
        tidying.await.unwrap();
        drop(kept);
    }
}
