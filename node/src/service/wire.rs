//! What carries the messages of a connection: an encrypted session, or two channels inside this process.

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::driver::{Session, SessionSender};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::trace::Timeline;
use tokio::sync::mpsc;

/// Messages that wait inside this process, in each direction. One more waits with whoever sends it.
const WAITING: usize = 1;

/// One end.
pub(super) enum Wire {
    /// Over the network.
    Session(Box<Session>),
    /// To another node of this process.
    Local(Local),
}

/// One end of a pair of channels.
pub(super) struct Local {
    outbox: mpsc::Sender<Payload>,
    inbox: mpsc::Receiver<Payload>,
}

/// Sends beside whoever waits for messages.
pub(super) enum WireSender {
    Session(SessionSender),
    Local(mpsc::Sender<Payload>),
}

/// The connection is over.
#[derive(Debug)]
pub(super) struct Over;

impl Wire {
    /// Both ends of a connection inside this process.
    pub(super) fn pair() -> (Self, Self) {
        let ((outbox, far_inbox), (far_outbox, inbox)) = (mpsc::channel(WAITING), mpsc::channel(WAITING));
        (Self::Local(Local { outbox, inbox }), Self::Local(Local { outbox: far_outbox, inbox: far_inbox }))
    }

    /// Whether it stays inside this process.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// The next message of the other end; none when the connection is over. Safe to cancel.
    pub(super) async fn recv(&mut self) -> Option<Payload> {
        match self {
            Self::Session(session) => session.recv().await,
            Self::Local(local) => local.inbox.recv().await,
        }
    }

    pub(super) fn sender(&self) -> WireSender {
        match self {
            Self::Session(session) => WireSender::Session(session.sender()),
            Self::Local(local) => WireSender::Local(local.outbox.clone()),
        }
    }

    /// Closes it, and gives what happened on it if that was kept.
    pub(super) async fn close(self, request: CloseRequest) -> Option<Timeline> {
        match self {
            Self::Session(session) => {
                let id = session.id();
                let (closed, timeline) = session.close(request).await;
                tracing::debug!(connection = id, error = %closed.error, "a connection to a contact ended");
                Some(timeline)
            }
            // The other end hears of it when the channels are gone.
            Self::Local(_) => None,
        }
    }
}

impl WireSender {
    /// Hands a message over; waits while there is no room.
    pub(super) async fn send(&self, message: Payload) -> Result<(), Over> {
        match self {
            Self::Session(sender) => sender.send(message).await.map_err(|_| Over),
            Self::Local(sender) => sender.send(message).await.map_err(|_| Over),
        }
    }
}
