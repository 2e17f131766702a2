//! Where the log of a test goes, when all logs of a test run are wanted: `cargo xtask test` searches them for what no log
//! may hold.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::LevelFilter;

/// The folder, if they are wanted.
const VARIABLE: &str = "RATATOSK_TEST_LOGS";

pub fn is_wanted() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A new file in the folder.
fn file() -> Option<File> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder: OsString = std::env::var_os(VARIABLE)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(folder).join(format!("{}-{number}.log", std::process::id()));
    Some(File::create_new(path).unwrap())
}

/// Keeps what relays in this process have to say, all of it, unless the test has a subscriber of its own.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Some(file) = file() {
            let lines = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
            let _ = tracing::subscriber::set_global_default(lines.with_writer(Mutex::new(file)).finish());
        }
    });
}

/// Keeps what a program has to say, unless the test sets its standard error later to have it for itself.
pub fn keep_of(command: &mut Command) {
    if let Some(file) = file() {
        command.stderr(Stdio::from(file)).env("COMMSERVER_LOG", "trace");
    }
}
