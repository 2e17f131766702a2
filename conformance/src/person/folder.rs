//! A folder in which peers keep their state for one scenario.

use std::path::{Path, PathBuf};

use ratatosk_protocol::entropy::{Entropy, OsEntropy};

/// It is removed, with everything in it, when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new one, which nobody else has.
    pub(super) fn create() -> std::io::Result<Self> {
        let mut name = [0; 16];
        OsEntropy.fill(&mut name);
        let path = std::env::temp_dir().join(format!("conformance-{}", hex::encode(name)));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        Path::new(&self.0).join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A process that ends may still write into it; what is left lies among temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
