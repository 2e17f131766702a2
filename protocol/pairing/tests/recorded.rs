//! The machine in the place of each end of recorded conversations of reference peers.
//!
//! The secrets of the recorded peers are not known. So both person keys are replaced by keys of ours, in every message, and the key
//! proofs are made anew. Everything else is compared byte for byte: what the machine sends, in which order, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use std::sync::Arc;

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_pairing::book::{DEFAULT_LIFE, Open};
use ratatosk_pairing::{Completion, Ends, Identity, InvitationBook, Myself, Output, Purpose, Token};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::{Challenge, respond};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use support::{End, NOW, Repeatable, World, entropy, key};

/// Their person keys, and the numbers of ours that stand for them.
const PERSON_KEYS: [(&str, u8); 2] = [
    ("578700eb4a06c49fd0e391100f607815059f48297532276ba0e9f9c3578dab5e", 10),
    ("5351c9f67ee37cc60bc51a3b55f05b603e6afee8b7926bab06b74d31dc6e633d", 20),
];
const TOKEN: &str = "JktQ9PXCQTt6pHhH4RPI4BUnOFsUwXTNQ7adv0LuIIK7FNt-m0CLk_3p6IFu0RWb";

fn hex_key(text: &str) -> PublicKey {
    PublicKey::from_hex(text).unwrap()
}

fn sign_key(text: &str) -> SignPublicKey {
    SignPublicKey::from_bytes(hex::decode(text).unwrap().try_into().unwrap())
}

/// The acceptor, `a`, or the initiator, `b`, as they are recorded but for the person key.
fn identity(initiates: bool) -> Identity {
    let (name, number, sign, instance, instance_sign) = if initiates {
        (
            "b",
            20,
            "8a8d088b775e6267443c97ddb2d35cd72d0648e4bb27e89e62fc1b66a2b3429a",
            "b322f72c8cbe8744af21e9a798b98bb524d0e1f5e01cc0d08d96bd2e2d2c0a2b",
            "0cbb945d71e8341118945e24edcce5d73c07c30cf2ad5905cc36117548d3f808",
        )
    } else {
        (
            "a",
            10,
            "dd7ea5b0bf87739d77b6f84892c45e48e9b4b819c093743133d2aec53dfc5f34",
            "0153c80dec602f6f787cee5f4455e130dd5df88492c817e70e5cb74083b18145",
            "0a6eb5d41800c4c2ffd866abc3256f4301479318d6e94a664971ce19fbdca123",
        )
    };
    Identity {
        email: format!("{name}@peer.test"),
        instance_name: format!("instance-{name}"),
        person_key: *key(number).public(),
        person_sign_key: sign_key(sign),
        instance_key: hex_key(instance),
        instance_sign_key: sign_key(instance_sign),
        url: Some("ws://127.0.0.1:18448".to_owned()),
    }
}

