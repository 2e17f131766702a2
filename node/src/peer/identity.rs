//! The peer's key: new for each run, or kept in a file that only its owner can read.
//!
//! Where the system has such a thing, a folder that is created here is private as well, and a key that others could have
//! read is not used.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::key::{KeyPair, SecretKey};

const FILE: &str = "instance.key";

/// The longest key file: 64 hex digits and a line end.
const MAX_LEN: u64 = 66;

/// The key of the folder, or a new one.
///
/// # Errors
///
/// What is wrong with the folder or the file, for a person.
pub(super) fn load_or_create(dir: Option<&Path>) -> Result<KeyPair, String> {
    let Some(dir) = dir else { return Ok(KeyPair::generate(os_entropy().as_mut())) };
    let path = dir.join(FILE);
    let problem = |what: &str, error: &dyn std::fmt::Display| format!("cannot {what} {}: {error}", path.display());
    match File::open(&path) {
        Ok(file) => {
            private(&file, &path)?;
            let mut text = zeroize::Zeroizing::new(String::new());
            file.take(MAX_LEN).read_to_string(&mut text).map_err(|error| problem("read", &error))?;
            let secret = SecretKey::from_hex(text.trim()).map_err(|error| problem("use", &error))?;
            Ok(secret.into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            private_folder().create(dir).map_err(|error| problem("create the folder of", &error))?;
            let secret = SecretKey::generate(os_entropy().as_mut());
            let mut file = private_file().open(&path).map_err(|error| problem("create", &error))?;
            let text = zeroize::Zeroizing::new(secret.to_hex());
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| problem("write", &error))?;
            Ok(secret.into())
        }
        Err(error) => Err(problem("open", &error)),
    }
}

/// Refuses a file that others may read or change.
#[cfg(unix)]
fn private(file: &File, path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let path = path.display();
    let mode = file.metadata().map_err(|error| format!("cannot examine {path}: {error}"))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "{path} holds a secret key, and others than its owner have access (mode {:03o}); if nobody can have read it: \
         chmod 600 '{path}'; otherwise remove it, and the peer gets a new key",
        mode & 0o777
    ))
}

#[cfg(not(unix))]
fn private(_: &File, _: &Path) -> Result<(), String> {
    Ok(())
}

/// A new folder, with those above it, that nobody else may look into, where the system has such a thing.
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A new file that nobody else may read, where the system has such a thing.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A folder that is not there yet, and goes with this.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("ratatosk-{}-{name}", std::process::id())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_kept_key_is_the_same_again_and_another_folder_has_another() {
        let (one, other) = (Folder::new("one"), Folder::new("other"));
        let key = |folder: &Folder| *load_or_create(Some(&folder.0)).unwrap().public();
        let first = key(&one);
        assert_eq!(key(&one), first);
        assert_ne!(key(&other), first);
    }

    #[test]
    fn a_file_that_is_no_key_is_not_replaced() {
        let folder = Folder::new("damaged");
        load_or_create(Some(&folder.0)).unwrap();
        fs::write(folder.0.join(FILE), "09").unwrap();
        assert!(load_or_create(Some(&folder.0)).is_err());
        assert_eq!(fs::read_to_string(folder.0.join(FILE)).unwrap(), "09");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("private");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let inner = folder.0.join("inner");
        load_or_create(Some(&inner)).unwrap();
        assert_eq!(mode(&folder.0), 0o700);
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join(FILE)), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_could_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("open");
        let path = folder.0.join(FILE);
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let first = *load_or_create(Some(&folder.0)).unwrap().public();
        for mode in [0o644, 0o640, 0o604, 0o620] {
            set(mode);
            let problem = load_or_create(Some(&folder.0)).err().unwrap();
            assert!(problem.contains(&format!("chmod 600 '{}'", path.display())), "{problem}");
            assert!(problem.contains(&format!("mode {mode:o}")), "{problem}");
        }
        set(0o600);
        assert_eq!(*load_or_create(Some(&folder.0)).unwrap().public(), first);
    }
}
