//! Marking what is reached.

use std::sync::MutexGuard;

use super::rows::ROOT_TABLES;
use super::{BATCH, Garbage, Marks, Table};
use crate::error::Error;
use crate::progress::{Progress, Step};
use crate::store::{Store, Writer};
use crate::view::View;

/// One search for garbage. While there is one, transactions mark what they touch.
pub(super) struct Marking<'a> {
    pub(super) store: &'a Store,
    /// One search at a time.
    _turn: MutexGuard<'a, ()>,
}

impl Drop for Marking<'_> {
    fn drop(&mut self) {
        self.store.writer().marks = None;
    }
}

impl<'a> Marking<'a> {
    /// From here on transactions mark. What is read below is this state or a later one.
    pub(super) fn begin(store: &'a Store) -> Self {
        let turn = store.garbage_turn();
        store.writer().marks = Some(Marks::default());
        Self { store, _turn: turn }
    }

    /// Marks everything that is reached now.
    pub(super) fn mark(&self, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        self.mark_roots()?;
        let of = self
            .store
            .read(|view| Ok::<_, Error>(view.greatest(Table::Objects)? + view.greatest(Table::IdObjects)?))?;
        let mut done = 0;
        loop {
            let followed = self.follow_some()?;
            if followed == 0 {
                return Ok(());
            }
            done += followed;
            progress(Progress { step: Step::Mark, done, of: of.max(done) });
        }
    }

    /// Follows the references of some rows that wait for it. What a transaction has written since it has marked itself.
    fn follow_some(&self) -> Result<u64, Error> {
        let (mut followed, mut missing) = (0, Vec::new());
        self.store.read(|view| {
            while followed < BATCH as u64 {
                let Some(taken) = self.take() else { break };
                followed += 1;
                if !self.follow(view, taken)? {
                    missing.push(taken);
                }
            }
            Ok::<_, Error>(())
        })?;
        // Younger than the state that was read; or never committed.
        for taken in missing {
            self.follow_one(taken)?;
        }
        Ok(followed)
    }

    fn take(&self) -> Option<(Table, i64)> {
        with_marks(&mut self.store.writer(), Marks::take)
    }

    /// Follows the references of one row, as they are now.
    pub(super) fn follow_one(&self, taken: (Table, i64)) -> Result<(), Error> {
        self.store.read(|view| self.follow(view, taken)).map(drop)
    }

    /// Gives whether there is such a row.
    fn follow(&self, view: &View<'_>, (table, number): (Table, i64)) -> Result<bool, Error> {
        let Some(microdata) = view.numbered(table, number)? else { return Ok(false) };
        let mut reached = Vec::new();
        for reference in microdata.references() {
            reached.extend(view.number(&reference)?);
        }
        self.reach(&reached);
        Ok(true)
    }

    fn reach(&self, reached: &[(Table, i64)]) {
        with_marks(&mut self.store.writer(), |marks| {
            for (table, number) in reached {
                marks.reach(*table, *number);
            }
        });
    }

    fn mark_roots(&self) -> Result<(), Error> {
        for table in 0..ROOT_TABLES {
            let mut after = Vec::new();
            loop {
                let (next, reached) = self.store.read(|view| view.roots_after(table, &after))?;
                self.reach(&reached);
                let Some(next) = next else { break };
                after = next;
            }
        }
        Ok(())
    }

    /// Counts what has no mark.
    pub(super) fn count(&self, progress: &mut impl FnMut(Progress)) -> Result<Garbage, Error> {
        let mut garbage = Garbage::default();
        for table in Table::ALL {
            let of = self.store.read(|view| view.greatest(table))?;
            let mut after = 0;
            loop {
                let mut page = self.store.read(|view| view.sizes(table, after))?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                with_marks(&mut self.store.writer(), |marks| {
                    page.retain(|(number, _)| !marks.is_reached(table, *number));
                });
                page.iter().for_each(|(_, bytes)| garbage.add(table, *bytes));
                let done = after.unsigned_abs();
                progress(Progress { step: Step::Sweep, done, of: of.max(done) });
            }
        }
        Ok(garbage)
    }
}

/// Marks exist as long as a [`Marking`].
pub(super) fn with_marks<T: Default>(writer: &mut Writer, work: impl FnOnce(&mut Marks) -> T) -> T {
    writer.marks.as_mut().map(work).unwrap_or_default()
}
