//! Whom the node of an AI knows.

use ratatosk_pairing::Identity;

use super::super::ModelError;
use super::agents::new_agent;
use super::*;

/// A node with an AI, a contact of it, and the AI's node.
fn household() -> (Person, Person, Arc<Node>) {
    let (a, b) = pair();
    a.node.create_agent(&new_agent("helper")).unwrap();
    let node = a.node.open_agent("helper").unwrap();
    (a, b, node)
}

fn trusted(node: &Node) -> Vec<String> {
    let contacts = node.contacts().unwrap().into_iter().filter(|contact| !contact.person_keys.is_empty());
    let mut emails: Vec<_> = contacts.map(|contact| contact.email).collect();
    emails.sort();
    emails
}

#[test]
fn an_ai_knows_whom_its_owner_knows() {
    let (a, b, node) = household();
    assert_eq!(trusted(&node), ["a@peer.test", "b@peer.test"]);
    let other = a.node.create_agent(&new_agent("other")).unwrap();
    let theirs = b.node.create_agent(&new_agent("theirs")).unwrap();
    sync(&a, &b);
    let identities = a.node.identities_for(&a.node.agent("helper").unwrap()).unwrap();
    assert_eq!(identities.len(), 4);
    assert!(node.mirror(&identities).unwrap());
    assert_eq!(trusted(&node).len(), 4);
    for person in [other.person, theirs.person] {
        assert!(node.contact(person).unwrap().unwrap().ai().is_some());
    }
    // The other AI of this house is not dialled, that of the other house is.
    let dialled: Vec<_> = node.endpoints().unwrap().into_iter().map(|endpoint| endpoint.person).collect();
    assert!(dialled.contains(&b.id()) && dialled.contains(&theirs.person) && dialled.len() == 2, "{dialled:?}");
}

#[test]
fn the_same_again_writes_nothing() {
    let (a, _b, node) = household();
    let identities = a.node.identities().unwrap();
    node.mirror(&identities).unwrap();
    let state = |node: &Node| {
        let objects = node.store.check(|_| ()).unwrap().objects;
        (objects, node.store.read(|view| view.currents(None, 1000)).unwrap())
    };
    let before = state(&node);
    for _ in 0..3 {
        assert!(!node.mirror(&identities).unwrap());
    }
    assert!(state(&node) == before);
}

#[test]
fn who_moves_is_found_and_costs_no_certificates() {
    let (_a, b, node) = household();
    let owner = node.owner().unwrap();
    for number in 0..70 {
        let moved = Identity { url: Some(format!("ws://{number}.test")), ..b.identity() };
        assert!(node.mirror(std::slice::from_ref(&moved)).unwrap());
        assert_eq!(node.contact(b.id()).unwrap().unwrap().endpoints[0].url, moved.url);
        assert!(!node.mirror(&[moved]).unwrap());
    }
    let certificates = node.store.read(|view| view.pinned(&format!("trust {}", b.id()))).unwrap();
    assert_eq!(certificates.len(), 1);
    assert!(node.contact(owner).unwrap().unwrap().person_keys.is_empty(), "not on the list, not known");
}

#[test]
fn whom_the_owner_forgets_the_ai_forgets() {
    let (a, b, node) = household();
    let agent = a.node.agent("helper").unwrap();
    let mirror = || node.mirror(&a.node.identities_for(&agent).unwrap()).unwrap();
    a.node.forget_keys(b.id()).unwrap();
    assert!(mirror());
    assert_eq!(trusted(&node), ["a@peer.test"]);
    assert!(!mirror());
    assert!(a.node.examine().unwrap().iter().all(|problem| !problem.is_repairable()));
    // They have begun anew.
    let again = Person::new("b@peer.test");
    a.node.add_contact(&again.identity()).unwrap();
    assert!(mirror());
    let contact = node.contact(b.id()).unwrap().unwrap();
    assert_eq!(contact.person_keys, vec![*again.node.person_key().public()]);
    // The owner's word counts also if nothing came in between.
    a.node.forget_keys(b.id()).unwrap();
    a.node.add_contact(&b.identity()).unwrap();
    assert!(mirror());
    let contact = node.contact(b.id()).unwrap().unwrap();
    assert_eq!(contact.person_keys, vec![*b.node.person_key().public()]);
    assert_eq!(contact.endpoints.len(), 1);
}

#[test]
fn whom_the_ai_has_paired_with_stays() {
    let (a, _b, node) = household();
    let c = Person::new("c@peer.test");
    node.add_contact(&c.identity()).unwrap();
    node.mirror(&a.node.identities().unwrap()).unwrap();
    assert_eq!(trusted(&node), ["a@peer.test", "b@peer.test", "c@peer.test"]);
    assert!(a.node.contact(c.id()).unwrap().is_none());
    let topic = node.topic_with(c.id()).unwrap().id.to_string();
    node.post_answer(&topic, "hello", &[]).unwrap();
    assert!(matches!(a.node.topic(&topic), Err(ModelError::UnknownTopic)));
}
