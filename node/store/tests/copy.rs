//! Copies of a store that is in use.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ratatosk_store::{Error, SettingKey, Store};

use common::Folder;

const ONE: SettingKey<i64> = SettingKey::new("one");
const OTHER: SettingKey<i64> = SettingKey::new("other");

#[test]
fn a_copy_is_one_state_while_somebody_writes() {
    let (folder, there) = (Folder::new(), Folder::new());
    let store = Store::open(folder.path()).unwrap();
    let (stop, written) = (AtomicBool::new(false), AtomicI64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let written_both = store.transaction(|tx| {
                    tx.set_setting(&ONE, &number)?;
                    tx.set_setting(&OTHER, &number)
                });
                written_both.unwrap();
                written.store(number, Ordering::Relaxed);
            }
        });
        for round in 0..5 {
            let before = written.load(Ordering::Relaxed);
            while written.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            let at = there.path().join(round.to_string());
            std::fs::create_dir_all(&at).unwrap();
            store.copy_to(&at.join("store.db")).unwrap();
            let copy = Store::open(&at).unwrap();
            let both = copy.read(|view| Ok::<_, Error>((view.setting(&ONE)?, view.setting(&OTHER)?))).unwrap();
            assert_eq!(both.0, both.1);
            assert!(both.0.is_some_and(|number| number > before));
            assert!(copy.check(|_| ()).unwrap().findings.is_empty());
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_is_there_already_is_left_alone() {
    let (folder, there) = (Folder::new(), Folder::new());
    std::fs::create_dir_all(there.path()).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let file = there.path().join("store.db");
    std::fs::write(&file, "mine").unwrap();
    assert!(matches!(store.copy_to(&file), Err(Error::Io { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(matches!(store.copy_to(&there.path().join("no/where")), Err(Error::Io { .. })));
}
