//! The handle: one connection that writes, some that read.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::Error;
use crate::garbage::Marks;
use crate::lock::Lock;
use crate::transaction::Transaction;
use crate::view::View;
use crate::{blob, open};

/// How many connections that read are kept when nobody reads. More are opened while more read at the same time.
const SPARE_READERS: usize = 4;

/// An open store. A clone is another handle to the same one; the folder is free again when the last one is dropped.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("ratatosk-store-doc-{}", std::process::id()));
/// use ratatosk_objects::{Limits, Microdata};
/// use ratatosk_store::{Error, Store};
///
/// let store = Store::open(&folder)?;
/// let text = r#"<div itemscope itemtype="//refin.io/PersonName"><span itemprop="name">Ada</span></div>"#;
/// let name = Microdata::check(text, &Limits::DEFAULT)?;
/// let hash = store.transaction(|tx| tx.put(&name))?;
/// assert_eq!(store.read(|view| view.object(&hash))?, Some(name));
/// # drop(store);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Fields are dropped in this order: connections before the lock.
#[derive(Debug)]
struct Inner {
    /// Whose turn with the writer is next: see [`Store::writer`].
    next: Mutex<()>,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    holds: AtomicUsize,
    garbage: Mutex<()>,
    folder: PathBuf,
    _lock: Lock,
}

/// What there is once, under its lock.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// While garbage is looked for.
    pub(crate) marks: Option<Marks>,
    /// Whether a commit waits for the disk.
    is_durable: bool,
}

impl Writer {
    /// Says whether commits from here on wait for the disk. With a write-ahead log, one that waits makes durable what came before
    /// as well, so order is kept either way.
    pub(crate) fn set_durable(&mut self, is_durable: bool) -> Result<(), Error> {
        if self.is_durable != is_durable {
            self.connection.pragma_update(None, "synchronous", if is_durable { "FULL" } else { "NORMAL" })?;
            self.is_durable = is_durable;
        }
        Ok(())
    }
}

impl Store {
    /// Opens the store in a folder, or creates both. What an ended process left unfinished is removed.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`], [`Error::Newer`], [`Error::Foreign`], [`Error::Io`], or the database's.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref().to_owned();
        open::folder(&folder)?;
        let lock = Lock::take(&folder)?;
        let writer = open::writer(&folder)?;
        let inner = Inner {
            next: Mutex::default(),
            writer: Mutex::new(Writer { connection: writer, marks: None, is_durable: true }),
            readers: Mutex::default(),
            holds: AtomicUsize::new(0),
            garbage: Mutex::default(),
            folder,
            _lock: lock,
        };
        let store = Self { inner: Arc::new(inner) };
        blob::remove_unfinished(&store)?;
        Ok(store)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Reads one state of the store. Neither waits for a transaction nor makes one wait.
    ///
    /// # Errors
    ///
    /// What `work` gives, or the database's.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        let reader = Reader::take(self)?;
        // Never written to, so how it ends makes no difference.
        let snapshot = reader.connection()?.unchecked_transaction().map_err(Error::from)?;
        work(&View { connection: &snapshot })
    }

    /// Changes the store: everything that `work` does becomes visible and durable when this returns `Ok`, and nothing of it if
    /// `work` gives an error or panics. Waits for other transactions; within `work` there must be no other one.
    ///
    /// # Errors
    ///
    /// What `work` gives, or the database's. After [`Error::Full`] nothing was changed.
    pub fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transact(true, work)
    }

    /// A transaction that a power failure may take back with everything that comes after it, but not before a later one of
    /// [`transaction`](Self::transaction) is durable.
    pub(crate) fn quick_transaction<T>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transact(false, work)
    }

    fn transact<T, E: From<Error>>(
        &self,
        is_durable: bool,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer();
        writer.set_durable(is_durable)?;
        let Writer { connection, marks, .. } = &mut *writer;
        let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::from)?;
        let result = work(&mut Transaction { view: View { connection: &inner }, marks: marks.as_mut() })?;
        inner.commit().map_err(Error::from)?;
        Ok(result)
    }

    /// Keeps garbage from being removed until the hold is dropped. To be held by whoever stores in several transactions what is
    /// connected only by the last one (an import, an attachment before its message), or relies on what it saw stored before.
    #[must_use]
    pub fn hold(&self) -> Hold {
        // Under the writer's lock, in which garbage is removed: what is being removed is gone before a hold is there.
        let _writer = self.writer();
        self.inner.holds.fetch_add(1, Ordering::Relaxed);
        Hold { store: self.clone() }
    }

    /// Whether somebody has a hold. To be asked with the writer in hand, so that it stays true as long as that.
    pub(crate) fn is_held(&self) -> bool {
        self.inner.holds.load(Ordering::Relaxed) > 0
    }

    /// The writer. A panic within a transaction has rolled it back, so nothing is wrong with it afterwards.
    ///
    /// Whoever waits for it holds `next`, so who takes it again and again (a BLOB, garbage) lets others in between.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        let _next = self.inner.next.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to look for garbage.
    pub(crate) fn garbage_turn(&self) -> MutexGuard<'_, ()> {
        self.inner.garbage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Store::hold`].
#[derive(Debug)]
pub struct Hold {
    store: Store,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.store.inner.holds.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that reads, on loan.
struct Reader<'a> {
    store: &'a Store,
    connection: Option<Connection>,
}

impl<'a> Reader<'a> {
    fn take(store: &'a Store) -> Result<Self, Error> {
        let spare = store.readers().pop();
        let connection = match spare {
            Some(spare) => spare,
            None => open::reader(store.folder())?,
        };
        Ok(Self { store, connection: Some(connection) })
    }

    fn connection(&self) -> Result<&Connection, Error> {
        self.connection.as_ref().ok_or(Error::Gone)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut readers = self.store.readers();
        if let Some(connection) = self.connection.take()
            && readers.len() < SPARE_READERS
        {
            readers.push(connection);
        }
    }
}
