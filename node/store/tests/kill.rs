//! A process that is killed at any moment loses nothing that it has acknowledged and leaves nothing half-written.
//!
//! This program starts itself again as a child, which stores one step after another (BLOBs, objects, a new current version,
//! transactions that fail, garbage that is removed by a second thread) and says so on standard output after each. The parent kills
//! it with SIGKILL: in every other round at a moment drawn by lot, which may come before the database exists, otherwise at once
//! after a number of steps drawn by lot. Then it opens the store and looks. What a step stores follows from its number alone, so
//! the parent knows all of it.
//!
//! A killed process loses nothing that the kernel has; that the disk has it too is left to SQLite (synchronous = FULL).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use common::{Folder, bytes, id, node, object, person};
use ratatosk_objects::{Microdata, Reference};
use ratatosk_store::{Error, SettingKey, Store};
use sha2::{Digest, Sha256};

/// How many are killed.
const KILLS: u64 = 300;

/// After how many kills a new store is begun, so that looking at everything stays short.
const KILLS_OF_A_STORE: u64 = 20;

/// After which time no more are killed, on a machine that is too busy for all of them.
const ENOUGH: Duration = Duration::from_secs(35);

/// The fewest kills that are a result.
const AT_LEAST: u64 = 100;

/// The number of the last step of a store.
const LAST: SettingKey<i64> = SettingKey::new("last step");

/// Every so many steps there is a BLOB, a transaction that fails, and a call for the garbage to be removed.
const BLOB_EVERY: i64 = 3;
const FAIL_EVERY: i64 = 4;
const GARBAGE_EVERY: i64 = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["child", folder] => child(Path::new(folder)),
        ["--list", ..] => println!("kill: test"),
        _ => parent(),
    }
}

/// What the step with this number stores.
struct Stage {
    /// Bytes that are stored before, with some of the steps.
    blob: Option<Vec<u8>>,
    /// Things that the entry refers to.
    things: Vec<Microdata>,
    /// Refers to the one of the step before, to the things and to the BLOB; its version node becomes the current one.
    entry: Microdata,
    node: Microdata,
}

impl Stage {
    fn new(number: i64, previous: Option<Reference>) -> Self {
        let seed = number.unsigned_abs();
        let blob = (number % BLOB_EVERY == 0).then(|| bytes(blob_length(seed), seed));
        let things: Vec<_> = (0..number % 7).map(|part| object(&format!("thing {part} of {number}"), &[])).collect();
        let hash = blob
            .as_ref()
            .map(|blob| Reference::Blob(ratatosk_objects::BlobHash::from_bytes(Sha256::digest(blob).into())));
        let references: Vec<_> =
            previous.into_iter().chain(things.iter().map(|thing| thing.hash().into())).chain(hash).collect();
        let entry =
            object(&format!("entry {number} {}", "x".repeat(usize::try_from(number % 5000).unwrap())), &references);
        let node = node(entry.hash(), seed);
        Self { blob, things, entry, node }
    }

    fn reference(&self) -> Reference {
        self.entry.hash().into()
    }
}

/// From nothing to more than two batches of pieces.
fn blob_length(seed: u64) -> usize {
    [0, 1, 65_536, 300_000, 1 << 20, (2 << 20) + 70_000][usize::try_from(seed / 3 % 6).unwrap()]
}

