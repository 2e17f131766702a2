//! Whether a store is whole.

mod finding;
mod objects;
mod roots;

pub use self::finding::{Finding, Report};
use crate::error::Error;
use crate::progress::{Progress, Step};
use crate::store::Store;
use crate::view::View;

/// Rows, and pieces of BLOBs, between two reports of progress.
const BATCH: u64 = 512;

/// A check under way.
struct Check<'a, P> {
    view: &'a View<'a>,
    report: Report,
    progress: P,
}

impl Store {
    /// Checks everything: the file (SQLite's own check), the hash of every object, id object, BLOB and CLOB, whether everything
    /// is there that an object refers to, and what the smaller tables point at.
    ///
    /// It reads one state, so others can go on; the log grows as long as it runs. Of its memory, the findings are bounded
    /// ([`Report::MOST`]) and the rest is small.
    ///
    /// # Errors
    ///
    /// If the check could not be made. What it finds is no error.
    pub fn check(&self, progress: impl FnMut(Progress)) -> Result<Report, Error> {
        self.read(|view| {
            let mut check = Check { view, report: Report::default(), progress };
            match check.all() {
                // Some damage ends the reading itself.
                Err(Error::Corrupt(what)) => check.report.add(Finding::Database(what)),
                other => other?,
            }
            Ok(check.report)
        })
    }
}

impl<P: FnMut(Progress)> Check<'_, P> {
    fn all(&mut self) -> Result<(), Error> {
        self.database()?;
        self.objects()?;
        self.id_objects()?;
        self.blobs()?;
        self.roots()
    }

    fn database(&mut self) -> Result<(), Error> {
        self.tell(Step::Database, 0, 1);
        let mut statement = self.view.connection.prepare("PRAGMA integrity_check(100)")?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        for line in lines {
            let line = line?;
            if line != "ok" {
                self.report.add(Finding::Database(line));
            }
        }
        self.tell(Step::Database, 1, 1);
        Ok(())
    }

    fn tell(&mut self, step: Step, done: u64, of: u64) {
        (self.progress)(Progress { step, done, of: of.max(done) });
    }
}
