//! Reading the two files, and seeing that they have changed.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::error::MAX_FILE;
use super::{TlsError, TlsFile};

/// What is in a file. It is wiped from memory in the end, since it may be a key.
pub(super) fn read(file: TlsFile, path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { file, path: path.to_owned(), source };
    let opened = File::open(path).map_err(unreadable)?;
    if file == TlsFile::Key && opened.metadata().is_ok_and(|metadata| is_open_to_all(&metadata)) {
        tracing::warn!(path = %path.display(), "every user of this machine may read the private key: chmod o= would end that");
    }
    // All of the room at once: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    opened.take(MAX_FILE as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > MAX_FILE {
        return Err(TlsError::TooLarge { file, path: path.to_owned() });
    }
    Ok(content)
}

#[cfg(unix)]
fn is_open_to_all(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o007 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_metadata: &Metadata) -> bool {
    false
}

/// What a file looks like without reading it. Links are followed: a renewal often only turns one over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// `None` if it is not there.
    seen: Option<(u64, Option<SystemTime>, Identity)>,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Self {
        let seen = fs::metadata(path).ok();
        Self { seen: seen.map(|metadata| (metadata.len(), metadata.modified().ok(), identity(&metadata))) }
    }
}

/// Device, file and the time of its last change of any kind, where the system tells.
type Identity = (u64, u64, i64, i64);

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {
    (0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_not_kept() {
        let path = std::env::temp_dir().join(format!("ratatosk-tls-large-{}", std::process::id()));
        fs::write(&path, vec![b'x'; MAX_FILE + 1]).unwrap();
        assert!(matches!(read(TlsFile::Key, &path), Err(TlsError::TooLarge { file: TlsFile::Key, .. })));
        fs::write(&path, vec![b'x'; MAX_FILE]).unwrap();
        assert_eq!(read(TlsFile::Key, &path).unwrap().len(), MAX_FILE);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_changes_gets_another_stamp() {
        let path = std::env::temp_dir().join(format!("ratatosk-tls-stamp-{}", std::process::id()));
        let missing = Stamp::of(&path);
        fs::write(&path, "one").unwrap();
        let one = Stamp::of(&path);
        fs::write(&path, "three").unwrap();
        let three = Stamp::of(&path);
        fs::remove_file(&path).unwrap();
        assert!(missing != one && one != three && three != Stamp::of(&path));
        assert_eq!(missing, Stamp::of(&path));
    }

    #[cfg(unix)]
    #[test]
    fn only_a_key_that_everybody_may_read_is_open_to_all() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("ratatosk-tls-mode-{}", std::process::id()));
        fs::write(&path, "key").unwrap();
        let open = [0o600, 0o640, 0o644].map(|mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            is_open_to_all(&fs::metadata(&path).unwrap())
        });
        fs::remove_file(&path).unwrap();
        assert_eq!(open, [false, false, true]);
    }
}
