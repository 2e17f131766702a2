//! A copy of one state of a store, while it is in use.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::error::Error;
use crate::open;
use crate::store::Store;

impl Store {
    /// Writes the present state into a new file, which has to be called `store.db` in a folder of its own to be opened as a store.
    /// Others read and write meanwhile. The copy has no free pages, and is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file exists already or cannot be made; [`Error::Full`]; the database's. Then nothing is left of it.
    pub fn copy_to(&self, file: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { path: file.to_owned(), source };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(file).map_err(failed)?);
        let copied = self.vacuum_into(file).and_then(|()| {
            // With what SQLite has left to the operating system.
            File::open(file).and_then(|file| file.sync_all()).map_err(failed)
        });
        if copied.is_err() {
            // What failed says more than that this did.
            let _ = std::fs::remove_file(file);
        }
        copied
    }

    fn vacuum_into(&self, file: &Path) -> Result<(), Error> {
        let connection = open::copier(self.folder())?;
        let name = file.to_str().ok_or_else(|| Error::Io {
            path: file.to_owned(),
            source: std::io::Error::other("the path is not UTF-8, which SQLite needs"),
        })?;
        connection.execute("VACUUM INTO ?1", [name])?;
        Ok(())
    }
}
