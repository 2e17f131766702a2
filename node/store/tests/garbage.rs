//! What nothing reaches.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Folder, bytes, id, node, object, person};
use ratatosk_objects::{InstanceId, PersonId, Reference};
use ratatosk_store::{Error, Garbage, SharedRoot, Step, Store};

/// Stores bytes.
fn blob(store: &Store, seed: u64) -> Reference {
    let mut writer = store.write_blob(u64::MAX);
    writer.push(&bytes(200_000, seed)).unwrap();
    writer.finish(None).unwrap().into()
}

#[test]
fn what_a_root_reaches_stays_and_the_rest_goes() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let (data, data_id) = person("ada");
    let version = node(data.hash(), 1);
    let old = node(data.hash(), 0);
    let kept = blob(&store, 1);
    let lost = blob(&store, 2);
    let deep = object("deep", &[kept, id("ada").into()]);
    let shared = object("shared", &[deep.hash().into()]);
    let known = object("known", &[]);
    let pinned = object("pinned", &[]);
    let loose = object("loose", &[lost, deep.hash().into()]);
    let ada = PersonId::from(id("ada"));
    store
        .transaction(|tx| {
            for object in [&data, &version, &old, &deep, &shared, &known, &pinned, &loose] {
                tx.put(object)?;
            }
            tx.put_id(&data_id)?;
            tx.put_id(&person("bob").1)?;
            tx.set_current(id("ada"), old.hash())?;
            tx.set_current(id("ada"), version.hash())?;
            tx.share(&ada, SharedRoot::Object(shared.hash()))?;
            tx.set_known(&InstanceId::from(id("laptop")), &id("ada"), known.hash())?;
            tx.pin("test", pinned.hash().into())?;
            tx.pin("another", pinned.hash().into())
        })
        .unwrap();
    let mut steps = Vec::new();
    let found = store.find_garbage(|progress| steps.push(progress)).unwrap();
    let expected = Garbage {
        objects: 2,
        id_objects: 1,
        blobs: 1,
        bytes: (old.as_str().len() + loose.as_str().len() + person("bob").1.as_str().len() + 200_000) as u64,
    };
    assert_eq!(found, expected);
    assert!(steps.iter().any(|progress| progress.step == Step::Mark));
    assert!(steps.iter().all(|progress| progress.done <= progress.of));
    assert_eq!(store.remove_garbage(|_| {}).unwrap(), expected);
    assert_eq!(store.find_garbage(|_| {}).unwrap(), Garbage::default());
    for (reference, stays) in [
        (data.hash().into(), true),
        (version.hash().into(), true),
        (shared.hash().into(), true),
        (deep.hash().into(), true),
        (known.hash().into(), true),
        (pinned.hash().into(), true),
        (kept, true),
        (id("ada").into(), true),
        (old.hash().into(), false),
        (loose.hash().into(), false),
        (lost, false),
        (id("bob").into(), false),
    ] {
        assert_eq!(store.read(|view| view.contains(&reference)).unwrap(), stays, "{reference:?}");
    }
    store.transaction(|tx| tx.unpin("test", pinned.hash().into())).unwrap();
    assert_eq!(store.find_garbage(|_| {}).unwrap().objects, 0, "the other one still wants it");
    store
        .transaction(|tx| {
            tx.unpin("another", pinned.hash().into())?;
            tx.unshare(&ada, SharedRoot::Object(shared.hash()))
        })
        .unwrap();
    let removed = store.remove_garbage(|_| {}).unwrap();
    assert_eq!((removed.objects, removed.blobs), (3, 1));
    let report = store.check(|_| {}).unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
}

#[test]
fn a_cycle_that_nobody_reaches_goes_and_one_that_is_reached_stays() {
    // Hashes make no cycles, but an id and its versions may.
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let (ada, ada_id) = person("ada");
    let about = object("about", &[id("ada").into()]);
    let version = node(about.hash(), 0);
    store
        .transaction(|tx| {
            tx.put(&ada)?;
            tx.put_id(&ada_id)?;
            tx.put(&about)?;
            tx.put(&version)?;
            tx.set_current(id("ada"), version.hash())
        })
        .unwrap();
    assert_eq!(store.remove_garbage(|_| {}).unwrap().objects, 1, "the one without a version");
}

