//! AIs that contacts introduce, and those that they must not.

use ratatosk_chum::{Imported, Item, Library as _, Root};
use ratatosk_objects::typed::{
    Instance, Key, Keys, OneInstanceEndpoint, Person as PersonObject, PersonName, Profile, SignKey, Versioned,
};
use ratatosk_objects::{IdHash, PersonId};

use super::super::{MAX_INTRODUCED, ModelError};
use super::agents::new_agent;
use super::gate::{item, version};
use super::*;

/// What stands in a profile that introduces somebody; any of it can be a lie.
#[derive(Clone)]
struct Claim {
    email: String,
    owner: Option<PersonId>,
    profile_id: &'static str,
    person_key: [u8; 32],
    sign_key: [u8; 32],
    said_sign_key: [u8; 32],
    instance_key: [u8; 32],
    instance_owner: Option<PersonId>,
    devices: usize,
}

/// Keys that nobody has.
fn key(byte: u8) -> [u8; 32] {
    let mut key = [byte; 32];
    key[31] = 0x11;
    key
}

impl Claim {
    fn of(email: String, seed: u8) -> Self {
        Self {
            email,
            owner: None,
            profile_id: "default",
            person_key: key(seed),
            sign_key: key(seed + 1),
            said_sign_key: key(seed + 1),
            instance_key: key(seed + 2),
            instance_owner: None,
            devices: 1,
        }
    }

    fn person(&self) -> PersonId {
        PersonObject::new(self.email.as_str()).id_hash().unwrap().into()
    }

    /// The objects as a contact would give them.
    fn profile(&self, time: u64) -> (Root, Vec<Item>) {
        let person = PersonObject::new(self.email.as_str());
        let person_id = self.person();
        let mut items = vec![Item::Id(person_id.id(), person.id_microdata().unwrap())];
        let mut endpoints = Vec::new();
        for device in 0..self.devices {
            let instance = Instance::new(format!("device {device}"), self.instance_owner.unwrap_or(person_id));
            let instance_id = instance.id_hash().unwrap();
            items.push(Item::Id(instance_id, instance.id_microdata().unwrap()));
            let keys = |owner: IdHash, key: [u8; 32], sign: [u8; 32]| Keys {
                owner,
                public_key: Key(key),
                public_sign_key: Key(sign),
            };
            let (person_keys, object) = item(&keys(person_id.id(), self.person_key, self.sign_key));
            items.push(object);
            let (instance_keys, object) = item(&keys(instance_id, self.instance_key, key(99)));
            items.push(object);
            let (endpoint, object) = item(&OneInstanceEndpoint {
                person_id,
                instance_id: instance_id.into(),
                person_keys,
                instance_keys,
                url: Some(format!("ws://{time}.test")),
            });
            items.push(object);
            endpoints.push(endpoint);
        }
        let (sign_key, object) = item(&SignKey { key: Key(self.said_sign_key) });
        items.push(object);
        let (name, object) = item(&PersonName { name: "An AI".into() });
        items.push(object);
        let profile = Profile {
            profile_id: self.profile_id.to_owned(),
            person_id,
            owner: self.owner.unwrap_or(person_id),
            communication_endpoint: endpoints,
            person_description: vec![sign_key, name],
        };
        let (root, version) = version(&profile, time);
        items.extend(version);
        (root, items)
    }

    fn give(&self, from: &Person, to: &Person, time: u64) -> Imported {
        let (root, items) = self.profile(time);
        to.library(from).import(&items, &root).unwrap()
    }
}

fn email(slug: &str, owner: PersonId) -> String {
    format!("{slug}-00000000@{owner}.ai.invalid")
}

fn reason(imported: Imported) -> String {
    match imported {
        Imported::Refused(reason) => reason,
        Imported::Taken => panic!("it was taken"),
    }
}

