//! Files in a stream: for each the length of its name, its name, the length of its content, its content; a name of no bytes is the end.

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use super::BackupError;

/// The longest name, in bytes.
const MAX_NAME: usize = 1024;
/// The most files: two for each AI, two for each model, and some.
pub(super) const MAX_FILES: u64 = 4096;
/// Bytes that are copied at once.
const CHUNK: usize = 64 * 1024;

/// The beginning of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) length: u64,
}

/// Writes a file; `from` has to have just as many bytes.
pub(super) fn write(
    to: &mut impl Write,
    entry: &Entry,
    from: &mut impl Read,
    tell: &mut dyn FnMut(u64) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let failed = |error| BackupError::Io { what: "write", path: PathBuf::from(&entry.name), error };
    let length = u16::try_from(entry.name.len()).map_err(|_| failed(io::Error::other("its name is too long")))?;
    to.write_all(&length.to_be_bytes()).map_err(failed)?;
    to.write_all(entry.name.as_bytes()).map_err(failed)?;
    to.write_all(&entry.length.to_be_bytes()).map_err(failed)?;
    copy(from, to, entry.length, tell).map_err(|error| match error {
        Copying::Io(error) => failed(error),
        Copying::Stopped(error) => error,
    })
}

/// Writes the end.
pub(super) fn end(to: &mut impl Write) -> io::Result<()> {
    to.write_all(&[0; 2])
}

/// Reads the beginning of the next file; `None` at the end.
pub(super) fn next(from: &mut impl Read) -> Result<Option<Entry>, BackupError> {
    let mut length = [0; 2];
    from.read_exact(&mut length).map_err(broken)?;
    let length = usize::from(u16::from_be_bytes(length));
    if length == 0 {
        return Ok(None);
    }
    if length > MAX_NAME {
        return Err(BackupError::Damaged("a name in it is too long"));
    }
    let mut name = vec![0; length];
    from.read_exact(&mut name).map_err(broken)?;
    let name = String::from_utf8(name).map_err(|_| BackupError::Damaged("a name in it is no text"))?;
    let mut length = [0; 8];
    from.read_exact(&mut length).map_err(broken)?;
    Ok(Some(Entry { name, length: u64::from_be_bytes(length) }))
}

/// Reads the content of a file.
pub(super) fn content(
    from: &mut impl Read,
    to: &mut impl Write,
    length: u64,
    tell: &mut dyn FnMut(u64) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    copy(from, to, length, tell).map_err(|error| match error {
        Copying::Io(error) => broken(error),
        Copying::Stopped(error) => error,
    })
}

/// What a file of this name is called in a folder: nothing leads out of it.
pub(super) fn place(dir: &Path, name: &str) -> Result<PathBuf, BackupError> {
    let path = Path::new(name);
    let is_plain = |component| matches!(component, Component::Normal(_));
    // Not every system takes the same characters for separators.
    let is_safe = path.components().all(is_plain)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && !name.chars().any(|letter| letter.is_control() || matches!(letter, '\\' | ':'));
    if is_safe { Ok(dir.join(path)) } else { Err(BackupError::Damaged("a name in it leads elsewhere")) }
}

/// Why a copy did not come to its end.
enum Copying {
    Io(io::Error),
    Stopped(BackupError),
}

fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    length: u64,
    tell: &mut dyn FnMut(u64) -> Result<(), BackupError>,
) -> Result<(), Copying> {
    let mut chunk = vec![0; CHUNK];
    let mut rest = length;
    while rest > 0 {
        let most = usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK);
        let read = from.read(&mut chunk[..most]).map_err(Copying::Io)?;
        if read == 0 {
            return Err(Copying::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        to.write_all(&chunk[..read]).map_err(Copying::Io)?;
        rest -= read as u64;
        tell(read as u64).map_err(Copying::Stopped)?;
    }
    Ok(())
}

/// What an error means that comes from reading a backup.
fn broken(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::InvalidData => BackupError::Damaged("a part of it was changed"),
        io::ErrorKind::UnexpectedEof => BackupError::Damaged("it ends too early"),
        _ => BackupError::Io { what: "read or write", path: PathBuf::from("the backup"), error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let dir = Path::new("dir");
        assert_eq!(place(dir, "agents/munin/store.db").unwrap(), dir.join("agents/munin/store.db"));
        for name in ["/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "C:\\x", "a\\b", "a\nb", "", "a/"] {
            assert!(place(dir, name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_stream_says_what_it_holds_and_where_it_broke() {
        let mut stream = Vec::new();
        let entry = Entry { name: "a".to_owned(), length: 3 };
        write(&mut stream, &entry, &mut b"abc".as_slice(), &mut |_| Ok(())).unwrap();
        end(&mut stream).unwrap();
        let mut from = stream.as_slice();
        assert_eq!(next(&mut from).unwrap(), Some(entry.clone()));
        let mut content_read = Vec::new();
        content(&mut from, &mut content_read, 3, &mut |_| Ok(())).unwrap();
        assert_eq!(content_read, b"abc");
        assert_eq!(next(&mut from).unwrap(), None);
        assert!(matches!(next(&mut &stream[..1]), Err(BackupError::Damaged(_))));
        let short = write(&mut Vec::new(), &entry, &mut b"ab".as_slice(), &mut |_| Ok(()));
        assert!(matches!(short, Err(BackupError::Io { .. })));
    }
}