#[test]
fn nothing_is_removed_while_somebody_holds() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let hold = store.hold();
    store.transaction(|tx| tx.put(&object("half an import", &[]))).unwrap();
    assert!(matches!(store.remove_garbage(|_| {}), Err(Error::Held)));
    // One that comes while garbage is being looked for counts as well.
    drop(hold);
    let root = object("root", &[]);
    store.transaction(|tx| tx.put(&root).and_then(|root| tx.pin("test", root.into()))).unwrap();
    let mut late = None;
    let refused = store.remove_garbage(|_| late = late.take().or_else(|| Some(store.hold())));
    assert!(matches!(refused, Err(Error::Held)) && late.is_some());
    drop(late);
    assert_eq!(store.remove_garbage(|_| {}).unwrap().objects, 1);
}

#[test]
fn what_a_transaction_touches_meanwhile_stays() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let root = object("root", &[]);
    let leaf = object("leaf", &[]);
    let again = object("again", &[leaf.hash().into()]);
    let leaf_of_new = object("leaf of new", &[]);
    let new = object("new", &[leaf_of_new.hash().into()]);
    let version = object("version", &[]);
    let shared = object("shared", &[]);
    let loose = object("loose", &[]);
    store
        .transaction(|tx| {
            for object in [&root, &leaf, &again, &leaf_of_new, &version, &shared, &loose] {
                tx.put(object)?;
            }
            tx.pin("test", root.hash().into())
        })
        .unwrap();
    let lost = blob(&store, 1);
    let mut has_touched = false;
    let removed = store
        .remove_garbage(|progress| {
            // Marking has gone past all of these.
            if progress.step == Step::Mark && !has_touched {
                has_touched = true;
                store
                    .transaction(|tx| {
                        tx.put(&again)?;
                        tx.put(&new)?;
                        tx.set_current(id("ada"), version.hash())?;
                        tx.share(&PersonId::from(id("ada")), SharedRoot::Object(shared.hash()))
                    })
                    .unwrap();
                assert_eq!(blob(&store, 1), lost);
            }
        })
        .unwrap();
    assert!(has_touched);
    assert_eq!((removed.objects, removed.blobs), (1, 0), "only what is loose");
    for object in [&root, &again, &leaf, &new, &leaf_of_new, &version, &shared] {
        assert!(store.read(|view| view.contains(&object.hash().into())).unwrap(), "{object}");
    }
}

#[test]
fn writers_and_readers_go_on_while_garbage_is_removed() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                store.remove_garbage(|_| {}).unwrap();
                rounds += 1;
            }
            rounds
        });
        let mut head: Option<Reference> = None;
        for number in 0..150 {
            // In one transaction it is stored and connected; what was current before may go.
            let leaf = object(&format!("leaf {}", number % 7), &[]);
            let references: Vec<_> = head.into_iter().chain([leaf.hash().into()]).collect();
            let next = object(&format!("entry {number}"), &references);
            store
                .transaction(|tx| {
                    tx.put(&object(&format!("loose {number}"), &[]))?;
                    tx.put(&leaf)?;
                    tx.put(&next)?;
                    tx.pin("head", next.hash().into())?;
                    head.map_or(Ok(()), |head| tx.unpin("head", head))
                })
                .unwrap();
            head = Some(next.hash().into());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0);
    });
    store.remove_garbage(|_| {}).unwrap();
    let report = store.check(|_| {}).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.objects, 157);
}

#[test]
fn space_goes_back_to_the_disk() {
    let folder = Folder::new();
    let store = Store::open(folder.path()).unwrap();
    let mut writer = store.write_blob(u64::MAX);
    writer.push(&bytes(8 << 20, 1)).unwrap();
    writer.finish(None).unwrap();
    let mut seen = Vec::new();
    store.remove_garbage(|progress| seen.push(progress.step)).unwrap();
    assert!(seen.contains(&Step::Shrink));
    drop(store);
    let size = fs::metadata(folder.path().join("store.db")).unwrap().len();
    assert!(size < 1 << 20, "{size}");
}
