//! Homes that are made, opened, interrupted and damaged.

use std::sync::atomic::{AtomicU32, Ordering};

use ratatosk_protocol::driver::os_entropy;

use super::*;

/// A private folder that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ratatosk-model-{}-{count}", std::process::id()));
        files::private_folder(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A cost that a test can pay.
pub(in super::super) const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

fn alice() -> NewPerson {
    NewPerson { email: "alice@peer.test".into(), instance: "laptop".into(), name: "Älice".into() }
}

fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(Zeroizing::new(text.to_owned()), CHEAP)
}

fn create(dir: &Path, protection: &Protection) -> Result<Home, HomeError> {
    Home::create(dir, &alice(), protection, os_entropy().as_mut())
}

#[test]
fn a_home_opens_again_with_the_same_keys() {
    for protection in [passphrase("open sesame"), Protection::KeyFile(None)] {
        let folder = Folder::new();
        let dir = folder.path().join("home");
        let keys = create(&dir, &protection).unwrap().secrets().packed().to_owned();
        let home = Home::open(&dir, &protection).unwrap();
        assert_eq!(home.secrets().packed(), keys);
        assert_eq!(home.person(), alice());
    }
}

#[test]
fn a_wrong_passphrase_and_a_wrong_key_are_told() {
    let folder = Folder::new();
    let by_passphrase = folder.path().join("one");
    create(&by_passphrase, &passphrase("open sesame")).unwrap();
    assert!(matches!(Home::open(&by_passphrase, &passphrase("open barley")), Err(HomeError::WrongPassphrase(_))));
    assert!(matches!(Home::open(&by_passphrase, &Protection::KeyFile(None)), Err(HomeError::OtherProtection(_))));
    assert_eq!(Home::protected(&by_passphrase).unwrap(), Protected::ByPassphrase);

    let by_key = folder.path().join("two");
    create(&by_key, &Protection::KeyFile(None)).unwrap();
    let other = folder.path().join("other.key");
    create(&folder.path().join("three"), &Protection::KeyFile(Some(other.clone()))).unwrap();
    assert!(matches!(Home::open(&by_key, &Protection::KeyFile(Some(other))), Err(HomeError::WrongKey { .. })));
    assert_eq!(Home::protected(&by_key).unwrap(), Protected::ByKeyFile);
}

#[test]
fn one_program_at_a_time() {
    let folder = Folder::new();
    let home = create(folder.path(), &Protection::KeyFile(None)).unwrap();
    assert!(matches!(Home::open(folder.path(), &Protection::KeyFile(None)), Err(HomeError::Busy(_))));
    drop(home);
    assert!(matches!(create(folder.path(), &Protection::KeyFile(None)), Err(HomeError::Exists(_))));
    Home::open(folder.path(), &Protection::KeyFile(None)).unwrap();
}

#[test]
fn the_protection_can_be_changed() {
    let folder = Folder::new();
    let mut home = create(folder.path(), &passphrase("old")).unwrap();
    let keys = home.secrets().packed().to_owned();
    home.protect(&passphrase("new"), os_entropy().as_mut()).unwrap();
    drop(home);
    assert!(matches!(Home::open(folder.path(), &passphrase("old")), Err(HomeError::WrongPassphrase(_))));
    assert_eq!(Home::open(folder.path(), &passphrase("new")).unwrap().secrets().packed(), keys);
}

#[test]
fn interrupted_at_any_step_nothing_is_lost() {
    let steps = [Step::Folder, Step::KeyWritten, Step::Key, Step::IdentityWritten, Step::Identity];
    for protection in [passphrase("open sesame"), Protection::KeyFile(None)] {
        for last in steps {
            if last == Step::KeyWritten && matches!(protection, Protection::Passphrase(..)) {
                continue;
            }
            let folder = Folder::new();
            let dir = folder.path().join("home");
            let mut interrupt = |step| if step == last { Err(HomeError::Interrupted) } else { Ok(()) };
            let error = Home::create_in_steps(&dir, &alice(), &protection, os_entropy().as_mut(), &mut interrupt).err();
            assert!(matches!(error, Some(HomeError::Interrupted)), "{last:?}");
            // Either there is nothing yet and it can be made, or it is complete.
            if last == Step::Identity {
                assert!(matches!(create(&dir, &protection), Err(HomeError::Exists(_))));
            } else {
                assert!(matches!(Home::open(&dir, &protection), Err(HomeError::Missing(_))));
                create(&dir, &protection).unwrap();
            }
            assert_eq!(Home::open(&dir, &protection).unwrap().person(), alice());
        }
    }
}

#[test]
fn a_key_file_that_is_there_is_used_and_not_replaced() {
    let folder = Folder::new();
    let key = folder.path().join("shared.key");
    let protection = Protection::KeyFile(Some(key.clone()));
    create(&folder.path().join("one"), &protection).unwrap();
    let text = std::fs::read(&key).unwrap();
    create(&folder.path().join("two"), &protection).unwrap();
    assert_eq!(std::fs::read(&key).unwrap(), text);
    Home::open(&folder.path().join("one"), &protection).unwrap();
}

#[cfg(unix)]
#[test]
fn loose_permissions_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let dir = folder.path().join("home");
    create(&dir, &Protection::KeyFile(None)).unwrap();
    for (name, mode) in [(IDENTITY, 0o644), (KEY, 0o640), ("", 0o755)] {
        let path = dir.join(name);
        let good = std::fs::metadata(&path).unwrap().permissions();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Home::open(&dir, &Protection::KeyFile(None)).err().unwrap();
        assert!(matches!(error, HomeError::Loose { .. }), "{name}: {error}");
        assert!(error.to_string().contains("chmod"), "{error}");
        std::fs::set_permissions(&path, good).unwrap();
    }
    Home::open(&dir, &Protection::KeyFile(None)).unwrap();
}

#[test]
fn damaged_files_are_named() {
    let folder = Folder::new();
    create(folder.path(), &Protection::KeyFile(None)).unwrap();
    for (name, text) in [(KEY, "xyz"), (IDENTITY, "{}"), (IDENTITY, r#"{"header":{"format":9}}"#)] {
        let path = folder.path().join(name);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        let error = Home::open(folder.path(), &Protection::KeyFile(None)).err().unwrap().to_string();
        assert!(error.contains(name), "{error}");
        std::fs::write(&path, good).unwrap();
    }
    std::fs::remove_file(folder.path().join(KEY)).unwrap();
    let error = Home::open(folder.path(), &Protection::KeyFile(None)).err().unwrap().to_string();
    assert!(error.contains("nothing else opens"), "{error}");
}

#[test]
fn texts_that_nobody_could_use_are_refused() {
    let folder = Folder::new();
    let dir = folder.path().join("home");
    let long = "x".repeat(MAX_ID_TEXT + 1);
    for email in ["", "  ", "a\nb", long.as_str()] {
        let person = NewPerson { email: email.to_owned(), ..alice() };
        let refused = Home::create(&dir, &person, &Protection::KeyFile(None), os_entropy().as_mut());
        assert!(matches!(refused, Err(HomeError::Refused { .. })), "{email:?}");
    }
    assert!(matches!(create(&dir, &passphrase("")), Err(HomeError::Refused { .. })));
    assert!(!dir.exists());
}
