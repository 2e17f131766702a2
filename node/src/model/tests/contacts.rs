//! Pairing: what it adds, what it refuses, and what profiles add to it.

use ratatosk_objects::IdHash;

use super::super::{ModelError, Problem};
use super::*;

#[test]
fn pairing_makes_a_contact_and_the_second_time_nothing() {
    let (a, b) = pair();
    let before = a.node.store.read(|view| view.currents(None, 100)).unwrap();
    let again = a.node.add_contact(&b.identity()).unwrap();
    assert!(!again.new && again.person == b.id());
    assert_eq!(a.node.store.read(|view| view.currents(None, 100)).unwrap(), before);

    let contacts = a.node.contacts().unwrap();
    let [contact] = contacts.as_slice() else { panic!("{contacts:?}") };
    assert_eq!((contact.person, contact.email.as_str(), contact.name.as_deref()), (b.id(), "b@peer.test", None));
    assert_eq!(contact.person_keys, vec![*b.node.person_key().public()]);
    assert_eq!(contact.sign_keys, vec![b.node.me().identity.person_sign_key]);
    let [endpoint] = a.node.endpoints().unwrap().try_into().unwrap();
    assert_eq!((endpoint.key, endpoint.url.as_deref()), (*b.node.instance_key().public(), Some("ws://localhost:8000")));
    assert!(endpoint.paired && endpoint.instance == b.node.me().instance);

    let (local, remote) = (*a.node.instance_key().public(), endpoint.key);
    let known = a.node.expected(&local, &remote).unwrap().unwrap();
    assert_eq!((known.person, known.instance), (b.id(), b.node.me().instance));
    assert_eq!(a.node.expected(&remote, &local).unwrap(), None);
    assert_eq!(a.node.expected(&local, a.node.person_key().public()).unwrap(), None);
    assert!(a.node.integrity().unwrap().is_empty());
    let a = a.restart();
    assert_eq!(a.node.contacts().unwrap(), contacts);
}

#[test]
fn names_and_devices_come_with_the_profile() {
    let (a, b) = pair();
    let talk = sync(&a, &b);
    assert!(talk.changes[0].contains(&Change::Profile(b.id())), "{talk:?}");
    assert_eq!(a.node.contact(b.id()).unwrap().unwrap().name.as_deref(), Some("Name of b@peer.test"));
    b.node.set_name("Bob").unwrap();
    sync(&a, &b);
    assert_eq!(a.node.contact(b.id()).unwrap().unwrap().name.as_deref(), Some("Bob"));
    for url in ["wss://one.test", "wss://other.test", "wss://one.test"] {
        b.node.set_comm_server(url).unwrap();
        sync(&a, &b);
        let [endpoint] = a.node.endpoints().unwrap().try_into().unwrap();
        assert!(endpoint.paired && endpoint.url.as_deref() == Some(url), "{endpoint:?}");
    }
    // Nothing new: nothing to tell.
    let talk = sync(&a, &b);
    assert_eq!(talk.changes, [vec![], vec![]]);
    assert_eq!(talk.refused, [Vec::<String>::new(), vec![]]);
}

#[test]
fn nobody_pairs_with_themselves() {
    let (a, phone) = (Person::new("a@peer.test"), Person::with_instance("a@peer.test", "phone"));
    assert!(matches!(a.node.add_contact(&phone.identity()), Err(ModelError::OwnPerson)));
    assert!(a.node.contacts().unwrap().is_empty());
}

