//! The relay as a process, and lines of a process with a deadline.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long the demo waits for anything: far more than it takes, so that a slow machine does not fail it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lines that a process may be ahead of the demo.
const LINES_AHEAD: usize = 64;

/// A process that ends with its handle.
pub(super) struct Process {
    pub(super) child: Child,
}

impl Process {
    /// Starts a program with its standard output piped.
    ///
    /// # Errors
    ///
    /// A sentence that names the program.
    pub(super) fn start(command: &mut Command) -> Result<(Self, Lines), String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.stdout(Stdio::piped()).spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
        let stdout = child.stdout.take().ok_or_else(|| format!("{program} has no output"))?;
        Ok((Self { child }, Lines::read(stdout)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a process, read in the background so that waiting for one can have a deadline.
pub(super) struct Lines {
    lines: Receiver<String>,
}

impl Lines {
    fn read(output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = sync_channel(LINES_AHEAD);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { lines }
    }

    /// The next line. `what` says what it is waited for.
    ///
    /// # Errors
    ///
    /// A sentence, if the process ended or says nothing.
    pub(super) fn next(&self, what: &str) -> Result<String, String> {
        self.lines.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("{what}: nothing came within {} s", PATIENCE.as_secs()),
            RecvTimeoutError::Disconnected => format!("{what}: the process has ended"),
        })
    }
}

/// The CommServer.
pub(super) struct Relay {
    process: Process,
    url: String,
}

impl Relay {
    /// Starts the relay on a free port of loopback; its log goes into a file.
    ///
    /// # Errors
    ///
    /// A sentence that says where the log is.
    pub(super) fn start(program: &Path, log: &Path) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("{} cannot be written: {error}", log.display());
        fs::create_dir_all(log.parent().unwrap_or(log)).map_err(problem)?;
        let log_file = File::create(log).map_err(problem)?;
        let (process, lines) = Process::start(
            Command::new(program).args(["--listen", "127.0.0.1:0", "--ops-listen", "off"]).stdin(Stdio::null()).stderr(log_file),
        )?;
        let line = lines.next("the relay's address").map_err(|error| format!("{error}; see {}", log.display()))?;
        let url = line.split_whitespace().find(|word| word.starts_with("ws://"));
        let url = url.ok_or_else(|| format!("the relay said {line:?} instead of its address"))?.to_owned();
        Ok(Self { process, url })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// Asks the relay to drain and end.
    ///
    /// # Errors
    ///
    /// If it does not end well.
    pub(super) fn stop(mut self) -> Result<(), String> {
        // Where there are no signals, the relay is ended when this handle is.
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        let status = self.process.child.wait().map_err(|error| format!("the relay cannot be waited for: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the relay ended with {status}")) }
    }

    /// Lets the relay live on.
    pub(super) fn leave(self) {
        std::mem::forget(self.process);
    }
}
