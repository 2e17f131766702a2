//! Everything that ends phase 6, with the reason that the other end is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_pairing::{Completion, CompletionError, Ends, MAX_MESSAGE_LEN, Output, Purpose, Token};
use ratatosk_protocol::connection::Fault;
use ratatosk_protocol::message::{MessageError, Payload};
use ratatosk_protocol::phase::{Outcome, Role};
use support::{End, NOW, Pair, Repeatable, World, entropy, identity, key, myself};

fn failure(end: &End) -> &CompletionError {
    let found = end.outputs.iter().find_map(|output| match output {
        Output::Failed(error) => Some(error),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("not failed: {:?}", end.outputs))
}

/// Carries everything, and lets somebody in the middle change each text of one side.
fn settle_with(pair: &mut Pair, liar: Role, change: impl Fn(String) -> String) {
    loop {
        for from in [Role::Initiator, Role::Listener] {
            while let Some(message) = pair.end(from).outbox.pop_front() {
                let message = match message {
                    Payload::Text(text) if from == liar => Payload::text(change(text)),
                    other => other,
                };
                pair.deliver(from, &message);
            }
        }
        if pair.initiator.outbox.is_empty() && pair.acceptor.outbox.is_empty() {
            return;
        }
    }
}

/// What the honest end says when `liar` sends `new` in place of `old`.
fn lie(mut pair: Pair, liar: Role, old: &str, new: &str) -> (CompletionError, String) {
    let changed = std::cell::Cell::new(false);
    settle_with(&mut pair, liar, |text| {
        changed.set(changed.get() || text.contains(old));
        text.replace(old, new)
    });
    assert!(changed.get(), "{old} was never sent");
    let honest = pair.end(if liar == Role::Initiator { Role::Listener } else { Role::Initiator });
    if !honest.machine.is_over() {
        // The liar has nothing to answer a challenge with.
        honest.handle(&Payload::binary(vec![7; 104]));
    }
    assert!(!honest.believes());
    (failure(honest).clone(), honest.reason().unwrap())
}

fn both() -> [Role; 2] {
    [Role::Initiator, Role::Listener]
}

#[test]
fn other_groups_are_refused_before_anything_is_shown() {
    for group in ["debug", "", "Chum", &"x".repeat(60_000)] {
        let mut pair = Pair::chum();
        pair.acceptor
            .handle(&Payload::text(format!(r#"{{"command":"connection_group","connectionGroupName":"{group}"}}"#)));
        assert_eq!(pair.acceptor.outputs.len(), 2, "nothing is sent");
        let reason = format!("Close called: Error: ConnectionRoutesGroupName {group} not supported");
        assert!(reason.starts_with(&pair.acceptor.reason().unwrap()) && pair.acceptor.reason().unwrap().len() <= 123);
        assert_eq!(failure(&pair.acceptor).outcome(), Outcome::Rejected);
    }
}

#[test]
fn keys_of_somebody_else_are_refused() {
    for liar in both() {
        let own = if liar == Role::Initiator { 20 } else { 10 };
        let owner = format!(r#""owner":"{}","publicKey""#, identity(own).ids().unwrap().0);
        let other = format!(r#""owner":"{}","publicKey""#, identity(30).ids().unwrap().0);
        let (error, reason) = lie(Pair::chum(), liar, &owner, &other);
        assert_eq!((error.fault(), error), (Fault::PeerMisbehaved, CompletionError::OwnerMismatch));
        assert_eq!(
            reason,
            "Close called: Error: EP-KEYS-OWNER-MISMATCH: Received keys object does not belong to the transmitted person id object"
        );
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    for liar in both() {
        let own = key(if liar == Role::Initiator { 20 } else { 10 }).public().to_hex();
        // Of low order, too short, not hex, empty.
        for new in ["00".repeat(32), "ab".repeat(31), "zz".repeat(32), String::new()] {
            let (error, reason) = lie(Pair::chum(), liar, &own, &new);
            assert_eq!(error, CompletionError::UnusableKey);
            assert_eq!(reason, "Close called: Error: CYENC-ENSPUB: Data is not a public key");
        }
    }
}

/// A key of which the other end does not have the secret.
#[test]
fn a_key_without_its_secret_proves_nothing() {
    for liar in both() {
        let own = key(if liar == Role::Initiator { 20 } else { 10 }).public().to_hex();
        let (error, reason) = lie(Pair::chum(), liar, &own, &key(77).public().to_hex());
        assert!(matches!(error, CompletionError::Proof(_)), "{error:?}");
        assert_eq!(reason, "Close called: Error: CYENC-SYMDEC: Decryption with symmetric key failed");
    }
}

#[test]
fn wrong_answers_to_a_challenge_are_refused() {
    for honest in both() {
        let mut pair = Pair::chum();
        // The first proof of the initiator is its answer, that of the acceptor is its challenge.
        let nth = usize::from(honest == Role::Initiator);
        let mut seen = 0;
        let liar = if honest == Role::Initiator { Role::Listener } else { Role::Initiator };
        // What a liar without the secret has: the challenge itself.
        let mut challenge = None;
        for _ in 0..20 {
            for from in both() {
                let Some(message) = pair.end(from).outbox.pop_front() else { continue };
                let mut message = message;
                if let Payload::Binary(_) = message {
                    if from == honest {
                        challenge = Some(message.clone());
                    } else {
                        if seen == nth {
                            message = challenge.take().unwrap();
                        }
                        seen += 1;
                    }
                }
                pair.deliver(from, &message);
            }
        }
        assert!(!pair.end(honest).believes() && !pair.end(liar).believes());
        assert_eq!(failure(pair.end(honest)), &CompletionError::WrongProof);
        assert_eq!(pair.end(honest).reason().as_deref(), Some("Close called."), "the reference gives no reason");
    }
}

#[test]
fn proofs_have_one_length() {
    for len in [0, 23, 40, 103, 105, 60_000] {
        let mut pair = Pair::chum();
        for _ in 0..20 {
            if pair.acceptor.outbox.back().is_some_and(|message| matches!(message, Payload::Binary(_))) {
                break;
            }
            pair.carry(Role::Initiator);
            if pair.acceptor.outbox.len() > 1 {
                pair.carry(Role::Listener);
            }
        }
        pair.acceptor.handle(&Payload::binary(vec![0; len]));
        assert_eq!(failure(&pair.acceptor), &CompletionError::ProofLength);
    }
}

#[test]
fn a_known_person_with_another_key_is_refused() {
    let reason = "Close called: Error: EP-KEYMISSMATCH: Key does not match your previous visit";
    for honest in both() {
        for mut pair in [Pair::chum(), Pair::pairing()] {
            let other = if honest == Role::Initiator { 10 } else { 20 };
            let me = myself(if honest == Role::Initiator { 20 } else { 10 });
            let mut earlier = identity(other);
            earlier.person_key = *key(99).public();
            pair.end(honest).world.contacts.clear();
            pair.end(honest).world.knows(&me, &earlier);
            pair.settle();
            let honest = pair.end(honest);
            assert_eq!((failure(honest), honest.reason().as_deref()), (&CompletionError::KeyMismatch, Some(reason)));
        }
    }
}

#[test]
fn another_person_or_instance_than_on_record_is_refused() {
    for honest in both() {
        let other = if honest == Role::Initiator { 10 } else { 20 };
        let me = myself(if honest == Role::Initiator { 20 } else { 10 });
        let mut somebody = identity(other);
        somebody.email = "somebody@peer.test".to_owned();
        let mut elsewhere = identity(other);
        elsewhere.instance_name = "elsewhere".to_owned();
        for (record, error, reason) in [
            (
                somebody,
                CompletionError::PersonMismatch,
                "Close called: Error: EP-PERSONIDMISMATCH: The person id does not match the one we have on record.",
            ),
            (
                elsewhere,
                CompletionError::InstanceMismatch,
                "Close called: Error: The instance id we have on record for your specified public key does not match the instance id",
            ),
        ] {
            let mut pair = Pair::chum();
            pair.end(honest).world.contacts.clear();
            pair.end(honest).world.knows(&me, &record);
            pair.settle();
            let honest = pair.end(honest);
            assert_eq!(failure(honest), &error);
            assert!(honest.reason().unwrap().starts_with(reason), "{:?}", honest.reason());
        }
    }
}

#[test]
fn an_instance_of_another_owner_is_refused() {
    for liar in both() {
        let number = if liar == Role::Initiator { 20 } else { 10 };
        let owner = |number| format!(r#"","owner":"{}"}}}}"#, identity(number).ids().unwrap().0);
        let (error, _) = lie(Pair::pairing(), liar, &owner(number), &owner(30));
        assert_eq!(error, CompletionError::InstanceOwnerMismatch);
    }
}

#[test]
fn strangers_cannot_synchronise() {
    let mut pair = Pair::chum();
    pair.acceptor.world.contacts.clear();
    pair.settle();
    assert_eq!(failure(&pair.acceptor), &CompletionError::Unknown);
    assert_eq!(
        pair.acceptor.reason().as_deref(),
        Some("Close called: Error: Unable to start chum because you are unknown")
    );
    let mut pair = Pair::chum();
    pair.initiator.world.contacts.clear();
    pair.settle();
    assert_eq!(
        (failure(&pair.initiator), failure(&pair.initiator).fault()),
        (&CompletionError::DialledUnknown, Fault::Local)
    );
}

#[test]
fn our_own_person_is_refused() {
    for liar in both() {
        let (from, to) = if liar == Role::Initiator { ("20@peer", "10@peer") } else { ("10@peer", "20@peer") };
        let (error, _) = lie(Pair::chum(), liar, from, to);
        assert_eq!(error, CompletionError::Ourselves);
    }
}

#[test]
fn records_that_cannot_be_read_let_nobody_in() {
    for honest in both() {
        for mut pair in [Pair::chum(), Pair::pairing()] {
            pair.end(honest).world.unavailable = true;
            pair.settle();
            let honest = pair.end(honest);
            assert!(
                honest
                    .reason()
                    .unwrap()
                    .starts_with("Close called: Error: EP-KEYFAILED: Failed to load keys object for person")
            );
            assert_eq!(failure(honest).fault(), Fault::Local);
        }
    }
}

#[test]
fn tokens_are_for_one_use_one_person_and_a_short_time() {
    let told = "Close called: Error: Authentication token is not existing.";
    // A wrong one.
    let (error, reason) = lie(Pair::pairing(), Role::Initiator, r#""token":""#, r#""token":"x"#);
    assert_eq!((error, reason.as_str()), (CompletionError::TokenNotExisting, told));
    // One that has expired.
    let mut pair = Pair::pairing();
    pair.acceptor.world.book.expire(NOW + 60_000);
    pair.settle();
    assert_eq!(pair.acceptor.reason().as_deref(), Some(told));
    // One that was used.
    let mut pair = Pair::pairing();
    pair.settle();
    let Some(Output::Paired(paired)) = pair.initiator.outputs.iter().find(|output| matches!(output, Output::Paired(_)))
    else {
        panic!("not paired")
    };
    let book = std::mem::take(&mut pair.acceptor.world);
    let mut again = Pair::new(book, World::default(), Purpose::Pair(paired.token.clone()));
    again.settle();
    assert_eq!(again.acceptor.reason().as_deref(), Some(told));
    // One that somebody else of this end has made.
    let mut world = World::default();
    let token = world.book.issue(myself(40).person(), NOW, &mut Repeatable(7)).unwrap();
    let mut pair = Pair::new(world, World::default(), Purpose::Pair(token));
    pair.settle();
    assert_eq!(
        pair.acceptor.reason().as_deref(),
        Some("Close called: Error: The authentication token was not generated for the requested person.")
    );
}

#[test]
fn an_invitation_that_led_to_nothing_can_be_used_again_but_not_meanwhile() {
    let mut first = Pair::pairing();
    let token: Token = first.acceptor.world.book.open().next().unwrap().token.clone();
    // As far as the acceptor's identity.
    for _ in 0..20 {
        if first.acceptor.outbox.back().is_some_and(is_identity) {
            break;
        }
        first.carry(Role::Initiator);
        if !first.acceptor.outbox.back().is_some_and(is_identity) {
            first.carry(Role::Listener);
        }
    }
    let mut second =
        Pair::new(std::mem::take(&mut first.acceptor.world), World::default(), Purpose::Pair(token.clone()));
    second.settle();
    assert_eq!(failure(&second.acceptor), &CompletionError::TokenNotExisting);
    first.acceptor.world = std::mem::take(&mut second.acceptor.world);
    first.acceptor.closed();
    assert_eq!(first.acceptor.outputs.last(), Some(&Output::Failed(CompletionError::Closed)));
    let mut third = Pair::new(std::mem::take(&mut first.acceptor.world), World::default(), Purpose::Pair(token));
    third.settle();
    assert!(third.acceptor.believes() && third.initiator.believes());
}

fn is_identity(message: &Payload) -> bool {
    matches!(message, Payload::Text(text) if text.starts_with(r#"{"command":"identity""#))
}

/// Everything of the final identity that was seen before has to be the same.
#[test]
fn an_identity_of_somebody_else_is_refused() {
    for liar in both() {
        let number = if liar == Role::Initiator { 20 } else { 10 };
        let own = identity(number);
        let sign = |key: &SignPublicKey| hex::encode(key.as_bytes());
        let mut cases = vec![
            (format!(r#""personEmail":"{}""#, own.email), r#""personEmail":"30@peer.test""#.to_owned(), "person"),
            (r#""instanceName":"instance"#.to_owned(), r#""instanceName":"INSTANCE"#.to_owned(), "instance"),
            (
                format!(r#""personKeyPublic":"{}""#, own.person_key),
                format!(r#""personKeyPublic":"{}""#, key(77).public()),
                "person key",
            ),
            (
                format!(r#""personSignKeyPublic":"{}""#, sign(&own.person_sign_key)),
                format!(r#""personSignKeyPublic":"{}""#, "77".repeat(32)),
                "person sign key",
            ),
        ];
        let instance_key = format!(r#""instanceKeyPublic":"{}""#, own.instance_key);
        // An acceptor's is the one that was dialled; nobody's may be ours.
        let other = if liar == Role::Initiator { identity(10).instance_key } else { *key(77).public() };
        cases.push((instance_key, format!(r#""instanceKeyPublic":"{other}""#), "instance key"));
        for (old, new, what) in cases {
            let (error, reason) = lie(Pair::pairing(), liar, &old, &new);
            assert_eq!(error, CompletionError::IdentityMismatch(what));
            // The reference's initiator prints no class here.
            let class = if liar == Role::Initiator { "Error: " } else { "" };
            assert_eq!(
                reason,
                format!("Close called: {class}The {what} of the identity is not the one of this connection.")
            );
        }
    }
}

#[test]
fn nobody_takes_over_the_record_of_another_contact() {
    let mut pair = Pair::pairing();
    let mut victim = identity(50);
    victim.instance_key = identity(20).instance_key;
    pair.acceptor.world.knows(&myself(10), &victim);
    pair.settle();
    assert_eq!(failure(&pair.acceptor), &CompletionError::IdentityMismatch("instance key"));
    assert_eq!(pair.acceptor.world.book.open().count(), 1);
}

/// Somebody in the middle could have the person proof made by its owner, but not the connection.
#[test]
fn pairing_needs_a_connection_made_with_the_person_key() {
    let mut pair = Pair::pairing();
    let remote = *key(66).public();
    let ends = Ends { local: identity(10).instance_key, remote };
    let world = std::mem::take(&mut pair.acceptor.world);
    pair.acceptor = End::new(myself(10), world, Completion::accept(myself(10), ends, entropy(2)));
    pair.settle();
    assert_eq!(failure(&pair.acceptor), &CompletionError::Unbound);
}

#[test]
fn messages_that_are_not_due_are_refused_in_the_reference_s_words() {
    let (error, class) = (CompletionError::Message, "Close called: Error: ");
    let cases = [
        (Payload::binary(vec![1; 104]), MessageError::NotText, "Received message that is not a string message."),
        (
            Payload::text("synchronisation"),
            MessageError::NotJson,
            "Received message that does not conform to JSON: SyntaxError",
        ),
        (Payload::text("[]"), MessageError::NoCommand, "Received message without a 'command' member."),
        (Payload::text(r#"{"obj":1}"#), MessageError::NoCommand, "Received message without a 'command' member."),
        (
            Payload::text(r#"{"command":"sync"}"#),
            MessageError::UnexpectedCommand { received: "sync".to_owned(), expected: "connection_group" },
            "Received unexpected type 'sync'. Expected type 'connection_group'.",
        ),
        (
            Payload::text(r#"{"command":"connection_group","connectionGroupName":5}"#),
            MessageError::FieldMismatch { expected: "connection_group" },
            "Received data does not match the data expected for command 'connection_group'",
        ),
        (
            Payload::text(" ".repeat(MAX_MESSAGE_LEN + 1)),
            MessageError::TooLong,
            "Received message that is longer than a control message can be.",
        ),
        (
            Payload::text("[".repeat(MAX_MESSAGE_LEN)),
            MessageError::NotJson,
            "Received message that does not conform to JSON: SyntaxError",
        ),
    ];
    for (message, cause, text) in cases {
        let mut pair = Pair::chum();
        pair.acceptor.handle(&message);
        assert_eq!(failure(&pair.acceptor), &error(cause));
        assert_eq!(pair.acceptor.reason(), Some(format!("{class}{text}")));
        let sent = pair.acceptor.outputs.iter().any(|output| matches!(output, Output::Send(_)));
        assert!(!sent, "a stranger without a group is shown nothing");
    }
}

/// What the reference does not mind, ours does not mind.
#[test]
fn messages_may_look_different() {
    let mut pair = Pair::pairing();
    settle_with(&mut pair, Role::Initiator, |text| {
        let mut map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        map.insert("unknown".to_owned(), serde_json::json!({"deep": [1, null, "\u{1f389}"]}));
        if let Some(serde_json::Value::Object(obj)) = map.get_mut("obj") {
            obj.insert("also".to_owned(), serde_json::Value::Null);
            for name in ["publicKey", "personKeyPublic", "instanceKeyPublic"] {
                if let Some(serde_json::Value::String(key)) = obj.get_mut(name) {
                    *key = key.to_uppercase();
                }
            }
        }
        let text = serde_json::to_string_pretty(&map).unwrap();
        text.replacen('{', r#" { "command": "overridden", "#, 1)
    });
    assert!(pair.acceptor.believes() && pair.initiator.believes(), "{:?}", pair.acceptor.outputs);
}

#[test]
fn a_connection_that_ends_is_a_failure_at_every_step() {
    for steps in 0..20 {
        let mut pair = Pair::pairing();
        for step in 0..steps {
            pair.carry(if step % 2 == 0 { Role::Initiator } else { Role::Listener });
        }
        for end in [&mut pair.initiator, &mut pair.acceptor] {
            let was_over = end.machine.is_over();
            end.closed();
            end.closed();
            assert_eq!(!was_over, end.outputs.last() == Some(&Output::Failed(CompletionError::Closed)));
        }
        // What is taken is given back, what is settled is gone.
        let token = pair.acceptor.world.book.open().next().map(|open| open.token.clone());
        assert_eq!(token.is_none(), pair.acceptor.believes());
        if let Some(token) = token {
            use ratatosk_pairing::Invitations;
            assert_eq!(pair.acceptor.world.redeem(&token, &myself(10).person(), NOW), Ok(()));
        }
    }
}
