//! One folder, one process, one version of the tables.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs;

use common::{Folder, object};
use ratatosk_store::{Error, Store};

#[test]
fn a_second_one_is_told_where_and_what_to_do() {
    let folder = Folder::new();
    let first = Store::open(folder.path()).unwrap();
    let other_handle = first.clone();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::InUse(path) if path == folder.path()));
    let text = error.to_string();
    assert!(text.contains(folder.path().to_str().unwrap()) && text.contains("stop that one"), "{text}");
    drop(first);
    assert!(matches!(Store::open(folder.path()), Err(Error::InUse(_))), "there is still a handle");
    drop(other_handle);
    Store::open(folder.path()).unwrap();
}

#[test]
fn tables_of_a_newer_version_are_left_alone() {
    let folder = Folder::new();
    drop(Store::open(folder.path()).unwrap());
    folder.database().pragma_update(None, "user_version", 7).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 7, known: 1, .. }));
    assert!(error.to_string().contains("use that version"), "{error}");
    folder.database().pragma_update(None, "user_version", -1).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::Newer { found: -1, .. })));
    folder.database().pragma_update(None, "user_version", 1).unwrap();
    Store::open(folder.path()).unwrap();
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).unwrap();
    folder.database().execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::Foreign(_))));
    let file = folder.path().join("store.db");
    let text = "Dear diary, ".repeat(100);
    fs::write(&file, &text).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Foreign(_)), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(file.join("below")).unwrap_err();
    assert!(matches!(&error, Error::Io { .. }) && error.to_string().contains("below"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = Store::open(folder.path().join("a/b")).unwrap();
    store.transaction(|tx| tx.put(&object("thing", &[]))).unwrap();
    let rights = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["a", "a/b", "a/b/store.db", "a/b/store.db-wal"].map(rights), [0o700, 0o700, 0o600, 0o600]);
}

#[test]
fn an_interrupted_creation_is_begun_anew() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(folder.path().join("store.db"), "").unwrap();
    Store::open(folder.path()).unwrap();
}
