//! What is to be sent over one connection, bounded in number and in bytes.

use std::sync::Arc;

use ratatosk_protocol::message::Payload;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::answer::Answer;

/// Messages that wait for one connection at most, and their bytes.
const MESSAGES: usize = 64;
const BYTES: u32 = 64 * 1024 * 1024;

/// A message to be sent.
pub(super) struct Mail {
    pub(super) payload: Payload,
    pub(super) answer: Answer,
    /// The message's share of what may wait.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Where messages are put in.
pub(super) struct Mailbox {
    mail: mpsc::Sender<Mail>,
    bytes: Arc<Semaphore>,
}

impl Mailbox {
    /// A mailbox, and where it is emptied.
    pub(super) fn new() -> (Self, mpsc::Receiver<Mail>) {
        let (mail, end) = mpsc::channel(MESSAGES);
        (Self { mail, bytes: Arc::new(Semaphore::new(BYTES as usize)) }, end)
    }

    /// Whether the connection takes nothing any more.
    pub(super) fn is_closed(&self) -> bool {
        self.mail.is_closed()
    }

    /// Puts a message in, or answers why that is not possible.
    pub(super) fn put(&self, payload: Payload, answer: Answer) {
        let share = u32::try_from(payload.len()).unwrap_or(u32::MAX).min(BYTES);
        let Ok(room) = self.bytes.clone().try_acquire_many_owned(share) else {
            return answer.error(&format!("{} MiB to this key are waiting already", BYTES >> 20));
        };
        match self.mail.try_send(Mail { payload, answer, _room: room }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(mail)) => {
                mail.answer.error(&format!("{MESSAGES} messages to this key are waiting already"));
            }
            Err(mpsc::error::TrySendError::Closed(mail)) => mail.answer.error("the connection is closed"),
        }
    }
}
