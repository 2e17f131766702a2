//! The tables, and which version of them this is.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::Error;

/// Says that a database is a store: `Rata`.
const APPLICATION: i64 = 0x5261_7461;

/// What leads from each version to the next. The first makes an empty database version 1.
const STEPS: [&str; 1] = [VERSION_1];

/// The newest version.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

/// Objects have numbers: rows then lie in the order in which they came, and only the small index is in the order of hashes, which
/// is no order. Kinds are those of `row::kind`.
const VERSION_1: &str = "
CREATE TABLE objects (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    text TEXT NOT NULL
) STRICT;

CREATE TABLE id_objects (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    text TEXT NOT NULL
) STRICT;

-- Without a hash: it is being written, or being removed, and is not there for anybody.
CREATE TABLE blobs (
    number INTEGER PRIMARY KEY,
    hash BLOB UNIQUE CHECK (length(hash) = 32),
    length INTEGER NOT NULL
) STRICT;

-- Pieces of BLOBs, by number and place in one number (`blob::piece`): a key of two columns would need an index of its own, or
-- would have whole pieces compared.
CREATE TABLE chunks (
    piece INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE versions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    node BLOB NOT NULL CHECK (length(node) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE access (
    person BLOB NOT NULL CHECK (length(person) = 32),
    kind INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    PRIMARY KEY (person, kind, root)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_by_root ON access (root, kind);

-- Kept when nothing is shared any more, so that a number never comes twice.
CREATE TABLE generations (
    person BLOB NOT NULL PRIMARY KEY CHECK (length(person) = 32),
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE known (
    instance BLOB NOT NULL CHECK (length(instance) = 32),
    id BLOB NOT NULL CHECK (length(id) = 32),
    node BLOB NOT NULL CHECK (length(node) = 32),
    PRIMARY KEY (instance, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pins (
    owner TEXT NOT NULL,
    kind INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (owner, kind, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Creates the tables of an empty database and brings those of an older version up to date, as a whole or not at all.
pub(crate) fn prepare(connection: &mut Connection, file: &Path) -> Result<(), Error> {
    let number =
        |connection: &Connection, name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, found) = (number(&transaction, "application_id")?, number(&transaction, "user_version")?);
    if application != APPLICATION && (application, found, tables) != (0, 0, 0) {
        return Err(Error::Foreign(file.to_owned()));
    }
    let done = usize::try_from(found).ok().filter(|_| found <= NEWEST);
    let Some(done) = done else { return Err(Error::Newer { file: file.to_owned(), found, known: NEWEST }) };
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if found < NEWEST {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", NEWEST)?;
    }
    Ok(transaction.commit()?)
}
