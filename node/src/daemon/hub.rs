//! The bus on which everything that happens is told to whoever listens.
//!
//! Nobody who tells waits for anybody who listens. Who is too slow misses events and learns how many; what matters can be fetched
//! again. What waits is bounded in bytes as well: an event with a long text is told as one that was missed, and a piece of a draft that
//! is too long is not told: nobody should fetch everything again for what a peer only shows.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::api::types::Event;

/// Events that wait for the slowest listener.
const WAITING: usize = 512;
/// The longest text in an event, in bytes. With [`WAITING`] this bounds what the bus holds.
const MAX_TEXT: usize = 64 * 1024;

/// The bus. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Hub {
    sender: broadcast::Sender<Arc<Event>>,
}

/// Somebody who listens.
#[derive(Debug)]
pub struct Listening {
    receiver: broadcast::Receiver<Arc<Event>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { sender: broadcast::channel(WAITING).0 }
    }
}

impl Hub {
    /// Tells everybody.
    pub fn tell(&self, event: Event) {
        let event = match event {
            event if text_of(&event) <= MAX_TEXT => event,
            // Our own pieces are short; the message brings all of it.
            Event::Draft(_) => return,
            _ => Event::Lagged { missed: 1 },
        };
        // That nobody listens is no failure.
        let _ = self.sender.send(Arc::new(event));
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> Listening {
        Listening { receiver: self.sender.subscribe() }
    }
}

impl Listening {
    /// The next event; `None` when the daemon has gone. Nothing is lost if this is not waited for to the end.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Arc::new(Event::Lagged { missed })),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Bytes of the texts that may be long.
fn text_of(event: &Event) -> usize {
    match event {
        Event::Message(message) => {
            let files = message.attachments.iter().map(|file| file.name.len() + file.media_type.len());
            message.text.len() + files.sum::<usize>()
        }
        Event::Draft(draft) => draft.text.len(),
        Event::Trouble(trouble) => trouble.text.len(),
        Event::Agent(agent) => agent.personality.len(),
        Event::Queue(queue) => queue.waiting.iter().map(|waiting| waiting.label.len()).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::TroubleEvent;

    fn trouble(text: String) -> Event {
        Event::Trouble(TroubleEvent { place: "test".to_owned(), text, agent: None })
    }

    #[tokio::test]
    async fn who_is_too_slow_learns_how_much_was_missed_and_goes_on() {
        let hub = Hub::default();
        let mut slow = hub.listen();
        for number in 0..WAITING + 3 {
            hub.tell(trouble(number.to_string()));
        }
        assert_eq!(*slow.next().await.unwrap(), Event::Lagged { missed: 3 });
        assert_eq!(*slow.next().await.unwrap(), trouble("3".to_owned()));
        drop(hub);
        let mut rest = 0;
        while slow.next().await.is_some() {
            rest += 1;
        }
        assert_eq!(rest, WAITING - 1);
    }

    #[tokio::test]
    async fn a_long_text_does_not_wait_on_the_bus() {
        let hub = Hub::default();
        let mut listening = hub.listen();
        hub.tell(trouble("x".repeat(MAX_TEXT)));
        hub.tell(trouble("x".repeat(MAX_TEXT + 1)));
        assert!(matches!(*listening.next().await.unwrap(), Event::Trouble(_)));
        assert_eq!(*listening.next().await.unwrap(), Event::Lagged { missed: 1 });
    }
}
