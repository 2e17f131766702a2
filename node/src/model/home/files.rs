//! Files that hold secrets: whole or not there, and for nobody but their owner.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::HomeError;

/// Makes a folder, with those above it, that nobody else may look into, where the system has such a thing.
pub(super) fn private_folder(path: &Path) -> Result<(), HomeError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| HomeError::io("create the folder", path, error))?;
    check_private(path, "700")
}

/// Refuses a folder or file that others than its owner may read or change.
///
/// # Errors
///
/// [`HomeError::Loose`], with what to do.
pub(super) fn check_private(path: &Path, wanted: &'static str) -> Result<(), HomeError> {
    check(std::fs::metadata(path), path, wanted)
}

#[cfg(unix)]
fn check(metadata: io::Result<Metadata>, path: &Path, wanted: &'static str) -> Result<(), HomeError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = metadata.map_err(|error| HomeError::io("examine", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(HomeError::Loose { path: path.to_owned(), mode, wanted })
}

/// Nothing to check where the system has no such permissions.
#[cfg(not(unix))]
fn check(_: io::Result<Metadata>, _: &Path, _: &'static str) -> Result<(), HomeError> {
    Ok(())
}

/// The whole of a private file of at most `limit` bytes; `None` if there is none.
pub(super) fn read_private(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, HomeError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(HomeError::io("open", path, error)),
    };
    // The file that is read, whatever has that name by now.
    check(file.metadata(), path, "600")?;
    // With room for all of it, so that no copy stays behind where the buffer grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(limit).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| HomeError::io("read", path, error))?;
    if bytes.len() as u64 > limit {
        return Err(HomeError::damaged(path, "it is larger than such a file can be"));
    }
    Ok(Some(bytes))
}

/// Writes a private file so that there is the old one or the new one at any moment, also after a loss of power.
///
/// `between` is called when the new one is complete under its other name.
pub(crate) fn replace_private(
    path: &Path,
    bytes: &[u8],
    between: &mut dyn FnMut() -> Result<(), HomeError>,
) -> Result<(), HomeError> {
    let temporary = beside(path);
    let failed = |error| HomeError::io("write", &temporary, error);
    // What an interrupted attempt left is of no use to anybody.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    drop(file);
    between()?;
    std::fs::rename(&temporary, path).map_err(|error| HomeError::io("put in place", path, error))?;
    sync_folder_of(path)
}

/// The name under which a file is written before it takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Without this a rename may be forgotten when the power fails.
#[cfg(unix)]
pub(super) fn sync_folder_of(path: &Path) -> Result<(), HomeError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| HomeError::io("write", folder, error))
}

/// Folders cannot be opened here.
#[cfg(not(unix))]
pub(super) fn sync_folder_of(_: &Path) -> Result<(), HomeError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Folder;
    use super::*;

    #[test]
    fn a_file_is_replaced_or_left_as_it_was() {
        let folder = Folder::new();
        let path = folder.path().join("file");
        replace_private(&path, b"one", &mut || Ok(())).unwrap();
        let interrupted = replace_private(&path, b"two", &mut || Err(HomeError::Interrupted));
        assert!(matches!(interrupted, Err(HomeError::Interrupted)));
        assert_eq!(read_private(&path, 3).unwrap().unwrap().as_slice(), b"one");
        replace_private(&path, b"two", &mut || Ok(())).unwrap();
        assert_eq!(read_private(&path, 3).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = Folder::new();
        let path = folder.path().join("file");
        assert!(read_private(&path, 3).unwrap().is_none());
        replace_private(&path, b"four", &mut || Ok(())).unwrap();
        assert!(matches!(read_private(&path, 3), Err(HomeError::Damaged { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_read_is_refused_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let path = folder.path().join("file");
        replace_private(&path, b"x", &mut || Ok(())).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o602] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read_private(&path, 9).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }
}
