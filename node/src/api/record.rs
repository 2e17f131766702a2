//! `daemon.json` in the folder of the node: where the API listens, and the token. Whoever can read it is the owner.

use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use crate::daemon::Failure;
use crate::model::home::replace_private;

/// The name of the file.
const NAME: &str = "daemon.json";

/// The file, as long as the API listens.
pub(super) struct Record(PathBuf);

impl Record {
    /// Writes it, as a whole and for nobody else. One that an ended daemon left is replaced: the lock on the folder says that there
    /// is no other one. Blocks on the disk.
    pub(super) fn write(dir: &Path, port: u16, token: &str) -> Result<Self, Failure> {
        let path = dir.join(NAME);
        let record =
            json!({ "port": port, "token": token, "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION") });
        let text = Zeroizing::new(format!("{record}\n"));
        replace_private(&path, text.as_bytes(), &mut || Ok(()))?;
        Ok(Self(path))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // If it stays, the next daemon replaces it, and clients find nobody there.
        let _ = std::fs::remove_file(&self.0);
    }
}
