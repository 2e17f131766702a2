//! A large store: how long it takes to open, to check, and to look for garbage.

use std::fs;
use std::path::Path;
use std::time::Instant;

use ratatosk_benches::{Outcome, median, resident_kib};
use ratatosk_store::Store;

use crate::options::Options;
use crate::things::Things;

/// How often it is opened.
const OPENINGS: usize = 11;

/// Objects that are in the log only when the process is killed.
const IN_LOG: usize = 5_000;

/// A large store.
#[derive(Debug)]
pub(crate) struct Million {
    pub(crate) objects: usize,
    /// Milliseconds until a stored object was read, after an orderly end.
    pub(crate) open: f64,
    /// The same after the process was killed.
    pub(crate) open_killed: f64,
    /// Bytes of the log that was left.
    pub(crate) log: u64,
    /// Seconds for a whole check.
    pub(crate) check: f64,
    /// Seconds for looking for garbage.
    pub(crate) garbage: f64,
    /// MiB by which the process grew over all of that.
    pub(crate) memory: f64,
}

pub(crate) fn measure(options: &Options, scratch: &Path) -> Outcome<Million> {
    let (folder, killed) = (scratch.join("million"), scratch.join("killed"));
    let mut things = Things::from(1_u64 << 50);
    let store = Store::open(&folder)?;
    let mut last = None;
    let before = resident_kib("self")?;
    let mut put = |store: &Store, count: usize| -> Outcome<()> {
        for _ in 0..count.div_ceil(1000) {
            let batch = things.many(1000)?;
            store.transaction(|tx| batch.iter().try_for_each(|object| tx.put(object).map(drop)))?;
            last = batch.last().map(ratatosk_objects::Microdata::hash);
        }
        Ok(())
    };
    put(&store, options.million)?;
    drop(store);
    // Its files as they are while it is open: what a kill leaves.
    let store = Store::open(&folder)?;
    put(&store, IN_LOG)?;
    fs::create_dir_all(&killed)?;
    let mut log = 0;
    for name in ["store.db", "store.db-wal"] {
        log = fs::copy(folder.join(name), killed.join(name))?;
    }
    let last = last.ok_or("nothing was stored")?;
    store.transaction(|tx| tx.pin("bench", last.into()))?;
    drop(store);
    let open = |folder: &Path| -> Outcome<(f64, Store)> {
        let began = Instant::now();
        let store = Store::open(folder)?;
        let found = store.read(|view| view.object(&last))?;
        let milliseconds = began.elapsed().as_secs_f64() * 1e3;
        found.ok_or("what was stored is gone")?;
        Ok((milliseconds, store))
    };
    let (open_killed, store) = open(&killed)?;
    drop(store);
    let openings = (0..OPENINGS).map(|_| Ok(open(&folder)?.0)).collect::<Outcome<Vec<_>>>()?;
    let (_, store) = open(&folder)?;
    let began = Instant::now();
    let report = store.check(|_| {})?;
    let check = began.elapsed().as_secs_f64();
    if !report.is_sound() {
        return Err("the store is not whole".into());
    }
    let began = Instant::now();
    store.find_garbage(|_| {})?;
    let garbage = began.elapsed().as_secs_f64();
    let million = Million {
        objects: options.million,
        open: median(openings),
        open_killed,
        log,
        check,
        garbage,
        memory: (resident_kib("self")? - before) / 1024.0,
    };
    println!("{million:#?}");
    Ok(million)
}
