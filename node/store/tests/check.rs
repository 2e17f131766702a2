//! Damage is found and said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};

use common::{Folder, bytes, id, node, object, person};
use ratatosk_objects::{ObjectHash, PersonId, Reference};
use ratatosk_store::{Error, Finding, Report, SharedRoot, Step, Store};

/// A store with one of everything, and its two objects: a person with a current version, and one that refers to a BLOB.
fn store(folder: &Folder) -> (Store, ObjectHash, ObjectHash, Reference) {
    let store = Store::open(folder.path()).unwrap();
    let mut writer = store.write_blob(u64::MAX);
    writer.push(&bytes(150_000, 1)).unwrap();
    let blob = Reference::from(writer.finish(None).unwrap());
    let (ada, ada_id) = person("ada");
    let thing = object("thing", &[blob, id("ada").into()]);
    let version = node(ada.hash(), 1);
    store
        .transaction(|tx| {
            tx.put_id(&ada_id)?;
            tx.put(&ada)?;
            tx.put(&thing)?;
            tx.put(&version)?;
            tx.set_current(id("ada"), version.hash())?;
            tx.share(&PersonId::from(id("ada")), SharedRoot::Object(thing.hash()))
        })
        .unwrap();
    (store, version.hash(), thing.hash(), blob)
}

/// What is found after `sql` was done behind the store's back.
fn after(sql: &str) -> (Report, ObjectHash, ObjectHash, Reference) {
    let folder = Folder::new();
    let (store, version, thing, blob) = store(&folder);
    drop(store);
    folder.database().execute_batch(sql).unwrap();
    let store = Store::open(folder.path()).unwrap();
    (store.check(|_| {}).unwrap(), version, thing, blob)
}

#[test]
fn a_whole_store_has_no_findings_and_progress_reaches_its_end() {
    let folder = Folder::new();
    let (store, ..) = store(&folder);
    let mut last = std::collections::HashMap::new();
    let report = store
        .check(|progress| {
            last.insert(format!("{:?}", progress.step), progress);
        })
        .unwrap();
    assert_eq!((report.objects, report.id_objects, report.blobs, report.versions), (3, 1, 1, 1));
    assert!(report.is_sound() && report.findings.is_empty());
    for step in [Step::Database, Step::Objects, Step::IdObjects, Step::Blobs] {
        let progress = last[&format!("{step:?}")];
        assert!(progress.done == progress.of && progress.of > 0, "{progress:?}");
    }
}

#[test]
fn changed_content_is_damage_and_not_handed_out() {
    let folder = Folder::new();
    let (store, _, thing, blob) = store(&folder);
    drop(store);
    folder
        .database()
        .execute_batch(
            "UPDATE objects SET text = replace(text, '>thing<', '>thinh<');
             UPDATE chunks SET bytes = zeroblob(length(bytes)) WHERE piece & 0xFFFFFF = 1;
             UPDATE id_objects SET text = 'x';",
        )
        .unwrap();
    let store = Store::open(folder.path()).unwrap();
    let report = store.check(|_| {}).unwrap();
    let damaged = [Reference::from(thing), id("ada").into(), blob].map(Finding::Damaged);
    assert_eq!(report.findings, damaged);
    assert!(!report.is_sound());
    assert!(matches!(store.read(|view| view.object(&thing)), Err(Error::Damaged(_))));
    assert!(matches!(store.read(|view| view.id_object(&id("ada"))), Err(Error::Damaged(_))));
    let Reference::Blob(hash) = blob else { panic!() };
    let mut all = Vec::new();
    let error = store.read_blob(&hash).unwrap().unwrap().read_to_end(&mut all).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    // What cannot be read might need anything.
    assert!(matches!(store.remove_garbage(|_| {}), Err(Error::Damaged(_))));
}

#[test]
fn a_lost_piece_or_length_is_damage() {
    for sql in [
        "DELETE FROM chunks WHERE piece & 0xFFFFFF = 1",
        "DELETE FROM chunks WHERE piece & 0xFFFFFF = 2",
        "UPDATE blobs SET length = length - 1",
        "UPDATE chunks SET piece = piece + 7 WHERE piece & 0xFFFFFF = 2",
    ] {
        let (report, _, _, blob) = after(sql);
        assert_eq!(report.findings, [Finding::Damaged(blob)], "{sql}");
    }
    let (report, _, thing, blob) = after("DELETE FROM blobs");
    let missing = Finding::Missing { from: thing.into(), to: blob };
    assert!(report.findings.contains(&missing) && report.findings.len() == 2 && !report.is_sound(), "{report:?}");
}

#[test]
fn versions_without_node_or_data_are_damage() {
    let (report, version, ..) = after("DELETE FROM objects WHERE text LIKE '%VersionNodeEdge%'");
    assert_eq!(report.findings, [Finding::NodeMissing { id: id("ada"), node: version }]);
    let (report, version, ..) = after("DELETE FROM objects WHERE text LIKE '%//refin.io/Person\"%'");
    assert!(!report.is_sound());
    assert!(report.findings.contains(&Finding::NodeWithoutData { id: id("ada"), node: version }), "{report:?}");
    let other = format!("UPDATE versions SET id = X'{}'", id("bob"));
    let (report, version, ..) = after(&other);
    assert_eq!(report.findings, [Finding::NodeWithoutData { id: id("bob"), node: version }]);
}

#[test]
fn what_never_came_is_told_and_is_no_damage() {
    let folder = Folder::new();
    let (store, ..) = store(&folder);
    let nobody = Reference::Id(id("nobody"));
    let lonely = object("lonely", &[nobody]);
    store
        .transaction(|tx| {
            tx.put(&lonely)?;
            tx.pin("test", nobody)
        })
        .unwrap();
    let report = store.check(|_| {}).unwrap();
    let expected =
        [Finding::Missing { from: lonely.hash().into(), to: nobody }, Finding::Root { table: "pins", what: nobody }];
    assert_eq!(report.findings, expected);
    assert!(report.is_sound());
    let text = report.findings[0].to_string();
    assert!(text.contains(&lonely.hash().to_string()) && text.contains(&id("nobody").to_string()), "{text}");
}

#[test]
fn a_damaged_file_is_found_and_never_ends_the_program() {
    let folder = Folder::new();
    let (store, ..) = store(&folder);
    store
        .transaction(|tx| (0..2000).try_for_each(|number| tx.put(&object(&format!("number {number}"), &[])).map(drop)))
        .unwrap();
    drop(store);
    let path = folder.path().join("store.db");
    let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    let mut found = 0;
    // Not the first pages: without the list of tables there is nothing to be checked.
    for page in (5..pages).step_by(7) {
        let mut before = [0; 64];
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.read_exact(&mut before).unwrap();
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xA5; 64]).unwrap();
        if let Ok(store) = Store::open(folder.path()) {
            found += usize::from(!store.check(|_| {}).is_ok_and(|report| report.is_sound()));
        } else {
            found += 1;
        }
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&before).unwrap();
    }
    assert_eq!(found, (5..pages).step_by(7).count());
    let store = Store::open(folder.path()).unwrap();
    assert!(store.check(|_| {}).unwrap().findings.is_empty());
}
