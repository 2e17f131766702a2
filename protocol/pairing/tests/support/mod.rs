//! What the tests share: known randomness and keys, a circle of acquaintances, and two machines joined without a network.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::{InstanceId, PersonId};
use ratatosk_pairing::{
    Acquaintances, Completion, Ends, Identity, InvitationBook, Invitations, Known, Myself, Output, Purpose, Refusal,
    Token, Unavailable,
};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KeyPair, PublicKey, SecretKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;

/// Milliseconds of Unix time, for tests in which none passes.
pub const NOW: u64 = 1_800_000_000_000;

/// SplitMix64: repeatable, and good enough for bytes that only have to differ.
pub struct Repeatable(pub u64);

impl Entropy for Repeatable {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

pub fn entropy(seed: u64) -> Box<dyn Entropy> {
    Box::new(Repeatable(seed))
}

/// Made once: random tests ask for the same few keys thousands of times.
static KEYS: LazyLock<Vec<KeyPair>> =
    LazyLock::new(|| (0..=255).map(|seed| SecretKey::from_bytes([seed; 32]).into()).collect());

pub fn key(seed: u8) -> KeyPair {
    KEYS[usize::from(seed)].clone()
}

/// Somebody whose person key is `key(seed)` and whose instance key is `key(seed + 1)`.
pub fn identity(seed: u8) -> Identity {
    Identity {
        email: format!("{seed}@peer.test"),
        instance_name: format!("instance <{seed}> & Grüße"),
        person_key: *key(seed).public(),
        person_sign_key: SignPublicKey::from_bytes([seed + 2; 32]),
        instance_key: *key(seed + 1).public(),
        instance_sign_key: SignPublicKey::from_bytes([seed + 3; 32]),
        url: Some("wss://comm.example".to_owned()),
    }
}

pub fn myself(seed: u8) -> Arc<Myself> {
    static MYSELF: LazyLock<[Arc<Myself>; 2]> = LazyLock::new(|| [10, 20].map(make_myself));
    match seed {
        10 => MYSELF[0].clone(),
        20 => MYSELF[1].clone(),
        other => make_myself(other),
    }
}

fn make_myself(seed: u8) -> Arc<Myself> {
    Arc::new(Myself::new(identity(seed), key(seed).secret().clone()).unwrap())
}

/// What one end keeps.
#[derive(Default)]
pub struct World {
    pub contacts: Vec<Contact>,
    pub book: InvitationBook,
    pub unavailable: bool,
}

/// A stored contact of the instance `local`.
pub struct Contact {
    pub local: PublicKey,
    pub instance_key: PublicKey,
    pub person_key: PublicKey,
    pub person: PersonId,
    pub instance: InstanceId,
}

impl World {
    /// Stores somebody as a contact of `me`.
    pub fn knows(&mut self, me: &Myself, other: &Identity) {
        let (person, instance) = other.ids().unwrap();
        self.contacts.push(Contact {
            local: me.identity().instance_key,
            instance_key: other.instance_key,
            person_key: other.person_key,
            person,
            instance,
        });
    }

    fn available<T>(&self, value: T) -> Result<T, Unavailable> {
        if self.unavailable { Err(Unavailable("no disk".to_owned())) } else { Ok(value) }
    }
}

impl Acquaintances for World {
    fn person_keys(&self, person: &PersonId) -> Result<Vec<PublicKey>, Unavailable> {
        let of = self.contacts.iter().filter(|contact| contact.person == *person);
        self.available(of.map(|contact| contact.person_key).collect())
    }

    fn expected(&self, local: &PublicKey, remote: &PublicKey) -> Result<Option<Known>, Unavailable> {
        let mut all = self.contacts.iter();
        let found = all.find(|contact| contact.local == *local && contact.instance_key == *remote);
        self.available(found.map(|contact| Known { person: contact.person, instance: contact.instance }))
    }
}

impl Invitations for World {
    fn redeem(&mut self, token: &Token, addressed: &PersonId, now: u64) -> Result<(), Refusal> {
        self.book.redeem(token, addressed, now)
    }

    fn settle(&mut self, token: &Token) {
        self.book.settle(token);
    }

