//! Phase 6: a script of lines, each a message of the other end, or something that the other end does with its secret.
//!
//! The first byte says which side the machine is and whether it has the other end on record. `!a` answers the machine's last
//! challenge as somebody with the right secret would, `!c` is an honest challenge, `!x` and hex is a binary message, `!.` the end of
//! the connection; every other line is a text message. What it promises beside not panicking: the end is told at most once, nothing
//! follows a close, nobody is believed who has not answered, and reasons fit into close frames. Then the same input as an invitation.

use std::sync::{Arc, LazyLock};

use ratatosk_objects::PersonId;
use ratatosk_objects::sign::SignPublicKey;
use ratatosk_pairing::book::{DEFAULT_LIFE, Open};
use ratatosk_pairing::{
    Acquaintances, Completion, Ends, Identity, Invitation, InvitationBook, Invitations, Known, Myself, Output, Purpose,
    Refusal, Token, Unavailable, qr,
};
use ratatosk_protocol::close::MAX_REASON_LEN;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::{Challenge, respond};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KeyPair, PublicKey, SecretKey};
use ratatosk_protocol::message::Payload;

const NOW: u64 = 1_800_000_000_000;
/// The token that the seeds know.
const TOKEN: &str = "JktQ9PXCQTt6pHhH4RPI4BUnOFsUwXTNQ7adv0LuIIK7FNt-m0CLk_3p6IFu0RWb";
/// Messages that a conversation has at most on one side.
const MAX_SENT: usize = 8;

/// Unpredictable to nobody: the same bytes in every run.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(5).wrapping_add(7);
            *byte = self.0;
        }
    }
}

fn key(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

/// Our side has the seed 10, the other one 20.
fn identity(seed: u8) -> Identity {
    Identity {
        email: format!("{seed}@peer.test"),
        instance_name: format!("instance {seed}"),
        person_key: *key(seed).public(),
        person_sign_key: SignPublicKey::from_bytes([seed + 2; 32]),
        instance_key: *key(seed + 1).public(),
        instance_sign_key: SignPublicKey::from_bytes([seed + 3; 32]),
        url: None,
    }
}

/// What is the same in every run, so that the runs are about the machine and not about curves.
struct Cast {
    me: Arc<Myself>,
    other: Identity,
    known: Known,
    shared: SharedKey,
}

static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let other = identity(20);
    let (person, instance) = other.ids().unwrap();
    Cast {
        me: Arc::new(Myself::new(identity(10), key(10).secret().clone()).unwrap()),
        other,
        known: Known { person, instance },
        shared: SharedKey::between(key(20).secret(), key(10).public()),
    }
});

struct World {
    known: bool,
    book: InvitationBook,
}

impl Acquaintances for World {
    fn person_keys(&self, person: &PersonId) -> Result<Vec<PublicKey>, Unavailable> {
        let is_known = self.known && *person == CAST.known.person;
        Ok(if is_known { vec![CAST.other.person_key] } else { Vec::new() })
    }

    fn expected(&self, local: &PublicKey, remote: &PublicKey) -> Result<Option<Known>, Unavailable> {
        let pair = (CAST.me.identity().instance_key, CAST.other.instance_key);
        Ok((self.known && (*local, *remote) == pair).then_some(CAST.known))
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

/// The machine and what has come out of it.
struct Run {
    machine: Completion,
    world: World,
    sent: usize,
    ends: usize,
    closed: bool,
    /// The machine's last binary message: a challenge, or an answer.
    proof: Option<Payload>,
    answered: bool,
}

pub fn run(data: &[u8]) {
    let Some((&first, script)) = data.split_first() else { return };
    converse(first, script);
    let text = String::from_utf8_lossy(data);
    if let Ok(invitation) = Invitation::parse(&text) {
        let again = Invitation::parse(&invitation.to_json());
        assert!(again.as_ref() == Ok(&invitation) || invitation.to_json().len() > 4096);
        let _ = (qr::terminal(&invitation.to_url()), format!("{invitation:?}"));
    }
}

fn converse(first: u8, script: &[u8]) {
    let (initiates, pairs, known) = (first & 1 != 0, first & 2 != 0, first & 4 != 0);
    let Cast { me, other, shared, .. } = &*CAST;
    let me = me.clone();
    let token = Token::of_invitation(TOKEN.to_owned()).unwrap();
    let open = Open { token: token.clone(), person: me.person(), expires: NOW + 1 };
    let book = InvitationBook::new(DEFAULT_LIFE, 1).with_open([open], NOW);
    let entropy = Box::new(Counter(1));
    let machine = if initiates {
        let local = if pairs { me.identity().person_key } else { me.identity().instance_key };
        let purpose = if pairs { Purpose::Pair(token) } else { Purpose::Chum };
        Completion::initiate(me, Ends { local, remote: other.instance_key }, purpose, entropy)
    } else {
        let remote = if pairs { other.person_key } else { other.instance_key };
        let local = me.identity().instance_key;
        Completion::accept(me, Ends { local, remote }, entropy)
    };
    let world = World { known, book };
    let mut run = Run { machine, world, sent: 0, ends: 0, closed: false, proof: None, answered: false };
    run.collect();
    let mut entropy = Counter(9);
    for line in script.split(|byte| *byte == b'\n') {
        let message = match line {
            b"!." => {
                run.machine.handle_closed(&mut run.world);
                run.collect();
                continue;
            }
            b"!a" => {
                let Some(Payload::Binary(boxed)) = &run.proof else { continue };
                // The machine was told another key than ours.
                let Ok(answer) = respond(shared, boxed, &mut entropy) else { continue };
                run.answered = true;
                Payload::binary(answer)
            }
            b"!c" => Payload::binary(Challenge::issue(shared, &mut entropy).1),
            [b'!', b'x', hex @ ..] => Payload::binary(
                hex.chunks(2).map(|pair| pair.iter().fold(0, |n, b| (n << 4) | (b % 16))).collect::<Vec<u8>>(),
            ),
            text => Payload::text(String::from_utf8_lossy(text)),
        };
        run.machine.handle_message(NOW, &message, &mut run.world);
        run.collect();
    }
}

impl Run {
    fn collect(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            assert!(!self.closed, "{output:?} came after the close");
            match &output {
                Output::Send(message) => {
                    self.sent += 1;
                    assert!(self.sent <= MAX_SENT);
                    if let Payload::Binary(_) = message {
                        self.proof = Some(message.clone());
                    }
                }
                Output::Paired(_) | Output::Verified(_) => {
                    assert!(self.answered, "believed without an answer");
                    self.ends += 1;
                }
                Output::Failed(error) => {
                    let _ = (error.to_string(), error.fault(), error.outcome());
                    self.ends += 1;
                }
                Output::Close(request) => {
                    assert!(request.reason().len() <= MAX_REASON_LEN);
                    self.closed = true;
                }
            }
        }
        assert_eq!(self.ends, usize::from(self.machine.is_over()));
    }
}
