//! The two ends of a request: whoever asked reads events, the engine writes them.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use crate::{EngineError, Event};

/// A request on its way. Dropping it cancels it.
#[derive(Debug)]
pub struct Generation {
    events: mpsc::Receiver<Event>,
    cancel: watch::Sender<bool>,
    bell: Arc<Notify>,
}

/// The engine's end of a [`Generation`]. Dropping it without [`Outlet::finish`] says that the engine stopped.
#[derive(Debug)]
pub struct Outlet {
    events: mpsc::Sender<Event>,
    cancel: watch::Receiver<bool>,
    /// Room for the last event, which therefore always arrives.
    last: Option<mpsc::OwnedPermit<Event>>,
}

/// Both ends of a request. So many events wait for the reader at most, and one last.
pub fn generation(events: usize) -> (Outlet, Generation) {
    generation_with(events, Arc::default())
}

/// The same with a bell that rings when the request is cancelled or dropped, for who has many to look after.
pub fn generation_with(events: usize, bell: Arc<Notify>) -> (Outlet, Generation) {
    let (event_tx, event_rx) = mpsc::channel(events.max(1) + 1);
    let (cancel_tx, cancel_rx) = watch::channel(false);
    // There is room: the channel is new.
    let last = event_tx.clone().try_reserve_owned().ok();
    let outlet = Outlet { events: event_tx, cancel: cancel_rx, last };
    (outlet, Generation { events: event_rx, cancel: cancel_tx, bell })
}

impl Generation {
    /// The next event; none after the last.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Ends it early: [`Event::Finished`] with [`Finish::Cancelled`](crate::Finish::Cancelled) follows soon.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
        self.bell.notify_one();
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Outlet {
    /// Hands an event over, waiting for room. False: nobody reads any more.
    pub async fn send(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }

    /// Hands an event over if there is room. False: there was none, or nobody reads any more.
    pub fn try_send(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }

    /// Hands the last event over, for which there always is room.
    pub fn finish(mut self, event: Event) {
        if let Some(last) = self.last.take() {
            last.send(event);
        }
    }

    /// Returns once the other end cancels or is dropped.
    pub async fn cancelled(&self) {
        // An error means that the other end is gone.
        let _ = self.cancel.clone().wait_for(|cancelled| *cancelled).await;
    }

    /// Whether the other end has cancelled or is gone.
    pub fn is_cancelled(&self) -> bool {
        *self.cancel.borrow()
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if let Some(last) = self.last.take() {
            last.send(Event::Failed(EngineError::Stopped));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dropping_a_generation_cancels_it() {
        let (outlet, generation) = generation(1);
        assert!(!outlet.is_cancelled());
        drop(generation);
        assert!(outlet.is_cancelled());
        outlet.cancelled().await;
        assert!(!outlet.send(Event::Restarted).await);
    }

    #[tokio::test]
    async fn the_last_event_always_arrives() {
        let (outlet, mut reader) = generation(1);
        assert!(outlet.try_send(Event::Restarted));
        assert!(!outlet.try_send(Event::Restarted), "the room is for one");
        outlet.finish(Event::Failed(EngineError::NoTemplate));
        assert_eq!(reader.next().await, Some(Event::Restarted));
        assert_eq!(reader.next().await, Some(Event::Failed(EngineError::NoTemplate)));
        assert_eq!(reader.next().await, None);
    }

    #[tokio::test]
    async fn an_engine_that_goes_says_so() {
        let (outlet, mut reader) = generation(1);
        drop(outlet);
        assert_eq!(reader.next().await, Some(Event::Failed(EngineError::Stopped)));
        assert_eq!(reader.next().await, None);
    }
}
