//! The store as a node uses it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{Read, Write};
use std::sync::mpsc::sync_channel;
use std::thread;

use common::{Folder, bytes, id, node, object, person};
use ratatosk_objects::{BlobHash, InstanceId, ObjectHash, PersonId, Reference};
use ratatosk_store::{Error, SettingKey, SharedRoot, Store, Transaction};

#[test]
fn what_is_stored_is_there_after_it_was_opened_again() {
    let folder = Folder::new();
    let (ada, ada_id) = person("ada");
    let thing = object("thing\u{0} &amp; \u{1F43F}", &[]);
    let store = Store::open(folder.path()).unwrap();
    let hash = store
        .transaction(|tx| {
            tx.put_id(&ada_id)?;
            tx.put(&thing)?;
            // A second time is no error and no second copy.
            tx.put(&thing)?;
            tx.put(&ada)
        })
        .unwrap();
    let node = node(hash, 1);
    store
        .transaction(|tx| {
            let node = tx.put(&node)?;
            tx.set_current(id("ada"), node)
        })
        .unwrap();
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    store
        .read(|view| {
            assert_eq!(view.object(&hash)?.unwrap(), ada);
            assert_eq!(view.object(&thing.hash())?.unwrap().as_str(), thing.as_str());
            assert_eq!(view.id_object(&id("ada"))?.unwrap(), ada_id);
            assert_eq!(view.current(&id("ada"))?, Some(node.hash()));
            assert_eq!(view.currents(None, 9)?, [(id("ada"), node.hash())]);
            assert_eq!(view.currents(Some(id("ada")), 9)?, []);
            // Kinds are kept apart.
            assert_eq!(view.object(&ada_id.hash())?, None);
            assert!(!view.contains(&Reference::Object(ada_id.hash()))?);
            assert!(view.contains(&Reference::Id(id("ada")))? && !view.contains(&Reference::Id(id("bob")))?);
            Ok::<_, Error>(())
        })
        .unwrap();
    let report = store.check(|_| {}).unwrap();
    assert_eq!((report.objects, report.id_objects, report.versions), (3, 1, 1));
    assert!(report.is_sound() && report.findings.is_empty(), "{report:?}");
}

#[test]
fn an_id_object_is_no_object() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let (ada, ada_id) = person("ada");
    assert!(matches!(store.transaction(|tx| tx.put(&ada_id)), Err(Error::WrongKind(_, true))));
    let error = store.transaction(|tx| tx.put_id(&ada)).unwrap_err();
    assert!(matches!(error, Error::WrongKind(_, false)) && error.to_string().ends_with("is no id object"), "{error}");
}

#[test]
fn a_transaction_that_fails_or_panics_leaves_nothing() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let thing = object("thing", &[]);
    let failed: Result<(), Error> = store.transaction(|tx| {
        tx.put(&thing)?;
        assert!(tx.contains(&thing.hash().into())?);
        Err(Error::Held)
    });
    assert!(failed.is_err());
    let panicked = thread::scope(|scope| {
        let work = || -> Result<(), Error> {
            store.transaction(|tx| {
                tx.put(&thing)?;
                panic!("on purpose")
            })
        };
        scope.spawn(work).join()
    });
    assert!(panicked.is_err());
    assert!(!store.read(|view| view.contains(&thing.hash().into())).unwrap());
    store.transaction(|tx| tx.put(&thing)).unwrap();
    assert!(store.read(|view| view.contains(&thing.hash().into())).unwrap());
}

#[test]
fn readers_see_one_state_and_wait_for_nobody() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let [old, new] = ["old", "new"].map(|name| object(name, &[]));
    store.transaction(|tx| tx.put(&old)).unwrap();
    let (store, new) = (&store, &new);
    let see = |store: &Store| {
        store.read(|view| Ok::<_, Error>([&old, new].map(|thing| view.contains(&thing.hash().into()).unwrap())))
    };
    let ((reading, is_reading), (go, may_go)) = (sync_channel(0), sync_channel::<()>(0));
    thread::scope(|scope| {
        let long = scope.spawn(move || {
            store.read(|view| {
                assert!(!view.contains(&new.hash().into())?);
                reading.send(()).unwrap();
                may_go.recv().unwrap();
                view.contains(&new.hash().into())
            })
        });
        is_reading.recv().unwrap();
        store
            .transaction(|tx| {
                tx.put(new)?;
                // Another reader, while the transaction is under way.
                assert_eq!(thread::scope(|scope| scope.spawn(|| see(store)).join().unwrap())?, [true, false]);
                Ok::<_, Error>(())
            })
            .unwrap();
        assert_eq!(see(store).unwrap(), [true, true]);
        go.send(()).unwrap();
        assert!(!long.join().unwrap().unwrap(), "its state is that of its beginning");
    });
}

type Step<'a> = dyn Fn(&mut Transaction<'_>) -> Result<bool, Error> + 'a;

