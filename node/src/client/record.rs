//! `daemon.json`: where the daemon of a folder listens, and the token that it asks for.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;

use super::Client;

/// The name of the file in the folder of a node.
const NAME: &str = "daemon.json";
/// More than any such file has, in bytes.
const MAX_LEN: u64 = 64 * 1024;

/// What a daemon that runs has written down. It may have ended since without taking it away.
#[derive(Clone, Deserialize)]
pub struct Record {
    /// The port on the loopback interface.
    pub port: u16,
    /// What it asks for.
    pub token: String,
    /// Its process.
    pub pid: u32,
    /// The version of its program.
    pub version: String,
}

impl Record {
    /// Reads the record of the daemon of this folder; `None` if there is none, or none that can be understood: a daemon that
    /// runs writes it as a whole.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be read.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(dir.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(MAX_LEN).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// A client of that daemon.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.port, self.token.clone())
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("port", &self.port).field("pid", &self.pid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_there_or_not_and_never_shows_its_token() {
        let dir = std::env::temp_dir().join(format!("ratatosk-record-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(Record::read(&dir).unwrap().is_none());
        std::fs::write(dir.join(NAME), "{\"port\": 1").unwrap();
        assert!(Record::read(&dir).unwrap().is_none());
        std::fs::write(dir.join(NAME), r#"{"port": 1, "token": "secret", "pid": 2, "version": "3"}"#).unwrap();
        let record = Record::read(&dir).unwrap().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!((record.port, record.pid), (1, 2));
        assert!(!format!("{record:?} {:?}", record.client()).contains("secret"));
    }
}
