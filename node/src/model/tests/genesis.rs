//! The first objects, and what the same inputs give in real peers.

use ratatosk_objects::IdHash;
use ratatosk_objects::typed::{LEUTE_APP_ID, Leute, Profile, Someone, Versioned};

use super::super::genesis::{default_profile, leute_id};
use super::super::{ModelError, db};
use super::*;

#[test]
fn a_node_knows_who_it_is() {
    let a = Person::new("a@peer.test");
    assert_eq!(a.id().to_string(), "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776");
    assert_eq!(a.node.name().unwrap(), "Name of a@peer.test");
    assert!(a.node.contacts().unwrap().is_empty() && a.node.topics().unwrap().is_empty());
    assert_eq!(a.node.person_keys(&a.id()).unwrap(), vec![*a.node.person_key().public()]);
    assert!(a.node.myself("ws://localhost").is_some());
    assert!(a.node.integrity().unwrap().is_empty(), "{:?}", a.node.integrity().unwrap());
}

/// The ids are those that the vectors of the reference have for the same person.
#[test]
fn ids_are_those_of_real_peers() {
    let a = Person::new("a@peer.test");
    let profile = default_profile(a.id()).unwrap();
    assert_eq!(profile.to_string(), "3761ef7544a45cd9bf396f7d0be7a92bfe0ef26b44431da2b3af72e85848927d");
    let (leute, someone) = a
        .node
        .store
        .read(|view| -> Result<_, ModelError> {
            let leute = db::current::<Leute>(view, leute_id()?)?.unwrap().value;
            let someone = db::current::<Someone>(view, leute.me)?.unwrap().value;
            Ok((leute, someone))
        })
        .unwrap();
    assert_eq!(leute.app_id, LEUTE_APP_ID);
    assert_eq!(leute.me.to_string(), "36d7288c7375b3adc64eb50659d94e38eca187905e047551a99ded280b8243b9");
    assert_eq!(someone.identities, vec![(a.id(), vec![profile])]);
}

#[test]
fn a_restart_changes_nothing() {
    let a = Person::new("a@peer.test");
    let before = a.node.store.read(|view| view.currents(None, 100)).unwrap();
    let a = a.restart();
    assert_eq!(a.node.store.read(|view| view.currents(None, 100)).unwrap(), before);
}

/// The keys are written before the store: whoever stops between them goes on with the same keys.
#[test]
fn what_was_interrupted_is_gone_on_with() {
    let folder = Folder::new();
    let person = NewPerson { email: "a@peer.test".into(), instance: "laptop".into(), name: "A".into() };
    let home = Home::create(folder.path(), &person, &Protection::KeyFile(None), os_entropy().as_mut()).unwrap();
    let key = *home.secrets().person.public();
    drop(home);
    let node = Node::open(folder.path(), &Protection::KeyFile(None)).unwrap();
    assert_eq!((node.me().identity.person_key, node.name().unwrap().as_str()), (key, "A"));
}

#[test]
fn the_store_of_somebody_else_is_refused() {
    let (a, b) = (Person::new("a@peer.test"), Person::new("b@peer.test"));
    let (from, to) = (a.folder, b.folder);
    drop((a.node, b.node));
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let (from, to) = (from.path().join(name), to.path().join(name));
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        } else if to.exists() {
            std::fs::remove_file(to).unwrap();
        }
    }
    let refused = Node::open(to.path(), &Protection::KeyFile(None)).err().unwrap();
    assert!(matches!(refused, ModelError::OtherPerson { .. }), "{refused}");
}

#[test]
fn name_and_server_are_told_in_the_profile() {
    let a = Person::new("a@peer.test");
    a.node.set_name("Ännchen").unwrap();
    a.node.set_comm_server("wss://example.test").unwrap();
    let a = a.restart();
    assert_eq!(a.node.name().unwrap(), "Ännchen");
    assert_eq!(a.node.comm_server().unwrap().as_deref(), Some("wss://example.test"));
    let id: IdHash = default_profile(a.id()).unwrap();
    let profile = a.node.store.read(|view| db::current::<Profile>(view, id)).unwrap().unwrap().value;
    assert_eq!(
        (profile.id_hash().unwrap(), profile.communication_endpoint.len(), profile.person_description.len()),
        (id, 1, 2)
    );
    for name in ["", " ", "a\u{7}b"] {
        assert!(matches!(a.node.set_name(name), Err(ModelError::Unusable { .. })));
    }
    assert!(matches!(a.node.set_name(&"x".repeat(300)), Err(ModelError::TooMuch { .. })));
    assert!(matches!(a.node.set_comm_server("wss://a b"), Err(ModelError::Unusable { .. })));
}