#[test]
fn generations_grow_with_roots_and_their_versions_and_nothing_else() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let [ada, bob] = ["ada", "bob"].map(|name| PersonId::from(id(name)));
    let (topic, thing) = (id("topic"), object("thing", &[]).hash());
    let generations = || store.read(|view| Ok::<_, Error>([view.generation(&ada)?, view.generation(&bob)?])).unwrap();
    assert_eq!(generations(), [0, 0]);
    let node = |number: u8| ObjectHash::from_bytes([number; 32]);
    let steps: [(&Step<'_>, [u64; 2]); 9] = [
        (&|tx| tx.share(&ada, SharedRoot::Id(topic)), [1, 0]),
        (&|tx| tx.share(&ada, SharedRoot::Id(topic)).map(|new| !new), [1, 0]),
        (&|tx| tx.share(&bob, SharedRoot::Object(thing)), [1, 1]),
        (&|tx| tx.set_current(topic, node(1)).map(|()| true), [2, 1]),
        (&|tx| tx.set_current(topic, node(1)).map(|()| true), [2, 1]),
        (&|tx| tx.set_current(id("other"), node(1)).map(|()| true), [2, 1]),
        (&|tx| tx.unshare(&ada, SharedRoot::Id(topic)), [3, 1]),
        (&|tx| tx.unshare(&ada, SharedRoot::Id(topic)).map(|had| !had), [3, 1]),
        (&|tx| tx.share(&ada, SharedRoot::Id(topic)), [4, 1]),
    ];
    for (number, (step, expected)) in steps.into_iter().enumerate() {
        assert!(store.transaction(|tx| step(tx)).unwrap(), "step {number}");
        assert_eq!(generations(), expected, "step {number}");
    }
    store
        .read(|view| {
            assert_eq!(view.roots(&ada)?, [SharedRoot::Id(topic)]);
            assert_eq!(view.roots(&bob)?, [SharedRoot::Object(thing)]);
            assert!(view.is_shared(&bob, SharedRoot::Object(thing))? && !view.is_shared(&bob, SharedRoot::Id(topic))?);
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn settings_and_knowledge_are_kept_by_type_and_instance() {
    const NAME: SettingKey<String> = SettingKey::new("name");
    const COUNT: SettingKey<i64> = SettingKey::new("count");
    const COUNT_AS_TEXT: SettingKey<String> = SettingKey::new("count");
    const BYTES: SettingKey<Vec<u8>> = SettingKey::new("bytes");
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let [laptop, phone] = ["laptop", "phone"].map(|name| InstanceId::from(id(name)));
    let node = ObjectHash::from_bytes([1; 32]);
    store
        .transaction(|tx| {
            tx.set_setting(&NAME, &"Ada".to_owned())?;
            tx.set_setting(&COUNT, &i64::MIN)?;
            tx.set_setting(&BYTES, &vec![0; 64 << 10])?;
            tx.set_known(&laptop, &id("topic"), node)?;
            tx.set_known(&phone, &id("topic"), node)?;
            tx.set_known(&phone, &id("other"), node)
        })
        .unwrap();
    let too_large = store.transaction(|tx| tx.set_setting(&BYTES, &vec![0; (64 << 10) + 1]));
    assert!(matches!(too_large, Err(Error::TooLarge(65_536))));
    store
        .transaction(|tx| {
            assert_eq!((tx.setting(&NAME)?.as_deref(), tx.setting(&COUNT)?), (Some("Ada"), Some(i64::MIN)));
            assert!(matches!(tx.setting(&COUNT_AS_TEXT), Err(Error::SettingType(name)) if name == "count"));
            tx.clear_setting(&NAME)?;
            assert_eq!(tx.setting(&NAME)?, None);
            tx.forget_known(&phone, &id("other"))?;
            assert_eq!([tx.known(&phone, &id("topic"))?, tx.known(&phone, &id("other"))?], [Some(node), None]);
            tx.forget_instance(&phone)?;
            assert_eq!([tx.known(&phone, &id("topic"))?, tx.known(&laptop, &id("topic"))?], [None, Some(node)]);
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn bytes_of_every_length_come_back() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    const BATCH: usize = 1 << 20;
    for length in [0, 1, 65_535, 65_536, 65_537, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH + 65_536 + 5] {
        let content = bytes(length, length as u64);
        let mut writer = store.write_blob(length as u64);
        for part in content.chunks(100_003) {
            writer.write_all(part).unwrap();
        }
        assert_eq!(writer.length(), length as u64);
        let hash = writer.finish(None).unwrap();
        let mut reader = store.read_blob(&hash).unwrap().unwrap();
        assert_eq!(reader.length(), length as u64);
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert!(back == content, "{length}");
        // Once more: the same hash, and no second copy.
        let mut writer = store.write_blob(u64::MAX);
        writer.push(&content).unwrap();
        assert_eq!(writer.finish(Some(hash.as_bytes())).unwrap(), hash);
    }
    let report = store.check(|_| {}).unwrap();
    assert!(report.blobs == 9 && report.findings.is_empty(), "{report:?}");
    assert!(store.read_blob(&BlobHash::from_bytes([0; 32])).unwrap().is_none());
}

#[test]
fn unfinished_and_wrong_bytes_are_never_visible_and_leave_nothing() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let content = bytes(3 << 20, 1);
    let hash = {
        let mut writer = store.write_blob(u64::MAX);
        writer.push(&content).unwrap();
        writer.finish(None).unwrap()
    };
    // Takes it away again: nothing refers to it.
    assert_eq!(store.remove_garbage(|_| {}).unwrap().blobs, 1);
    let is_there = || store.read(|view| view.contains(&hash.into())).unwrap();

    let mut dropped = store.write_blob(u64::MAX);
    dropped.push(&content).unwrap();
    assert!(!is_there());
    drop(dropped);
    let mut wrong = store.write_blob(u64::MAX);
    wrong.push(&content).unwrap();
    let error = wrong.finish(Some(&[7; 32])).unwrap_err();
    assert!(matches!(error, Error::WrongHash { found, .. } if found == *hash.as_bytes()), "{error}");
    let mut large = store.write_blob(content.len() as u64 - 1);
    assert!(matches!(large.push(&content), Err(Error::TooLarge(_))));
    drop(large);
    assert!(!is_there());
    drop(store);
    let rows: i64 = folder
        .database()
        .query_row("SELECT (SELECT count(*) FROM blobs) + (SELECT count(*) FROM chunks)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 0);
}
