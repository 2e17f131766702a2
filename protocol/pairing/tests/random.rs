//! Random conversations: whatever comes, in whatever order, nothing panics and nobody is believed without proof.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratatosk_pairing::Output;
use ratatosk_protocol::close::MAX_REASON_LEN;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use support::{End, Pair};

/// What the world between two peers does next.
#[derive(Clone, Debug)]
enum Step {
    Carry(Role),
    Lose(Role),
    Repeat(Role),
    /// Changes one byte of the next message.
    Corrupt(Role, Index, u8),
    /// Sends back to a peer what it has said.
    Reflect(Role, Index),
    /// Says something that was said in another conversation of the same two.
    Replay(Role, Index),
    Text(Role, String),
    Binary(Role, Vec<u8>),
    Closed(Role),
}

fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Initiator, Role::Listener])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => role().prop_map(Step::Carry),
        1 => role().prop_map(Step::Lose),
        1 => role().prop_map(Step::Repeat),
        1 => (role(), any::<Index>(), 1..=255_u8).prop_map(|(role, at, mask)| Step::Corrupt(role, at, mask)),
        1 => (role(), any::<Index>()).prop_map(|(role, which)| Step::Reflect(role, which)),
        2 => (role(), any::<Index>()).prop_map(|(role, which)| Step::Replay(role, which)),
        1 => (role(), json()).prop_map(|(role, text)| Step::Text(role, text)),
        1 => (role(), vec(any::<u8>(), 0..120)).prop_map(|(role, data)| Step::Binary(role, data)),
        1 => role().prop_map(Step::Closed),
    ]
}