#[test]
fn an_ai_of_a_contact_becomes_a_contact_by_itself() {
    let (a, b) = pair();
    a.node.set_comm_server("ws://localhost:8000").unwrap();
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let talk = sync(&a, &b);
    assert_eq!(talk.refused, [Vec::<String>::new(), vec![]]);
    assert!(talk.changes[1].contains(&Change::Profile(agent.person)), "{talk:?}");
    let contact = b.node.contact(agent.person).unwrap().unwrap();
    assert_eq!(contact.ai(), Some(agent.email));
    assert_eq!(contact.name.as_deref(), Some("Name of helper"));
    assert_eq!(contact.status.as_deref(), Some("AI · smollm2 · hosted by Name of a@peer.test"));
    assert!(contact.introduced);
    let endpoints = b.node.endpoints().unwrap();
    let endpoint = endpoints.iter().find(|endpoint| endpoint.person == agent.person).unwrap();
    assert_eq!(endpoint.url.as_deref(), Some("ws://localhost:8000"));
    let (local, remote) = (*b.node.instance_key().public(), endpoint.key);
    assert_eq!(b.node.expected(&local, &remote).unwrap().unwrap().person, agent.person);

    // They talk: the AI knows b from its owner.
    let node = a.node.open_agent("helper").unwrap();
    node.mirror(&a.node.identities().unwrap()).unwrap();
    let topic = b.node.topic_with(agent.person).unwrap().id.to_string();
    b.node.post(&topic, "hello", vec![]).unwrap();
    sync_nodes(&b.node, &node);
    node.post_answer(&topic, "hello b", &[]).unwrap();
    let talk = sync_nodes(&b.node, &node);
    assert_eq!(told(&talk.changes[0]), ["hello b"]);
    assert_eq!(talk.refused, [Vec::<String>::new(), vec![]]);
    assert_eq!(node.contact(b.id()).unwrap().unwrap().name.as_deref(), Some("Name of b@peer.test"));
    // Nothing new, nothing told.
    let talk = sync(&a, &b);
    assert_eq!(talk.changes, [vec![], vec![]]);
    assert!(b.node.examine().unwrap().is_empty(), "{:?}", b.node.examine().unwrap());
}

#[test]
fn a_new_contact_gets_the_ais_that_are_there() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let b = Person::new("b@peer.test");
    befriend(&a, &b);
    sync(&a, &b);
    assert!(b.node.contact(agent.person).unwrap().unwrap().introduced);
}

#[test]
fn nobody_is_introduced_by_somebody_else() {
    let (a, b) = pair();
    let q = Person::new("q@peer.test");
    befriend(&a, &q);
    let ours = a.node.create_agent(&new_agent("ours")).unwrap();
    let before = a.node.contacts().unwrap();
    for email in [
        email("helper", q.id()),
        email("helper", a.id()),
        ours.email.to_string(),
        "c@peer.test".to_owned(),
        "q@peer.test".to_owned(),
        "a@peer.test".to_owned(),
        email("HELPER", b.id()),
        email("helper\u{202e}", b.id()),
        email("a b", b.id()),
        email("../x", b.id()),
        email(&"x".repeat(40), b.id()),
        format!("{}\n", email("helper", b.id())),
        format!("helper@{}.ai.invalid", b.id()),
        format!("helper-00000000@{}.ai.invalid.test", b.id()),
    ] {
        let refused = reason(Claim::of(email.clone(), 40).give(&b, &a, START + 9));
        assert_eq!(refused, "not the contact's own profile", "{email:?}");
    }
    assert_eq!(a.node.contacts().unwrap(), before);
    assert!(a.node.examine().unwrap().is_empty());
    // Without the e-mail nobody knows whose it is.
    let claim = Claim::of(email("helper", b.id()), 40);
    let (root, items) = claim.profile(START);
    let library = a.library(&b);
    assert!(library.wants(&root).unwrap());
    let refused = a.library(&b).import(&items[items.len() - 3..], &root).unwrap();
    assert_eq!(reason(refused), "not the contact's own profile");
}

#[test]
fn an_ai_comes_with_its_own_keys_or_not_at_all() {
    let (a, b) = pair();
    let q = Person::new("q@peer.test");
    befriend(&a, &q);
    let good = Claim::of(email("helper", b.id()), 40);
    let bytes = |key: &ratatosk_protocol::key::PublicKey| *key.as_bytes();
    let (mine, theirs) = (a.node.me().identity.clone(), q.node.me().identity.clone());
    let lies = [
        Claim { instance_key: bytes(&mine.instance_key), ..good.clone() },
        Claim { person_key: bytes(&mine.person_key), ..good.clone() },
        Claim { instance_key: bytes(&theirs.instance_key), ..good.clone() },
        Claim { person_key: bytes(&theirs.person_key), ..good.clone() },
        Claim { instance_key: bytes(&b.node.me().identity.instance_key), ..good.clone() },
        Claim {
            sign_key: *theirs.person_sign_key.as_bytes(),
            said_sign_key: *theirs.person_sign_key.as_bytes(),
            ..good.clone()
        },
        Claim { said_sign_key: key(7), ..good.clone() },
        Claim { instance_owner: Some(q.id()), ..good.clone() },
        Claim { devices: 0, ..good.clone() },
        Claim { devices: 2, ..good.clone() },
    ];
    for (number, lie) in lies.iter().enumerate() {
        let refused = reason(lie.give(&b, &a, START + 9));
        assert_eq!(refused, "a profile of an AI with none, or others' keys", "{number}");
    }
    for other in [Claim { profile_id: "work", ..good.clone() }, Claim { owner: Some(b.id()), ..good.clone() }] {
        assert_eq!(reason(other.give(&b, &a, START + 9)), "not the contact's own profile");
    }
    assert!(a.node.contact(good.person()).unwrap().is_none());
    assert_eq!(good.give(&b, &a, START + 9), Imported::Taken);
    assert_eq!(a.node.contact(good.person()).unwrap().unwrap().endpoints.len(), 1);
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
}

