//! Phase 6 over an encrypted connection: the machine of `ratatosk-pairing`, its messages, and what it asks of our contacts.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatosk_objects::PersonId;
use ratatosk_pairing::{
    Acquaintances, Completion, CompletionError, Ends, InvitationBook, Invitations, Known, Output, Paired, Purpose,
    Refusal, Token, Unavailable, Verified,
};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::driver::{Session, os_entropy};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::{self, Outcome};
use ratatosk_protocol::plugin::Counters;
use tokio::time::sleep;

use super::shared::Shared;

/// Bytes that the other end may send in this phase. All its messages together have some kilobytes.
const ENOUGH: u64 = 512 * 1024;

/// How often it is looked at what has come.
const LOOK: Duration = Duration::from_millis(50);

/// How phase 6 ended well.
#[derive(Debug)]
pub(super) enum Completed {
    /// The other end has become a contact, and the connection has done what it was for.
    Paired(Box<Paired>),
    /// The other end is a contact, and speaks CHUM from now on.
    Verified(Verified),
}

impl Completed {
    /// As the connection's record has it.
    fn name(&self) -> phase::Completed {
        match self {
            Self::Paired(_) => phase::Completed::Paired,
            Self::Verified(_) => phase::Completed::Verified,
        }
    }
}

/// Why it did not.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCompleted {
    /// The machine gave up. What the other end sent may stand in the text.
    #[error("{}", escaped(.0))]
    Protocol(#[from] CompletionError),
    /// The contact could not be stored.
    #[error("the contact could not be stored: {0}")]
    Storage(String),
    /// More came than the phase can need.
    #[error("too much was sent before it was proven who sends it")]
    TooMuch,
    /// The connection ended before, by the deadline of the phase for instance.
    #[error("the connection ended")]
    Ended,
}

impl NotCompleted {
    /// How the phase ended.
    fn outcome(&self) -> Outcome {
        match self {
            Self::Protocol(error) => error.outcome(),
            Self::Storage(_) | Self::TooMuch | Self::Ended => Outcome::Error,
        }
    }

    /// What the other end is told, if the connection is still there.
    fn close_request(&self, of_the_machine: Option<CloseRequest>) -> CloseRequest {
        match self {
            Self::Protocol(_) | Self::Ended => of_the_machine.unwrap_or(CloseRequest::Close(None)),
            Self::TooMuch => CloseRequest::because("Error: Too much was sent before it was proven who sends it"),
            Self::Storage(_) => CloseRequest::because("Error: The contact could not be stored"),
        }
    }
}

/// Begins as the side that has dialled.
pub(super) fn initiate(shared: &Shared, session: &Session, purpose: Purpose) -> Completion {
    Completion::initiate(shared.myself.clone(), ends(session), purpose, os_entropy())
}

/// Begins as the side that was dialled.
pub(super) fn accept(shared: &Shared, session: &Session) -> Completion {
    Completion::accept(shared.myself.clone(), ends(session), os_entropy())
}

fn ends(session: &Session) -> Ends {
    Ends { local: *session.local(), remote: *session.remote() }
}

/// Runs the machine to its end. The connection keeps the deadline of the phase.
///
/// # Errors
///
/// What went wrong, and what to tell the other end.
pub(super) async fn run(
    shared: &Arc<Shared>,
    session: &mut Session,
    machine: Completion,
) -> Result<Completed, (NotCompleted, CloseRequest)> {
    let mut running = Running { shared, session, machine: Some(machine), close: None };
    match running.run().await {
        Ok(completed) => {
            session.complete(completed.name()).await;
            Ok(completed)
        }
        Err(error) => {
            running.give_up().await;
            let close = error.close_request(running.close.take());
            session.complete(phase::Completed::Failed(error.outcome())).await;
            Err((error, close))
        }
    }
}

struct Running<'a> {
    shared: &'a Arc<Shared>,
    session: &'a mut Session,
    /// Taken while a thread works with it, which is always waited for.
    machine: Option<Completion>,
    close: Option<CloseRequest>,
}

