//! The handle of an established connection.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::DriverError;
use super::socket::Stream;
use super::task::{Handles, Peers, Request, Task};
use crate::close::CloseRequest;
use crate::connection::Closed;
use crate::key::PublicKey;
use crate::message::Payload;
use crate::phase::Completed;
use crate::plugin::Counters;
use crate::trace::Timeline;

/// What a peer is told when nobody takes its connection.
pub(super) const NOBODY_ACCEPTS: &str = "Too many connections wait to be accepted";

/// An encrypted connection to a peer.
///
/// Messages are whole, in order, text or binary, and may be empty. Dropping the session drops the connection without a
/// close frame; [`Self::close`] is the polite way.
#[derive(Debug)]
pub struct Session {
    id: u64,
    local: PublicKey,
    remote: PublicKey,
    counters: Arc<Counters>,
    outbox: mpsc::Sender<Payload>,
    requests: mpsc::Sender<Request>,
    inbox: mpsc::Receiver<Payload>,
    task: Owned<()>,
    end: Option<oneshot::Receiver<(Closed, Timeline)>>,
    ended: Option<(Closed, Timeline)>,
}

impl Session {
    pub(super) fn start<S: Stream>(id: u64, task: Task<S>, peers: &Peers) -> Self {
        let counters = task.machine().counters().clone();
        let (outbox, outbox_end) = mpsc::channel(1);
        let (requests, requests_end) = mpsc::channel(1);
        let (inbox_end, inbox) = mpsc::channel(1);
        let (ended, end) = oneshot::channel();
        let handles = Handles { outbox: outbox_end, requests: requests_end, inbox: inbox_end, ended };
        let task = Owned(tokio::spawn(task.run(handles)));
        let Peers { local, remote } = *peers;
        Self { id, local, remote, counters, outbox, requests, inbox, task, end: Some(end), ended: None }
    }

    /// The number that notices about this connection carry.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Our key: the one that the peer asked for, or that we dialled with.
    #[must_use]
    pub fn local(&self) -> &PublicKey {
        &self.local
    }

    /// The peer's key.
    #[must_use]
    pub fn remote(&self) -> &PublicKey {
        &self.remote
    }

    /// The numbers of this connection.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Hands a message over for sending; waits while too much is unsent.
    ///
    /// # Errors
    ///
    /// [`DriverError::Closed`] if the connection is over; [`Self::closed`] says why.
    pub async fn send(&self, message: Payload) -> Result<(), DriverError> {
        self.outbox.send(message).await.map_err(|_| DriverError::Closed)
    }

    /// A sender that can be used beside this handle, for instance while it waits for a message.
    #[must_use]
    pub fn sender(&self) -> SessionSender {
        SessionSender { outbox: self.outbox.clone() }
    }

    /// The next message of the peer; none when the connection is over. Safe to cancel.
    pub async fn recv(&mut self) -> Option<Payload> {
        self.inbox.recv().await
    }

    /// Phase 6, which the caller has run on this session, has ended: where [`crate::connection::Config::completion`] is set, the
    /// connection leaves that phase and its deadline, after what was handed in for sending. A connection that is over by now is
    /// none to tell.
    pub async fn complete(&self, completed: Completed) {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request::Complete(completed, reply)).await.is_ok() {
            // So that what is sent next is no part of the phase.
            let _ = answer.await;
        }
    }

    /// What has happened so far, for a person.
    pub async fn timeline(&mut self) -> Timeline {
        if self.ended.is_none() {
            let (reply, answer) = oneshot::channel();
            if self.requests.send(Request::Timeline(reply)).await.is_ok()
                && let Ok(timeline) = answer.await
            {
                return timeline;
            }
        }
        self.wait().await.1.clone()
    }

    /// Waits for the end and says how it came. Unread messages are lost.
    pub async fn closed(&mut self) -> Closed {
        // The end may be behind messages that wait for a reader.
        self.inbox.close();
        self.wait().await.0.clone()
    }

    /// Sends what was handed in, closes, and waits for the end.
    pub async fn close(mut self, request: CloseRequest) -> (Closed, Timeline) {
        // If the connection is over already, there is nobody to ask.
        let _ = self.requests.send(Request::Close(request)).await;
        // Nobody reads any more, and what is unread must not keep the close from coming through.
        self.inbox.close();
        self.wait().await.clone()
    }

    async fn wait(&mut self) -> &(Closed, Timeline) {
        if let Some(end) = &mut self.end {
            match end.await {
                Ok(ended) => self.ended = Some(ended),
                // The task tells its end before it ends, so it has panicked; this goes on with that.
                Err(_) => self.task.join().await,
            }
            self.end = None;
        }
        match &self.ended {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }
}

/// Sends on a session from another task.
#[derive(Clone, Debug)]
pub struct SessionSender {
    outbox: mpsc::Sender<Payload>,
}

impl SessionSender {
    /// As [`Session::send`].
    ///
    /// # Errors
    ///
    /// [`DriverError::Closed`] if the connection is over.
    pub async fn send(&self, message: Payload) -> Result<(), DriverError> {
        self.outbox.send(message).await.map_err(|_| DriverError::Closed)
    }
}

/// A task that ends when its handle does.
#[derive(Debug)]
pub(super) struct Owned<T>(pub(super) JoinHandle<T>);

impl<T> Owned<T> {
    /// The task's result.
    pub(super) async fn join(&mut self) -> T {
        match (&mut self.0).await {
            Ok(value) => value,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only dropping the handle cancels the task.
            Err(_) => std::future::pending().await,
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
