//! The machine of phase 6 (`spec/one.md §2.6–3`, `spec/phases.md`).
//!
//! Each step is a struct that a message consumes, so what a step needs exists only while it lasts, and is wiped with it.

mod exchange;
mod pairing;
mod proof;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::{InstanceId, PersonId};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;

use self::exchange::{AwaitGroup, AwaitInstance, AwaitKeys, AwaitPerson, AwaitSync};
use self::pairing::{AwaitIdentity, AwaitToken};
use self::proof::{AwaitAnswer, AwaitChallenge};
use crate::circle::Circle;
use crate::error::CompletionError;
use crate::identity::{Identity, Myself};
use crate::invitation::Token;

/// What is spoken after this phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Two who do not know each other become contacts; then the connection closes.
    Pairing,
    /// Two contacts synchronise.
    Chum,
}

impl Group {
    /// As it stands in `connection_group`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pairing => "pairing",
            Self::Chum => "chum",
        }
    }
}

/// What an initiator wants.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// To pair, with the token of an invitation. The connection has to be made with the person key on this side, and with the
    /// key of the invitation on the other.
    Pair(Token),
    /// To synchronise with a contact. The connection is made with the instance keys of both.
    Chum,
}

/// The keys of the connection, both proven in phase 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Ours.
    pub local: PublicKey,
    /// The other end's.
    pub remote: PublicKey,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this.
    Send(Payload),
    /// The other end is a contact now: store it. Whoever cannot store it goes no further, and closes instead. For an initiator
    /// the message that makes this end the other's contact follows.
    Paired(Box<Paired>),
    /// The other end is the contact that it says it is; from now on its messages are those of the group.
    Verified(Verified),
    /// The phase has failed; a close follows unless the connection is closed already.
    Failed(CompletionError),
    /// Close. Nothing follows.
    Close(CloseRequest),
}

/// Who became a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired {
    /// Everything about the other end. Its person keys are proven, and so is, for an initiator, its instance key. Its signature
    /// keys and, for an acceptor, its instance key are what it says.
    pub identity: Identity,
    /// The person, as it follows from the identity.
    pub person: PersonId,
    /// The instance, as it follows from the identity.
    pub instance: InstanceId,
    /// Which side this end was.
    pub role: Role,
    /// The token of the invitation.
    pub token: Token,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The contact's person, as on record.
    pub person: PersonId,
    /// The contact's instance, as on record.
    pub instance: InstanceId,
    /// The person key that was proven.
    pub person_key: PublicKey,
    /// What is spoken from now on.
    pub group: Group,
}

/// The machine of phase 6 on one connection.
pub struct Completion {
    state: State,
    flight: Flight,
}

/// Which message is due.
enum State {
    AwaitGroup(AwaitGroup),
    AwaitSync(AwaitSync),
    AwaitPerson(AwaitPerson),
    AwaitKeys(AwaitKeys),
    AwaitChallenge(AwaitChallenge),
    AwaitAnswer(AwaitAnswer),
    AwaitInstance(AwaitInstance),
    AwaitToken(AwaitToken),
    AwaitIdentity(AwaitIdentity),
    /// The phase is over, well or not.
    Over,
}

/// What the machine has through all its states.
struct Flight {
    role: Role,
    me: Arc<Myself>,
    ends: Ends,
    entropy: Box<dyn Entropy>,
    outputs: VecDeque<Output>,
    /// The invitation that the other end has taken, until it is settled.
    taken: Option<Token>,
    /// Both ends are verified, and pairing has begun.
    pairs: bool,
}

impl Completion {
    /// The side that has dialled. It speaks first.
    #[must_use]
    pub fn initiate(me: Arc<Myself>, ends: Ends, purpose: Purpose, entropy: Box<dyn Entropy>) -> Self {
        let mut flight = Flight::new(Role::Initiator, me, ends, entropy);
        let state = State::AwaitSync(AwaitSync::begin(&mut flight, purpose));
        Self { state, flight }
    }

    /// The side that was dialled.
    #[must_use]
    pub fn accept(me: Arc<Myself>, ends: Ends, entropy: Box<dyn Entropy>) -> Self {
        let flight = Flight::new(Role::Listener, me, ends, entropy);
        Self { state: State::AwaitGroup(AwaitGroup), flight }
    }

    /// A message has come. `now` is in milliseconds of Unix time: invitations expire. Nothing is done with messages that come
    /// when the phase is over: after [`Output::Verified`] they belong to the group.
    pub fn handle_message(&mut self, now: u64, message: &Payload, circle: &mut dyn Circle) {
        let flight = &mut self.flight;
        let next = match std::mem::replace(&mut self.state, State::Over) {
            State::AwaitGroup(state) => state.message(flight, message).map(State::AwaitPerson),
            State::AwaitSync(state) => state.message(flight, message).map(State::AwaitPerson),
            State::AwaitPerson(state) => state.message(flight, message).map(State::AwaitKeys),
            State::AwaitKeys(state) => state.message(flight, message),
            State::AwaitChallenge(state) => state.message(flight, message, circle),
            State::AwaitAnswer(state) => state.message(flight, message, circle),
            State::AwaitInstance(state) => state.message(flight, message),
            State::AwaitToken(state) => state.message(flight, now, message, circle).map(State::AwaitIdentity),
            State::AwaitIdentity(state) => state.message(flight, message, circle),
            State::Over => Ok(State::Over),
        };
        match next {
            Ok(state) => self.state = state,
            Err(error) => {
                let request = error.close_request(flight.pairs && flight.role == Role::Initiator);
                self.fail(error, circle);
                self.flight.outputs.push_back(Output::Close(request));
            }
        }
    }

    /// The connection is over, or is about to be for a reason that lies outside, such as a deadline. An invitation that was taken
    /// and has led to nothing can be taken again.
    pub fn handle_closed(&mut self, circle: &mut dyn Circle) {
        if !matches!(self.state, State::Over) {
            self.fail(CompletionError::Closed, circle);
        }
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.flight.outputs.pop_front()
    }

    /// Whether the phase is over, well or not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn fail(&mut self, error: CompletionError, circle: &mut dyn Circle) {
        self.state = State::Over;
        if let Some(token) = self.flight.taken.take() {
            circle.release(&token);
        }
        self.flight.outputs.push_back(Output::Failed(error));
    }
}

impl Flight {
    fn new(role: Role, me: Arc<Myself>, ends: Ends, entropy: Box<dyn Entropy>) -> Self {
        Self { role, me, ends, entropy, outputs: VecDeque::new(), taken: None, pairs: false }
    }

    fn send(&mut self, message: Payload) {
        self.outputs.push_back(Output::Send(message));
    }
}

/// What this connection is for, as far as it is known.
enum Errand {
    /// As an initiator.
    Pair(Token),
    /// As an acceptor.
    BePaired,
    Chum,
}

/// What the other end has shown of itself.
struct Shown {
    person: PersonId,
    email: String,
    key: PublicKey,
    sign_key: SignPublicKey,
}

/// Shows the step only.
impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = match &self.state {
            State::AwaitGroup(_) => "group",
            State::AwaitSync(_) => "sync",
            State::AwaitPerson(_) => "person",
            State::AwaitKeys(_) => "keys",
            State::AwaitChallenge(_) => "challenge",
            State::AwaitAnswer(_) => "answer",
            State::AwaitInstance(_) => "instance",
            State::AwaitToken(_) => "token",
            State::AwaitIdentity(_) => "identity",
            State::Over => "nothing",
        };
        write!(f, "Completion({}, due: {due})", self.flight.role.name())
    }
}