impl Running<'_> {
    async fn run(&mut self) -> Result<Completed, NotCompleted> {
        loop {
            if let Some(completed) = self.outputs().await? {
                return Ok(completed);
            }
            let counters = self.session.counters().clone();
            let message = tokio::select! {
                message = self.session.recv() => message.ok_or(NotCompleted::Ended)?,
                () = flood(&counters) => return Err(NotCompleted::TooMuch),
            };
            self.shared.transcript.received(self.session.id(), &message);
            self.message(message).await?;
        }
    }

    async fn message(&mut self, message: Payload) -> Result<(), NotCompleted> {
        let mut machine = self.machine.take().ok_or(NotCompleted::Ended)?;
        let shared = self.shared.clone();
        let work = move || {
            machine.handle_message(unix_millis(), &message, &mut Door(&shared));
            machine
        };
        self.machine = Some(self.shared.blocking.run(work).await);
        Ok(())
    }

    /// Does what the machine wants done.
    async fn outputs(&mut self) -> Result<Option<Completed>, NotCompleted> {
        let (mut completed, mut failure) = (None, None);
        while let Some(output) = self.machine.as_mut().and_then(Completion::poll_output) {
            match output {
                Output::Send(message) => {
                    self.shared.transcript.sent(self.session.id(), &message);
                    self.session.send(message).await.map_err(|_| NotCompleted::Ended)?;
                }
                Output::Paired(paired) => {
                    store(self.shared, paired.clone()).await?;
                    completed = Some(Completed::Paired(paired));
                }
                Output::Verified(verified) => completed = Some(Completed::Verified(verified)),
                Output::Failed(error) => failure = Some(error),
                Output::Close(request) => self.close = Some(request),
            }
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(completed),
        }
    }

    /// An invitation that was taken and led to nothing can be taken again.
    async fn give_up(&mut self) {
        let Some(mut machine) = self.machine.take() else { return };
        let shared = self.shared.clone();
        self.shared.blocking.run(move || machine.handle_closed(&mut Door(&shared))).await;
    }
}

/// Waits until more has come than the phase can need: a message is put together before anybody sees it.
async fn flood(counters: &Counters) {
    while counters.bytes_received() <= ENOUGH {
        sleep(LOOK).await;
    }
}

async fn store(shared: &Arc<Shared>, paired: Box<Paired>) -> Result<(), NotCompleted> {
    let pairing = shared.clone();
    let stored = shared.blocking.run(move || {
        // The book is as the machine has left it: an invitation that led here is used.
        let book = pairing.book();
        let stored = pairing.node.add_invited(&paired.identity, &book);
        if stored.is_err() {
            keep(&pairing, &book);
        }
        stored
    });
    let stored = stored.await;
    stored.map(drop).map_err(|error| NotCompleted::Storage(error.to_string()))
}

/// An invitation is used up even if whoever took it cannot be stored.
fn keep(shared: &Shared, book: &InvitationBook) {
    if let Err(error) = shared.node.keep_invitations(book) {
        tracing::error!(%error, "that an invitation was used cannot be kept; after a restart it may be good again");
    }
}

/// What the machine may ask.
struct Door<'a>(&'a Shared);

impl Acquaintances for Door<'_> {
    fn person_keys(&self, person: &PersonId) -> Result<Vec<PublicKey>, Unavailable> {
        self.0.node.person_keys(person).map_err(|error| Unavailable(error.to_string()))
    }

    fn expected(&self, local: &PublicKey, remote: &PublicKey) -> Result<Option<Known>, Unavailable> {
        self.0.node.expected(local, remote).map_err(|error| Unavailable(error.to_string()))
    }
}

impl Invitations for Door<'_> {
    fn redeem(&mut self, token: &Token, addressed: &PersonId, now: u64) -> Result<(), Refusal> {
        self.0.book().redeem(token, addressed, now)
    }

    fn settle(&mut self, token: &Token) {
        // Kept together with the contact: see `store`.
        self.0.book().settle(token);
    }

    fn release(&mut self, token: &Token) {
        self.0.book().release(token);
    }
}

/// The time, as invitations count it.
pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The text of an error without what could move a cursor or turn a line around; quotes stay as they are.
fn escaped(error: &CompletionError) -> String {
    let mut shown = String::new();
    for character in error.to_string().chars() {
        match character {
            '\'' | '"' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::message::MessageError;

    use super::*;

    #[test]
    fn what_the_other_end_sent_is_escaped_in_what_a_person_reads() {
        let received = "\u{1b}[2J\u{202e}".to_owned();
        let error = MessageError::UnexpectedCommand { received, expected: "sync" };
        let error = NotCompleted::from(CompletionError::from(error));
        let shown = "Received unexpected type '\\u{1b}[2J\\u{202e}'. Expected type 'sync'.";
        assert_eq!(error.to_string(), shown);
    }
}