/// A contact who says that the key of an AI is that of a device of theirs does not keep the AI from being introduced.
#[test]
fn nobody_takes_the_key_of_an_ai_by_saying_so() {
    let (a, b) = pair();
    let q = Person::new("q@peer.test");
    befriend(&a, &q);
    let good = Claim::of(email("helper", b.id()), 40);
    let theirs = q.node.me().identity.clone();
    let lie = Claim {
        email: "q@peer.test".into(),
        person_key: *theirs.person_key.as_bytes(),
        sign_key: *theirs.person_sign_key.as_bytes(),
        said_sign_key: *theirs.person_sign_key.as_bytes(),
        ..good.clone()
    };
    assert_eq!(lie.give(&q, &a, START), Imported::Taken);
    let key = good.instance_key;
    assert!(a.node.endpoints().unwrap().iter().any(|known| known.person == q.id() && known.key.as_bytes() == &key));
    assert_eq!(good.give(&b, &a, START), Imported::Taken);
    let owners: Vec<_> = a.node.endpoints().unwrap();
    let owner = owners.iter().find(|known| known.key.as_bytes() == &key).unwrap();
    assert_eq!(owner.person, good.person());
}

#[test]
fn the_keys_of_an_ai_do_not_change_by_themselves() {
    let (a, b) = pair();
    let claim = Claim::of(email("helper", b.id()), 40);
    assert_eq!(claim.give(&b, &a, START), Imported::Taken);
    let before = a.node.contact(claim.person()).unwrap();
    for changed in [
        Claim { person_key: key(60), ..claim.clone() },
        Claim { instance_key: key(60), ..claim.clone() },
        Claim { sign_key: key(60), said_sign_key: key(60), ..claim.clone() },
    ] {
        assert_eq!(reason(changed.give(&b, &a, START + 1)), "an AI with other keys than before");
    }
    assert_eq!(a.node.contact(claim.person()).unwrap(), before);
    // It may be elsewhere.
    assert_eq!(claim.give(&b, &a, START + 5), Imported::Taken);
    let contact = a.node.contact(claim.person()).unwrap().unwrap();
    assert_eq!(contact.endpoints[0].url, Some(format!("ws://{}.test", START + 5)));
    // Whoever forgets its owner's keys forgets its keys, and takes others when the owner is paired with again.
    a.node.forget_keys(b.id()).unwrap();
    assert!(a.node.contact(claim.person()).unwrap().unwrap().person_keys.is_empty());
    a.node.add_contact(&b.identity()).unwrap();
    assert_eq!(Claim { person_key: key(60), ..claim.clone() }.give(&b, &a, START + 6), Imported::Taken);
    assert_eq!(a.node.contact(claim.person()).unwrap().unwrap().person_keys[0].as_bytes(), &key(60));
}

/// However often an AI moves, it takes no more room.
#[test]
fn an_ai_that_moves_all_the_time_costs_no_certificates() {
    let (a, b) = pair();
    let claim = Claim::of(email("helper", b.id()), 40);
    for time in 0..70 {
        assert_eq!(claim.give(&b, &a, START + time), Imported::Taken);
    }
    let trusted = a.node.store.read(|view| view.pinned(&format!("trust {}", claim.person()))).unwrap();
    assert_eq!(trusted.len(), 1);
    assert_eq!(a.node.contact(claim.person()).unwrap().unwrap().endpoints.len(), 1);
}