#[test]
fn invitations_survive_a_restart_until_they_are_used() {
    use ratatosk_pairing::Invitations as _;
    let life = Duration::from_secs(60);
    let a = Person::new("a@peer.test");
    let mut book = a.node.invitations(life, 8).unwrap();
    let used = book.issue(a.id(), START, os_entropy().as_mut()).unwrap();
    let open = book.issue(a.id(), START, os_entropy().as_mut()).unwrap();
    a.node.keep_invitations(&book).unwrap();
    book.redeem(&used, &a.id(), START).unwrap();
    book.settle(&used);
    a.node.keep_invitations(&book).unwrap();

    let a = a.restart();
    let mut book = a.node.invitations(life, 8).unwrap();
    assert!(book.redeem(&used, &a.id(), START + 1).is_err());
    assert!(book.redeem(&open, &a.id(), START + 1).is_ok());
    a.set_clock(START + 60_000);
    assert_eq!(a.node.invitations(life, 8).unwrap().open().count(), 0);
}

/// Either somebody is a contact and their invitation is used, or neither.
#[test]
fn an_invitation_is_used_together_with_the_contact() {
    use ratatosk_pairing::Invitations as _;
    let life = Duration::from_secs(60);
    let (a, b) = (Person::new("a@peer.test"), Person::new("b@peer.test"));
    let mut book = a.node.invitations(life, 8).unwrap();
    let tokens = [(); 2].map(|()| book.issue(a.id(), START, os_entropy().as_mut()).unwrap());
    a.node.keep_invitations(&book).unwrap();
    book.redeem(&tokens[0], &a.id(), START).unwrap();
    book.settle(&tokens[0]);
    let added = a.node.add_invited(&b.identity(), &book).unwrap();
    assert!(added.new && a.node.contact(b.id()).unwrap().is_some());
    book.redeem(&tokens[1], &a.id(), START).unwrap();
    book.settle(&tokens[1]);
    let stranger = Person::with_instance("b@peer.test", "stolen name");
    assert!(matches!(a.node.add_invited(&stranger.identity(), &book), Err(ModelError::KeysChanged { .. })));

    let a = a.restart();
    assert_eq!(a.node.contacts().unwrap().len(), 1);
    let mut book = a.node.invitations(life, 8).unwrap();
    assert!(book.redeem(&tokens[0], &a.id(), START + 1).is_err());
    assert!(book.redeem(&tokens[1], &a.id(), START + 1).is_ok());
}

/// Collecting garbage takes nothing that anybody needs, or makes it again.
#[test]
fn nothing_of_ours_is_garbage() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    for text in ["one", "two"] {
        a.node.post(&topic, text, vec![]).unwrap();
    }
    sync(&a, &b);
    b.node.set_name("Bob").unwrap();
    b.node.post(&topic, "three", vec![]).unwrap();
    for person in [&a, &b] {
        person.node.store().remove_garbage(|_| ()).unwrap();
        person.node.forget();
    }
    sync(&a, &b);
    a.node.store().remove_garbage(|_| ()).unwrap();
    assert_eq!(a.texts(&topic), ["one", "two", "three"]);
    assert_eq!(a.node.head(&topic).unwrap(), b.node.head(&topic).unwrap());
    let a = a.restart();
    let contact = a.node.contact(b.id()).unwrap().unwrap();
    assert_eq!((contact.name.as_deref(), contact.sign_keys.len(), contact.endpoints.len()), (Some("Bob"), 1, 1));
    assert!(a.node.integrity().unwrap().is_empty());
}
