//! Two machines without a network: pairing, and contacts who meet again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use ratatosk_pairing::{Group, Output, Paired, Verified};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use support::{End, Pair, identity, key, myself};

fn paired(end: &End) -> &Paired {
    let found = end.outputs.iter().find_map(|output| match output {
        Output::Paired(paired) => Some(&**paired),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("not paired: {:?}", end.outputs))
}

fn check_paired(pair: &Pair) {
    for (end, other, role) in [(&pair.initiator, 10, Role::Initiator), (&pair.acceptor, 20, Role::Listener)] {
        let paired = paired(end);
        assert_eq!(paired.identity, identity(other));
        assert_eq!((paired.person, paired.instance), identity(other).ids().unwrap());
        assert_eq!(paired.role, role);
        assert_eq!(end.reason().as_deref(), Some("Close called."));
        assert!(end.machine.is_over());
    }
    assert_eq!(paired(&pair.initiator).token, paired(&pair.acceptor).token);
    assert_eq!(pair.acceptor.world.book.open().count(), 0, "the invitation is used up");
}

#[test]
fn an_invitation_makes_two_contacts() {
    let mut pair = Pair::pairing();
    pair.settle();
    check_paired(&pair);
}

/// Whoever reads first, and whatever waits on the way meanwhile.
#[test]
fn either_side_may_be_slow() {
    for slow in [Role::Initiator, Role::Listener] {
        let fast = if slow == Role::Initiator { Role::Listener } else { Role::Initiator };
        let mut pair = Pair::pairing();
        while {
            while pair.carry(fast) {}
            pair.carry(slow)
        } {}
        check_paired(&pair);
    }
}

#[test]
fn the_initiator_knows_its_contact_before_it_shows_itself() {
    let mut pair = Pair::pairing();
    pair.settle();
    let outputs = &pair.initiator.outputs;
    let [.., Output::Paired(_), Output::Send(Payload::Text(last)), Output::Close(_)] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert!(last.starts_with(r#"{"command":"identity","obj":{"type":"public","personEmail":"20@peer.test""#));
}

#[test]
fn contacts_recognise_each_other() {
    let mut pair = Pair::chum();
    pair.settle();
    for (end, other) in [(&pair.initiator, 10), (&pair.acceptor, 20)] {
        let (person, instance) = identity(other).ids().unwrap();
        let verified = Verified { person, instance, person_key: *key(other).public(), group: Group::Chum };
        assert_eq!(end.outputs.last(), Some(&Output::Verified(verified)));
    }
}

/// The group's first message may be right behind the last one of this phase.
#[test]
fn what_follows_the_phase_is_left_alone() {
    let mut pair = Pair::chum();
    pair.settle();
    let before = pair.acceptor.outputs.clone();
    pair.acceptor.handle(&Payload::text("synchronisation"));
    pair.acceptor.closed();
    assert_eq!(pair.acceptor.outputs, before);
}

/// A contact's second instance: a new pair of instance keys, the same person key.
#[test]
fn a_known_person_may_pair_again_with_its_key() {
    let mut pair = Pair::pairing();
    let mut elsewhere = identity(20);
    elsewhere.instance_key = *key(99).public();
    elsewhere.instance_name = "another".to_owned();
    pair.acceptor.world.knows(&myself(10), &elsewhere);
    pair.settle();
    check_paired(&pair);
}

#[test]
fn who_is_paired_may_pair_again() {
    let mut pair = Pair::pairing();
    pair.acceptor.world.knows(&myself(10), &identity(20));
    pair.initiator.world.knows(&myself(20), &identity(10));
    pair.settle();
    check_paired(&pair);
}

#[test]
fn nothing_secret_is_printed() {
    let mut pair = Pair::pairing();
    let token = pair.acceptor.world.book.open().next().unwrap().token.expose().to_owned();
    pair.settle();
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        pair.initiator.outputs,
        pair.acceptor.outputs,
        pair.initiator.machine,
        pair.initiator.me,
        pair.acceptor.world.book
    );
    assert!(!shown.contains(&token[..8]) && !shown.contains(&"14".repeat(8)), "{shown}");
}