#[test]
fn a_contact_introduces_a_bounded_number_of_ais() {
    let (a, b) = pair();
    let claim = |number: usize| {
        let mut claim = Claim::of(email(&format!("helper-{number}"), b.id()), 40);
        for key in [&mut claim.person_key, &mut claim.sign_key, &mut claim.said_sign_key, &mut claim.instance_key] {
            key[5] = u8::try_from(number).unwrap();
        }
        claim
    };
    for number in 0..MAX_INTRODUCED {
        assert_eq!(claim(number).give(&b, &a, START), Imported::Taken, "{number}");
    }
    assert!(reason(claim(MAX_INTRODUCED).give(&b, &a, START)).contains("AIs of one contact"));
    // Those that are known go on.
    assert_eq!(claim(3).give(&b, &a, START + 1), Imported::Taken);
    let q = Person::new("q@peer.test");
    befriend(&a, &q);
    let other = Claim::of(email("helper", q.id()), 90);
    assert_eq!(other.give(&q, &a, START), Imported::Taken);
}

#[test]
fn ais_introduce_nobody_and_take_no_introductions() {
    let (a, b) = pair();
    a.node.create_agent(&new_agent("helper")).unwrap();
    sync(&a, &b);
    let node = a.node.open_agent("helper").unwrap();
    node.mirror(&a.node.identities().unwrap()).unwrap();
    // Of the AI, to b.
    let claim = Claim::of(email("child", node.person()), 40);
    let (root, items) = claim.profile(START);
    let given = b.node.library(node.person(), node.me().instance).import(&items, &root).unwrap();
    assert_eq!(reason(given), "not the contact's own profile");
    // Of b, to the AI.
    let (root, items) = Claim::of(email("helper", b.id()), 40).profile(START);
    let given = node.library(b.id(), b.node.me().instance).import(&items, &root).unwrap();
    assert_eq!(reason(given), "not the contact's own profile");
}

/// Somebody pairs under the e-mail of an AI that was introduced, or before it is.
#[test]
fn the_word_of_the_owner_counts_more_than_a_pairing() {
    let (a, b) = pair();
    let claim = Claim::of(email("helper", b.id()), 40);
    claim.give(&b, &a, START);
    let mallory = Person::new(&claim.email);
    assert!(matches!(a.node.add_contact(&mallory.identity()), Err(ModelError::KeysChanged { .. })));
    let other = Person::new(&email("other", b.id()));
    a.node.add_contact(&other.identity()).unwrap();
    let contact = a.node.contact(other.id()).unwrap().unwrap();
    assert!(contact.ai().is_some() && !contact.introduced, "it only says so itself");
    // The owner says what the keys are: whoever has others was somebody else.
    let real = Claim::of(email("other", b.id()), 70);
    assert_eq!(real.give(&b, &a, START), Imported::Taken);
    let contact = a.node.contact(other.id()).unwrap().unwrap();
    assert!(contact.introduced);
    assert_eq!(contact.person_keys.iter().map(|key| *key.as_bytes()).collect::<Vec<_>>(), [key(70)]);
    assert_eq!(contact.sign_keys.len(), 1);
    assert_ne!(contact.sign_keys[0], other.node.me().identity.person_sign_key);
    assert!(contact.endpoints.iter().all(|endpoint| endpoint.key.as_bytes() == &real.instance_key));
    assert!(matches!(a.node.add_contact(&other.identity()), Err(ModelError::KeysChanged { .. })));
    // From then on it is as with any.
    let changed = Claim { person_key: key(60), ..real };
    assert_eq!(reason(changed.give(&b, &a, START + 1)), "an AI with other keys than before");
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
}

/// Who was paired with is the AI: the owner's word adds that it is.
#[test]
fn an_ai_that_was_paired_with_can_be_introduced() {
    let (a, b) = pair();
    let claim = Claim::of(email("helper", b.id()), 40);
    let mut identity = Person::new(&claim.email).identity();
    identity.instance_name = "device 0".into();
    identity.person_key = ratatosk_protocol::key::PublicKey::from_bytes(claim.person_key).unwrap();
    identity.instance_key = ratatosk_protocol::key::PublicKey::from_bytes(claim.instance_key).unwrap();
    identity.person_sign_key = Key(claim.sign_key).into();
    identity.instance_sign_key = Key(key(99)).into();
    a.node.add_contact(&identity).unwrap();
    let before = a.node.contact(claim.person()).unwrap().unwrap();
    assert_eq!(claim.give(&b, &a, START), Imported::Taken);
    let contact = a.node.contact(claim.person()).unwrap().unwrap();
    assert!(!before.introduced && contact.introduced);
    assert_eq!((contact.person_keys, contact.former_sign_keys), (before.person_keys, vec![]));
}