    fn release(&mut self, token: &Token) {
        self.book.release(token);
    }
}

/// One machine, what it knows, and what has come out of it.
pub struct End {
    pub me: Arc<Myself>,
    pub world: World,
    pub machine: Completion,
    /// What is on its way to the other end.
    pub outbox: VecDeque<Payload>,
    /// Everything that has come out.
    pub outputs: Vec<Output>,
}

impl End {
    pub fn new(me: Arc<Myself>, world: World, machine: Completion) -> Self {
        let mut end = Self { me, world, machine, outbox: VecDeque::new(), outputs: Vec::new() };
        end.collect();
        end
    }

    pub fn handle(&mut self, message: &Payload) {
        self.machine.handle_message(NOW, message, &mut self.world);
        self.collect();
    }

    pub fn closed(&mut self) {
        self.machine.handle_closed(&mut self.world);
        self.collect();
    }

    /// What the machine promises of its outputs is checked here: the end is told once, and nothing follows a close.
    fn collect(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            assert!(!self.is_closed(), "{output:?} came after the close");
            if let Output::Send(message) = &output {
                self.outbox.push_back(message.clone());
            }
            self.outputs.push(output);
        }
        let ends = self
            .outputs
            .iter()
            .filter(|output| matches!(output, Output::Paired(_) | Output::Verified(_) | Output::Failed(_)));
        assert_eq!(ends.count(), usize::from(self.machine.is_over()), "{:?}", self.outputs);
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.outputs.last(), Some(Output::Close(_)))
    }

    /// Whether it takes the other end for somebody.
    pub fn believes(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Paired(_) | Output::Verified(_)))
    }

    /// The reason of its close.
    pub fn reason(&self) -> Option<String> {
        match self.outputs.last() {
            Some(Output::Close(request)) => Some(request.reason()),
            _ => None,
        }
    }
}

/// An initiator (20) and an acceptor (10).
pub struct Pair {
    pub initiator: End,
    pub acceptor: End,
}

impl Pair {
    /// The acceptor has made an invitation and the initiator holds it.
    pub fn pairing() -> Self {
        Self::seeded_pairing(1)
    }

    pub fn seeded_pairing(seed: u64) -> Self {
        let mut world = World::default();
        let token = world.book.issue(myself(10).person(), NOW, &mut Repeatable(7)).unwrap();
        Self::seeded(world, World::default(), Purpose::Pair(token), seed)
    }

    /// Two contacts.
    pub fn chum() -> Self {
        Self::seeded_chum(1)
    }

    pub fn seeded_chum(seed: u64) -> Self {
        let (mut accepts, mut initiates) = (World::default(), World::default());
        accepts.knows(&myself(10), &identity(20));
        initiates.knows(&myself(20), &identity(10));
        Self::seeded(accepts, initiates, Purpose::Chum, seed)
    }

    pub fn new(accepts: World, initiates: World, purpose: Purpose) -> Self {
        Self::seeded(accepts, initiates, purpose, 1)
    }

    /// The same with random bytes of its own.
    pub fn seeded(accepts: World, initiates: World, purpose: Purpose, seed: u64) -> Self {
        let (me, other) = (myself(20), myself(10));
        let pairs = matches!(purpose, Purpose::Pair(_));
        let local = if pairs { me.identity().person_key } else { me.identity().instance_key };
        let remote = other.identity().instance_key;
        let machine = Completion::initiate(me.clone(), Ends { local, remote }, purpose, entropy(seed));
        let initiator = End::new(me, initiates, machine);
        let machine = Completion::accept(other.clone(), Ends { local: remote, remote: local }, entropy(seed + 1));
        Self { initiator, acceptor: End::new(other, accepts, machine) }
    }

    pub fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Initiator => &mut self.initiator,
            Role::Listener => &mut self.acceptor,
        }
    }

    /// Carries one message. False if there was none.
    pub fn carry(&mut self, from: Role) -> bool {
        let Some(message) = self.end(from).outbox.pop_front() else { return false };
        self.deliver(from, &message);
        true
    }

    /// Gives a message to the end opposite of `from`.
    pub fn deliver(&mut self, from: Role, message: &Payload) {
        match from {
            Role::Initiator => self.acceptor.handle(message),
            Role::Listener => self.initiator.handle(message),
        }
    }

    /// Carries everything.
    pub fn settle(&mut self) {
        while self.carry(Role::Initiator) | self.carry(Role::Listener) {}
    }
}