#[test]
fn other_keys_are_refused_until_the_known_ones_are_forgotten() {
    let (a, b) = pair();
    let topic = b.node.topic_with(a.id()).unwrap().id.to_string();
    b.node.post(&topic, "before", vec![]).unwrap();
    sync(&a, &b);
    let stranger = Person::with_instance("b@peer.test", "stolen name");
    let changed = a.node.add_contact(&stranger.identity());
    assert!(matches!(changed, Err(ModelError::KeysChanged { .. })));
    let contact = a.node.contact(b.id()).unwrap().unwrap();
    assert_eq!(contact.person_keys, vec![*b.node.person_key().public()]);

    a.node.forget_keys(b.id()).unwrap();
    let local = *a.node.instance_key().public();
    assert!(a.node.person_keys(&b.id()).unwrap().is_empty() && a.node.endpoints().unwrap().is_empty());
    assert_eq!(a.node.expected(&local, b.node.instance_key().public()).unwrap(), None);
    assert!(matches!(a.node.forget_keys(a.id()), Err(ModelError::UnknownContact(_))));
    let problems = a.node.integrity().unwrap();
    assert!(matches!(problems.as_slice(), [Problem::KeysMissing(_)]), "{problems:?}");
    let a = a.restart();

    assert!(!a.node.add_contact(&stranger.identity()).unwrap().new);
    let contact = a.node.contact(b.id()).unwrap().unwrap();
    assert_eq!(contact.person_keys, vec![*stranger.node.person_key().public()]);
    assert_eq!(contact.former_sign_keys, vec![b.node.me().identity.person_sign_key]);
    let [endpoint] = a.node.endpoints().unwrap().try_into().unwrap();
    assert_eq!(endpoint.key, *stranger.node.instance_key().public());
    // What the old key has signed counts for less from now on.
    let page = a.node.messages(&topic, None, 9).unwrap();
    assert_eq!(page.messages[0].affirmed, super::super::Affirmed::Unverified);
    assert!(a.node.integrity().unwrap().is_empty());
}

#[test]
fn the_key_of_a_device_does_not_change_by_itself() {
    let (a, b) = pair();
    let mut identity = b.identity();
    identity.instance_key = *a.node.person_key().public();
    assert!(matches!(a.node.add_contact(&identity), Err(ModelError::KeysChanged { .. })));
}

#[test]
fn a_second_device_of_a_contact_is_the_same_contact() {
    let (a, b) = pair();
    let phone = Identity {
        instance_name: "phone".to_owned(),
        instance_key: *Person::new("c@peer.test").node.instance_key().public(),
        ..b.identity()
    };
    let added = a.node.add_contact(&phone).unwrap();
    assert!(!added.new);
    assert_eq!(a.node.contacts().unwrap().len(), 1);
    let keys: Vec<_> = a.node.endpoints().unwrap().into_iter().map(|endpoint| endpoint.key).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&phone.instance_key) && keys.contains(b.node.instance_key().public()));
}

#[test]
fn the_integrity_check_says_what_is_missing() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap();
    let id = super::super::genesis::default_profile(a.id()).unwrap();
    a.node
        .store
        .transaction(|tx| {
            tx.unshare(&b.id(), ratatosk_store::SharedRoot::Id(id))?;
            tx.unshare(&b.id(), ratatosk_store::SharedRoot::Object(topic.hash))?;
            tx.set_current(super::super::genesis::default_profile(b.id()).unwrap(), topic.hash)
        })
        .map_err(|error: ratatosk_store::Error| error)
        .unwrap();
    a.node.forget();
    let problems = a.node.integrity().unwrap();
    let has = |what: fn(&Problem) -> bool| problems.iter().any(what);
    assert!(has(|problem| matches!(problem, Problem::Store(_))), "{problems:?}");
    assert!(has(|problem| matches!(problem, Problem::Unreadable(_))), "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
}

#[test]
fn a_stranger_is_no_contact() {
    let a = Person::new("a@peer.test");
    let stranger = ratatosk_objects::PersonId::from(IdHash::from_bytes([7; 32]));
    assert_eq!(a.node.contact(stranger).unwrap(), None);
    assert!(a.node.person_keys(&stranger).unwrap().is_empty());
    assert!(matches!(a.node.topic_with(stranger), Err(ModelError::UnknownContact(_))));
}
