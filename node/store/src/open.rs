//! The folder and its connections.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Error;
use crate::schema;

/// The database in the folder.
pub(crate) const FILE: &str = "store.db";

/// How long a connection waits for another one of this process, in the few moments in which SQLite wants to be alone
/// (recovery of the log, its first use).
const BUSY: Duration = Duration::from_secs(10);

/// To how many bytes the log is cut after it had to grow.
const LOG_LIMIT: i64 = 16 << 20;

/// Prepared statements kept for each connection: all that there are.
const STATEMENTS: usize = 64;

/// Creates the folder, for its owner alone, and everything above it. One that is there stays as it is.
pub(crate) fn folder(folder: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })
}

/// Opens the connection that writes, and creates the database if there is none.
pub(crate) fn writer(folder: &Path) -> Result<Connection, Error> {
    let file = folder.join(FILE);
    create(folder, &file).map_err(|source| Error::Io { path: file.clone(), source })?;
    let mut connection = connect(&file)?;
    // Before the first page is written, so that what garbage leaves can be given back to the disk in pieces.
    let prepared = connection
        .pragma_update(None, "auto_vacuum", "INCREMENTAL")
        .and_then(|()| connection.pragma_update(None, "journal_mode", "WAL"))
        .map_err(Error::from);
    match prepared {
        Err(Error::Corrupt(_)) if !is_database(&file) => return Err(Error::Foreign(file)),
        other => other?,
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    schema::prepare(&mut connection, &file)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(crate) fn reader(folder: &Path) -> Result<Connection, Error> {
    let connection = connect(&folder.join(FILE))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a connection that only reads this database, and writes a copy of it.
pub(crate) fn copier(folder: &Path) -> Result<Connection, Error> {
    connect(&folder.join(FILE))
}

fn connect(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => Error::Io { path: file.to_owned(), source: io::Error::other(error.to_string()) },
        _ => error.into(),
    })?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Creates an empty file for its owner alone; SQLite gives its log the same rights.
fn create(folder: &Path, file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        // The name has to survive as well as the content.
        Ok(_) => File::open(folder)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a file begins as databases of SQLite do.
fn is_database(file: &Path) -> bool {
    use io::Read;
    let mut start = [0; 16];
    File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"SQLite format 3\0"
}