/// Stores steps until it is killed.
fn child(folder: &Path) {
    let store = Store::open(folder).unwrap();
    let mut last = store.read(|view| view.setting(&LAST)).unwrap().unwrap_or(0);
    let mut previous = current(&store);
    let (garbage, calls) = sync_channel::<()>(1);
    let collector = store.clone();
    thread::spawn(move || {
        for () in calls {
            match collector.remove_garbage(|_| {}) {
                Ok(_) | Err(Error::Held) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    loop {
        last += 1;
        let stage = Stage::new(last, previous);
        let hold = store.hold();
        if let Some(blob) = &stage.blob {
            let mut writer = store.write_blob(u64::MAX);
            writer.push(blob).unwrap();
            writer.finish(None).unwrap();
        }
        store
            .transaction(|tx| {
                for thing in &stage.things {
                    tx.put(thing)?;
                }
                tx.put_id(&person("ada").1)?;
                tx.put(&stage.entry)?;
                tx.put(&stage.node)?;
                tx.set_current(id("ada"), stage.node.hash())?;
                tx.set_setting(&LAST, &last)
            })
            .unwrap();
        drop(hold);
        // A line is one write, and is the parent's as soon as it is made.
        std::io::stdout().write_all(format!("{last}\n").as_bytes()).unwrap();
        if last % FAIL_EVERY == 0 {
            let failed: Result<(), Error> = store.transaction(|tx| {
                tx.put(&object("of a transaction that fails", &[]))?;
                tx.set_setting(&LAST, &-1)?;
                Err(Error::Held)
            });
            assert!(failed.is_err());
        }
        if last % GARBAGE_EVERY == 0 {
            let _ = garbage.try_send(());
        }
        previous = Some(stage.reference());
    }
}

/// The entry of the last step.
fn current(store: &Store) -> Option<Reference> {
    store
        .read(|view| {
            let node = view.current(&id("ada"))?.map(|node| view.object(&node)).transpose()?.flatten();
            Ok::<_, Error>(node.and_then(|node| node.references().first().copied()))
        })
        .unwrap()
}

fn parent() {
    let began = Instant::now();
    let (mut kills, mut steps, mut lot) = (0, 0, Lot(7));
    while kills < KILLS && began.elapsed() < ENOUGH {
        let folder = Folder::new();
        let mut seen = Seen::default();
        for _ in 0..KILLS_OF_A_STORE {
            let acknowledged = run_and_kill(folder.path(), &mut lot, kills % 2 == 0).unwrap_or(seen.last);
            seen.look(folder.path(), acknowledged);
            kills += 1;
        }
        steps += seen.last;
    }
    assert!(kills >= AT_LEAST, "only {kills} kills in {:?}", began.elapsed());
    assert!(steps > 0, "nobody lived long enough to acknowledge anything");
    println!("test kill ... ok: {kills} kills, {steps} steps, {:?}", began.elapsed());
}

/// Runs a child for a while. Gives the last step that it acknowledged.
fn run_and_kill(folder: &Path, lot: &mut Lot, by_time: bool) -> Option<i64> {
    let mut child =
        Command::new(std::env::current_exe().unwrap()).arg("child").arg(folder).stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    let (lines, said) = sync_channel(1024);
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            lines.send(line.parse::<i64>().unwrap()).unwrap();
        }
    });
    let mut last = if by_time {
        wait_for(&said, Instant::now() + Duration::from_micros(lot.below(60_000)))
    } else {
        let steps = 1 + lot.below(6);
        (0..steps).map_while(|_| said.recv().ok()).last()
    };
    kill(&mut child);
    // What it said before it died counts.
    last = said.iter().last().or(last);
    reader.join().unwrap();
    last
}

/// Takes what is said until a moment comes. Gives the last of it.
fn wait_for(said: &Receiver<i64>, moment: Instant) -> Option<i64> {
    let mut last = None;
    loop {
        match said.recv_timeout(moment.saturating_duration_since(Instant::now())) {
            Ok(step) => last = Some(step),
            Err(RecvTimeoutError::Timeout) => return last,
            Err(RecvTimeoutError::Disconnected) => panic!("the child ended by itself"),
        }
    }
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the child ended by itself: {status}");
}

/// How far a store was looked at.
#[derive(Default)]
struct Seen {
    last: i64,
    entry: Option<Reference>,
}

impl Seen {
    /// Everything acknowledged is there, and nothing is half there.
    fn look(&mut self, folder: &Path, acknowledged: i64) {
        let store = Store::open(folder).unwrap();
        let last = store.read(|view| view.setting(&LAST)).unwrap().unwrap_or(0);
        // One more may be done and not have been said.
        assert!(last == acknowledged || last == acknowledged + 1, "{acknowledged} acknowledged, {last} there");
        assert!(last >= self.last);
        for number in self.last + 1..=last {
            let stage = Stage::new(number, self.entry);
            self.entry = Some(stage.reference());
        }
        self.last = last;
        assert_eq!(current(&store), self.entry);
        // Each entry and BLOB is reached from the current one, so the check looks at every one of them.
        let report = store.check(|_| {}).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!(report.versions, u64::from(last > 0));
        let nothing = object("of a transaction that fails", &[]);
        assert!(!store.read(|view| view.contains(&nothing.hash().into())).unwrap());
        // With the garbage gone, exactly what the steps stored is left.
        store.remove_garbage(|_| {}).unwrap();
        let report = store.check(|_| {}).unwrap();
        let things: i64 = (1..=last).map(|number| number % 7).sum();
        let expected = things + last + i64::from(last > 0);
        assert_eq!((report.objects, report.findings.len()), (expected.unsigned_abs(), 0), "after {last} steps");
        let distinct = (1..=last / BLOB_EVERY).map(|third| blob_length((third * BLOB_EVERY).unsigned_abs()));
        let (empty, full): (Vec<_>, Vec<_>) = distinct.partition(|length| *length == 0);
        let small = full.iter().filter(|length| **length == 1).count();
        assert!(report.blobs >= (full.len() - small + usize::from(!empty.is_empty())) as u64, "{} BLOBs", report.blobs);
    }
}

/// Numbers drawn by lot, the same in every run.
struct Lot(u64);

impl Lot {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
