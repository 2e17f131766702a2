//! A machine, and where its events go: to everybody who watches, and to the listener that owns it.

use tokio::sync::mpsc;

use super::events::{Events, NoticeKind};
use super::now;
use super::task::Peers;
use crate::close::CloseRequest;
use crate::connection::{Closed, Connection, Event};
use crate::message::Payload;
use crate::phase::Role;
use crate::spare::SpareId;

/// The channels of one connection's events.
pub(super) struct News {
    events: Events,
    connection: u64,
    role: Role,
    /// The listener counts its spares by these, so none may be lost.
    listener: Option<(SpareId, mpsc::UnboundedSender<(SpareId, Event)>)>,
}

impl News {
    pub(super) fn new(events: &Events, role: Role) -> Self {
        Self { events: events.clone(), connection: events.new_connection(), role, listener: None }
    }

    pub(super) fn with_listener(mut self, id: SpareId, sender: mpsc::UnboundedSender<(SpareId, Event)>) -> Self {
        self.listener = Some((id, sender));
        self
    }

    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    fn publish(&self, event: Event) {
        tracing::debug!(connection = self.connection, role = self.role.name(), ?event, "connection");
        if let Some((id, listener)) = &self.listener
            && matches!(event, Event::SpareOpened | Event::SpareHandedOver | Event::HandoverComplete)
        {
            // A listener that is gone has nothing left to count.
            let _ = listener.send((*id, event.clone()));
        }
        self.events.publish(self.connection, self.role, &NoticeKind::Connection(event));
    }
}

/// A machine whose end is told, also when it is dropped in the middle.
pub(super) struct Told {
    pub(super) machine: Connection,
    news: News,
}

/// What a machine has told in one go.
#[derive(Default)]
pub(super) struct Drained {
    pub(super) peers: Option<Peers>,
    pub(super) messages: Vec<Payload>,
    pub(super) closed: Option<Closed>,
}

impl Told {
    pub(super) fn new(machine: Connection, news: News) -> Self {
        Self { machine, news }
    }

    /// Takes everything that the machine has to tell, and passes on what is not the application's data.
    pub(super) fn drain(&mut self) -> Drained {
        let mut drained = Drained::default();
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::Message(message) => {
                    drained.messages.push(message);
                    continue;
                }
                Event::Established { local, remote } => drained.peers = Some(Peers { local, remote }),
                Event::Closed(ref closed) => drained.closed = Some(closed.clone()),
                _ => {}
            }
            self.news.publish(event);
        }
        drained
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.machine.is_closed() {
            self.machine.close(now(), CloseRequest::because("dropped"));
            self.machine.handle_closed(now(), None);
            self.drain();
        }
    }
}