fn json() -> impl Strategy<Value = String> {
    let commands = select(vec![
        "connection_group",
        "sync",
        "person_id_object",
        "keys_object",
        "instance_id_object",
        "authentication_token",
        "identity",
        "success",
        "",
    ]);
    let values = select(vec![
        "null",
        "5",
        "\"\"",
        "\"chum\"",
        "\"pairing\"",
        "[]",
        "{}",
        r#"{"$type$":"Person","email":"x"}"#,
        r#"{"$type$":"Keys","owner":"x","publicKey":"","publicSignKey":""}"#,
        r#"{"$type$":"Instance","name":"","owner":""}"#,
        r#"{"type":"public"}"#,
        "\"\\ud800\"",
        "1e999",
    ]);
    let fields = select(vec!["obj", "token", "connectionGroupName", "command", "x"]);
    prop_oneof![
        (commands, vec((fields, values), 0..4)).prop_map(|(command, fields)| {
            let fields: String = fields.iter().map(|(name, value)| format!(r#","{name}":{value}"#)).collect();
            format!(r#"{{"command":"{command}"{fields}}}"#)
        }),
        any::<String>(),
    ]
}

/// Everything that is said in a conversation that goes well.
fn said(mut pair: Pair) -> Vec<Payload> {
    pair.settle();
    let sent = |end: &End| -> Vec<Payload> {
        let outputs = end.outputs.iter();
        outputs
            .filter_map(|output| if let Output::Send(message) = output { Some(message.clone()) } else { None })
            .collect()
    };
    [sent(&pair.initiator), sent(&pair.acceptor)].concat()
}

fn opposite(role: Role) -> Role {
    if role == Role::Initiator { Role::Listener } else { Role::Initiator }
}

/// Lets the world do a step. True if what happened is more than carrying, so that nobody needs to be believed any more.
fn apply(pair: &mut Pair, step: &Step, earlier: &[Payload]) -> bool {
    match step {
        Step::Carry(from) => {
            pair.carry(*from);
            return false;
        }
        Step::Lose(from) => return pair.end(*from).outbox.pop_front().is_some(),
        Step::Repeat(from) => {
            let Some(message) = pair.end(*from).outbox.front().cloned() else { return false };
            pair.deliver(*from, &message);
        }
        Step::Corrupt(from, at, mask) => {
            let Some(message) = pair.end(*from).outbox.pop_front() else { return false };
            let changed = match &message {
                Payload::Text(text) => {
                    let mut bytes = text.clone().into_bytes();
                    let at = at.index(bytes.len());
                    bytes[at] ^= mask;
                    Payload::text(String::from_utf8_lossy(&bytes))
                }
                Payload::Binary(data) => {
                    let mut bytes = data.to_vec();
                    let at = at.index(bytes.len());
                    bytes[at] ^= mask;
                    Payload::binary(bytes)
                }
            };
            pair.deliver(*from, &changed);
        }
        Step::Reflect(to, which) => {
            let end = pair.end(*to);
            let sent: Vec<_> = end.outputs.iter().filter(|output| matches!(output, Output::Send(_))).cloned().collect();
            if sent.is_empty() {
                return false;
            }
            let Output::Send(message) = &sent[which.index(sent.len())] else { return false };
            end.handle(message);
        }
        Step::Replay(from, which) => pair.deliver(*from, &earlier[which.index(earlier.len())]),
        Step::Text(from, text) => pair.deliver(*from, &Payload::text(text.as_str())),
        Step::Binary(from, data) => pair.deliver(*from, &Payload::binary(data.clone())),
        Step::Closed(role) => pair.end(*role).closed(),
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nobody_is_believed_without_proof(pairs in any::<bool>(), steps in vec(step(), 0..80)) {
        let start = || if pairs { Pair::pairing() } else { Pair::chum() };
        let earlier = said(start());
        let mut pair = start();
        let mut disturbed = false;
        for step in &steps {
            disturbed |= apply(&mut pair, step, &earlier);
        }
        if !disturbed {
            pair.settle();
            prop_assert!(pair.initiator.believes() && pair.acceptor.believes());
        }
        for role in [Role::Initiator, Role::Listener] {
            let believes = pair.end(role).believes();
            // Nobody can be believed who has not said as much as the protocol wants: the other end is past its own proofs.
            if believes {
                let other = pair.end(opposite(role));
                let proofs = other.outputs.iter().filter(|output| matches!(output, Output::Send(Payload::Binary(_)))).count();
                prop_assert_eq!(proofs, 2, "{:?} believes somebody who has not answered", role);
            }
            if let Some(reason) = pair.end(role).reason() {
                prop_assert!(reason.len() <= MAX_REASON_LEN && reason.starts_with("Close called"));
            }
        }
    }

    /// Somebody who knows everything that was ever said, but no secret, speaks to each side alone.
    #[test]
    fn somebody_without_a_secret_is_never_believed(
        pairs in any::<bool>(),
        role in role(),
        steps in vec(prop_oneof![
            4 => any::<Index>().prop_map(|which| Step::Replay(Role::Initiator, which)),
            1 => any::<Index>().prop_map(|which| Step::Reflect(Role::Initiator, which)),
        ], 0..40),
        in_order in any::<bool>(),
    ) {
        let start = || if pairs { Pair::pairing() } else { Pair::chum() };
        let mut earlier = start();
        earlier.settle();
        let earlier: Vec<Payload> = earlier.end(opposite(role)).outputs.iter().filter_map(|output| match output {
            Output::Send(message) => Some(message.clone()),
            _ => None,
        }).collect();
        // The conversation of before had other random bytes.
        let mut pair = if pairs { Pair::seeded_pairing(99) } else { Pair::seeded_chum(99) };
        let end = pair.end(role);
        if in_order {
            // As far as it goes, so that the proofs are reached.
            for message in &earlier {
                end.handle(message);
            }
        }
        for step in &steps {
            match step {
                Step::Replay(_, which) => end.handle(&earlier[which.index(earlier.len())]),
                Step::Reflect(_, which) => {
                    let Some(message) = end.outbox.get(which.index(end.outbox.len().max(1))).cloned() else { continue };
                    end.handle(&message);
                }
                _ => {}
            }
        }
        prop_assert!(!end.believes());
    }
}