/// Plays one side of a recording. Gives the machine's end, and how the recorded one ended.
fn play(recording: &str, initiates: bool, pairs: bool, mut world: World) -> (End, Option<String>) {
    let mut text = recording.to_owned();
    for (theirs, number) in PERSON_KEYS {
        text = text.replace(theirs, &key(number).public().to_hex());
    }
    let mut lines = text.lines();
    let mut end_key = |name| hex_key(lines.next().unwrap().strip_prefix(name).unwrap());
    let ends = Ends { local: end_key("local "), remote: end_key("remote ") };

    let (ours, theirs) = if initiates { (20, 10) } else { (10, 20) };
    let me = Arc::new(Myself::new(identity(initiates), key(ours).secret().clone()).unwrap());
    let token = Token::of_invitation(TOKEN.to_owned()).unwrap();
    let machine = if initiates {
        let purpose = if pairs { Purpose::Pair(token) } else { Purpose::Chum };
        Completion::initiate(me.clone(), ends, purpose, entropy(1))
    } else {
        let open = Open { token, person: me.person(), expires: NOW + 1 };
        world.book = InvitationBook::new(DEFAULT_LIFE, 1).with_open([open], NOW);
        Completion::accept(me.clone(), ends, entropy(1))
    };
    let mut end = End::new(me, world, machine);

    // The other side of the proofs.
    let shared = SharedKey::between(key(theirs).secret(), key(ours).public());
    let mut challenge = None;
    let mut expected = Vec::new();
    let mut close = None;
    for line in lines {
        if let Some(sent) = line.strip_prefix("> ") {
            expected.push(sent.to_owned());
            continue;
        }
        let Some(came) = line.strip_prefix("< ") else {
            close = Some(line.strip_prefix("close").unwrap().trim().to_owned());
            continue;
        };
        let message = match came {
            // First the initiator answers, then the acceptor.
            "proof" if challenge.is_none() == initiates => {
                let (issued, boxed) = Challenge::issue(&shared, &mut Repeatable(3));
                challenge = Some(issued);
                Payload::binary(boxed)
            }
            "proof" => {
                let ours = end.outbox.iter().rev().find_map(|message| match message {
                    Payload::Binary(boxed) => Some(boxed),
                    Payload::Text(_) => None,
                });
                // So that the next one is a challenge to the acceptor.
                challenge.get_or_insert(Challenge::issue(&shared, &mut Repeatable(4)).0);
                Payload::binary(respond(&shared, ours.unwrap(), &mut Repeatable(5)).unwrap())
            }
            text => Payload::text(text),
        };
        end.handle(&message);
    }
    let sent: Vec<String> = end
        .outbox
        .iter()
        .map(|message| match message {
            Payload::Text(text) => text.clone(),
            Payload::Binary(proof) => {
                assert_eq!(proof.len(), 104);
                "proof".to_owned()
            }
        })
        .collect();
    assert_eq!(sent, expected);
    (end, close)
}

fn acquainted(initiates: bool) -> World {
    let (mut world, other) = (World::default(), identity(!initiates));
    let number = if initiates { 20 } else { 10 };
    let me = Myself::new(identity(initiates), key(number).secret().clone()).unwrap();
    world.knows(&me, &other);
    world
}

#[test]
fn pairing_as_the_acceptor() {
    let (end, _) = play(include_str!("recorded/pairing-acceptor.txt"), false, true, World::default());
    let [.., Output::Paired(paired), Output::Close(_)] = end.outputs.as_slice() else { panic!("{:?}", end.outputs) };
    assert_eq!(paired.identity, identity(true));
}

#[test]
fn pairing_as_the_initiator() {
    let (end, close) = play(include_str!("recorded/pairing-initiator.txt"), true, true, World::default());
    assert!(
        end.outputs.iter().any(|output| matches!(output, Output::Paired(paired) if paired.identity == identity(false)))
    );
    assert_eq!((end.reason().as_deref(), close.as_deref()), (Some("Close called."), Some("")));
}

#[test]
fn contacts_as_the_acceptor() {
    for recording in [include_str!("recorded/chum-acceptor.txt"), include_str!("recorded/chum-again-acceptor.txt")] {
        let (end, _) = play(recording, false, false, acquainted(false));
        let Some(Output::Verified(verified)) = end.outputs.last() else { panic!("{:?}", end.outputs) };
        assert_eq!((verified.person, verified.instance), identity(true).ids().unwrap());
    }
}

#[test]
fn contacts_as_the_initiator() {
    for recording in [
        include_str!("recorded/chum-initiator.txt"),
        include_str!("recorded/chum-again-initiator.txt"),
        // The acceptor refuses it after this phase.
        include_str!("recorded/chum-refused-initiator.txt"),
    ] {
        let (end, _) = play(recording, true, false, acquainted(true));
        let Some(Output::Verified(verified)) = end.outputs.last() else { panic!("{:?}", end.outputs) };
        assert_eq!((verified.person, verified.instance), identity(false).ids().unwrap());
    }
}

#[test]
fn somebody_unknown_is_refused_in_the_same_words_at_the_same_point() {
    let (end, close) = play(include_str!("recorded/chum-refused-acceptor.txt"), false, false, World::default());
    let reason = end.reason().unwrap();
    assert_eq!(reason.strip_prefix("Close called: "), close.as_deref());
}
