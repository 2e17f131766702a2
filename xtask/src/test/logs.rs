//! What the relay has logged in the course of a whole test run, searched for what no log may hold.
//!
//! The tests write logs where the variable [`VARIABLE`] says (`relay/tests/common/log.rs`): everything that a relay has
//! to say at any level.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Names the folder to the tests.
pub(super) const VARIABLE: &str = "RATATOSK_TEST_LOGS";

/// Half a key. A fingerprint has 8 digits, and nothing else in a log has many.
const DIGITS: usize = 32;

/// Parts of the secrets, tokens and messages of the tests, and what only whole messages contain.
const WORDS: &[&str] = &[
    // The secret keys of the tests, as `Debug` shows bytes.
    "9, 9, 9, 9, 9, 9, 9, 9",
    "PRIVATE KEY",
    "\"challenge\"",
    "publicKey\"",
    "Bearer ",
    "private matter",
    "private reason",
];

/// What was found in all the logs.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// How many lines there are.
    pub(super) lines: u64,
    /// Where something stands that should not, and why; not the line itself.
    pub(super) findings: Vec<String>,
}

/// An empty folder for the logs of a run.
///
/// # Errors
///
/// If it cannot be made.
pub(super) fn prepare(root: &Path) -> io::Result<PathBuf> {
    let folder = root.join("target").join("test-logs");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Reads all logs in `folder`.
///
/// # Errors
///
/// If one of them cannot be read.
pub(super) fn search(folder: &Path) -> io::Result<Search> {
    let mut search = Search::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        for (number, line) in BufReader::new(File::open(&path)?).split(b'\n').enumerate() {
            let line = line?;
            search.lines += 1;
            if let Some(what) = secret(&String::from_utf8_lossy(&line)) {
                search.findings.push(format!("{}:{}: {what}", path.display(), number + 1));
            }
        }
    }
    Ok(search)
}

/// What a line holds that it should not.
fn secret(line: &str) -> Option<String> {
    if let Some(word) = WORDS.iter().find(|word| line.contains(**word)) {
        return Some(format!("{word:?}"));
    }
    let digits = line.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap_or(0);
    (digits >= DIGITS).then(|| format!("{digits} hexadecimal digits, as of a key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

    #[test]
    fn a_key_is_found_whole_or_half_in_any_case() {
        for key in [KEY.to_owned(), KEY.to_uppercase(), KEY[..32].to_owned(), format!("0x{KEY}")] {
            let line = format!("2026-01-01T00:00:00Z DEBUG ratatosk_relay::conn::spare: registered conn=5 key={key:?}");
            assert!(secret(&line).is_some(), "{line}");
        }
        let line =
            r#"{"timestamp":"2026-01-01T00:00:00Z","level":"DEBUG","fields":{"message":"registered","key":"KEY"}}"#;
        assert!(secret(&line.replace("KEY", KEY)).is_some());
        assert!(secret("secret=[9, 1, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9]").is_some());
        assert!(secret(r#"received {"command":"register","publicKey":"x"}"#).is_some());
    }

    #[test]
    fn an_ordinary_line_is_in_order() {
        for line in [
            "",
            r#"2026-11-21T12:26:12.403833Z DEBUG ratatosk_relay::conn::spare: registered conn=1 key="25dbfe91""#,
            "2026-11-21T12:26:12.402744Z  INFO commserver: listening address=127.0.0.1:37783",
            "2026-11-21T12:26:32.106978Z DEBUG ratatosk_relay::conn: closing conn=14 cause=\"shutdown\"",
        ] {
            assert_eq!(secret(line), None, "{line}");
        }
    }

    #[test]
    fn a_log_with_a_key_is_named_with_its_line() {
        let root = std::env::temp_dir().join(format!("xtask-logs-{}", std::process::id()));
        let folder = prepare(&root).unwrap();
        fs::write(folder.join("a.log"), "good\n").unwrap();
        fs::write(folder.join("b.log"), format!("good\nkey={KEY}\n")).unwrap();
        let search = search(&folder).unwrap();
        // What a run before has left does not count.
        let again = prepare(&root).unwrap();
        assert_eq!(fs::read_dir(again).unwrap().count(), 0);
        fs::remove_dir_all(root).unwrap();
        assert_eq!((search.lines, search.findings.len()), (3, 1));
        assert!(search.findings[0].ends_with("b.log:2: 64 hexadecimal digits, as of a key"), "{:?}", search.findings);
        assert!(!search.findings[0].contains(KEY), "the finding is not a leak of its own");
    }
}
