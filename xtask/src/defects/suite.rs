//! The sound suite against a program that may be broken.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::list::Program;
use crate::demo::Relay;

/// Where programs were built.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Those of a target directory.
    pub(super) fn of(target: &Path) -> Self {
        Self(target.join("debug"))
    }

    fn get(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// What the suite says: the scenarios that did not come as they should, of those whose ids begin with `only`.
///
/// # Errors
///
/// A sentence, if the suite could not do its work.
pub(super) fn run(
    program: Program,
    only: &str,
    sound: &Programs,
    suspect: &Programs,
    logs: &Path,
) -> Result<Vec<String>, String> {
    let mut suite = Command::new(sound.get("conformance"));
    match program {
        Program::Relay => {
            let relay = Relay::start(&suspect.get("commserver"), &logs.join("relay.log"), &[])?;
            // Timers that a suite can wait for.
            let short = ["--ping-interval-ms", "300", "--pong-timeout-ms", "800", "--handshake-timeout-ms", "3000"];
            let impatient = Relay::start(&suspect.get("commserver"), &logs.join("impatient.log"), &short)?;
            suite.args([
                "server",
                "--implementation",
                "ratatosk",
                "--url",
                relay.url(),
                "--short-ping-url",
                impatient.url(),
            ]);
            said(suite.args(["--only", only]))
        }
        Program::Peer => {
            let peer = |programs: &Programs| format!("{} peer --plugins native", programs.get("ratatosk").display());
            let relay = Relay::start(&sound.get("commserver"), &logs.join("relay.log"), &[])?;
            suite.args(["peer", "--no-persons", "--via", relay.url(), "--name-a", "ratatosk", "--name-b", "ratatosk"]);
            suite.args(["--a", &peer(suspect), "--b", &peer(sound)]);
            said(suite.args(["--only", only]))
        }
        Program::Codec => {
            let codec = format!("{} vectors --serve", suspect.get("conformance").display());
            suite.args(["vectors", "--codec", &codec]);
            said(suite.args(["--only", only]))
        }
    }
}

/// Runs a suite: the ids of what came otherwise than is known.
fn said(suite: &mut Command) -> Result<Vec<String>, String> {
    let output =
        suite.stdin(Stdio::null()).output().map_err(|error| format!("the suite cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(Vec::new()),
        Some(1) => {
            let ids: Vec<_> = text.lines().filter_map(marked).map(str::to_owned).collect();
            if ids.is_empty() {
                return Err(format!("the suite failed without saying where:\n{text}"));
            }
            Ok(ids)
        }
        _ => Err(format!("the suite could not work: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// The id in a line such as `  7/152 ! fails   12 ms  d/001  …`.
fn marked(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "!").skip(1);
    words.find(|word| word.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_lines_have_ids() {
        assert_eq!(marked("  7/152 ! fails             12 ms  d/001   title"), Some("d/001"));
        assert_eq!(marked("  7/152   conforms          12 ms  d/001   title"), None);
        assert_eq!(marked("! deviates 3 ms  e/one/two  t"), Some("e/one/two"));
    }
}
