//! One run of the suite, with the CommServers that it needs.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::plan::{CODEC, Cell};
use super::{present, results};
use crate::demo::Relay;

/// How often a run says how far it is.
const EVERY: Duration = Duration::from_secs(10);

/// Timers that a suite can wait for.
const SHORT: [&str; 4] = ["--ping-interval-ms", "300", "--pong-timeout-ms", "800"];

/// Where everything is, and how it is run.
pub(super) struct Place {
    /// The programs that are measured.
    pub(super) programs: PathBuf,
    /// The adapters of peers.
    pub(super) adapters: PathBuf,
    /// Where reports and logs go.
    pub(super) out: PathBuf,
    pub(super) quick: bool,
    /// How long something that is due may take, in seconds.
    pub(super) patience: u32,
}

impl Place {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Runs the suite for a cell; whether everything came as it is known.
    ///
    /// # Errors
    ///
    /// A sentence, if nothing could be tried.
    pub(super) fn measure(&self, cell: Cell) -> Result<bool, String> {
        let mut command = Command::new(self.program("conformance"));
        command.arg(cell.suite()).args(["--patience", &self.patience.to_string()]);
        if self.quick {
            command.args(["--only", cell.quick()]);
        }
        command.arg("--report").arg(results::path(&self.out, cell));
        for name in cell.subjects() {
            command.args(["--subject", name, "--subject-version", &present::version(name)]);
        }
        // They end with this function.
        let mut servers = Vec::new();
        match cell {
            Cell::Server(name) => {
                let relay = self.server(name, "", &[])?;
                let impatient = self.server(name, "-short", &SHORT)?;
                command.args(["--url", relay.url(), "--short-ping-url", impatient.url()]);
                command.args(["--stop-command", &format!("kill {}", relay.id()), "--implementation", name]);
                servers.extend([relay, impatient]);
            }
            Cell::Codec => {
                let codec = format!("'{}' vectors --serve", self.program("conformance").display());
                command.args(["--codec", &codec, "--implementation", CODEC]);
            }
            Cell::Hostile(name) => {
                command.args(["--a", name, "--peers"]).arg(&self.adapters);
            }
            Cell::Pair(a, b) => {
                command.args(["--a", a, "--b", b, "--no-hostile", "--peers"]).arg(&self.adapters);
            }
        }
        self.watch(&mut command, cell)
    }

    /// A CommServer of its own.
    fn server(&self, name: &str, what: &str, timers: &[&str]) -> Result<Relay, String> {
        let log = self.out.join("logs").join(format!("commserver-{name}{what}.log"));
        if name == "reference" {
            let mut command = Command::new("node");
            command.arg(self.adapters.join("reference/server.js")).args(["--listen", "127.0.0.1:0"]).args(timers);
            return Relay::launch(command, &log);
        }
        let own: &[&str] =
            if timers.is_empty() { &["--drain-timeout-ms", "500"] } else { &["--handshake-timeout-ms", "3000"] };
        Relay::start(&self.program("commserver"), &log, &[timers, own].concat())
    }

    /// Shows of a run how far it is and what is not as known; the rest is in its log.
    fn watch(&self, command: &mut Command, cell: Cell) -> Result<bool, String> {
        let path = self.out.join("logs").join(format!("{}.log", cell.file()));
        let problem = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut log = File::create(&path).map_err(problem)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("the suite cannot be started: {error}"))?;
        let (mut said, mut shown) = (Instant::now(), false);
        for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
            let line = line.map_err(|error| format!("the suite cannot be read: {error}"))?;
            writeln!(log, "{line}").map_err(problem)?;
            if let Some((progress, surprising)) = step(&line) {
                shown = surprising;
                if !surprising && said.elapsed() > EVERY {
                    said = Instant::now();
                    println!("   {progress}");
                }
            } else if !line.starts_with(' ') {
                shown = false;
            }
            if shown {
                println!("   {line}");
            }
        }
        let status = child.wait().map_err(|error| format!("the suite cannot be waited for: {error}"))?;
        match status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(format!("nothing could be tried ({status})")),
        }
    }
}

/// How far a run is in front of a line such as `  7/152 ! fails   12 ms  d/001  title`, and whether that is not as known.
fn step(line: &str) -> Option<(&str, bool)> {
    let line = line.trim_start();
    let (progress, rest) = line.split_once(' ')?;
    let (done, all) = progress.split_once('/')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(done) && number(all)).then(|| (progress, rest.starts_with('!')))
}

/// Copies programs, so that whoever builds meanwhile does not change what is measured.
///
/// # Errors
///
/// A sentence that names the file.
pub(super) fn set_aside(from: &Path, to: &Path, names: &[&str]) -> Result<(), String> {
    for name in names {
        let (source, copy) = (from.join(name), to.join(name));
        // It may be a program that still runs.
        let _ = std::fs::remove_file(&copy);
        std::fs::copy(&source, &copy).map_err(|error| format!("{}: {error}", source.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_from_what_is_said_about_it() {
        assert_eq!(step("  7/152   conforms   12 ms  d/001  title"), Some(("7/152", false)));
        assert_eq!(step("  7/152 ! fails      12 ms  d/001  title"), Some(("7/152", true)));
        assert_eq!(step("                   a: expected close 1000"), None);
        assert_eq!(step("a/b c"), None);
        assert_eq!(step(""), None);
    }
}
