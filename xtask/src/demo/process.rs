//! The relay as a process, and lines of a process with a deadline.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

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

    /// Waits until the process has ended, and fails if it did not end well. What it still says is passed over.
    ///
    /// # Errors
    ///
    /// A sentence that names the process. If it does not end at all, it is killed.
    pub(super) fn end(mut self, name: &str, lines: &Lines) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        // The output ends when the process does; its status follows within an instant.
        let mut status = None;
        while lines.end_by(deadline) && status.is_none() && Instant::now() < deadline {
            status = self.child.try_wait().map_err(|error| format!("the {name} cannot be waited for: {error}"))?;
            thread::yield_now();
        }
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("the {name} ended with {status}")),
            None => Err(format!("the {name} did not end within {} s and was killed", PATIENCE.as_secs())),
        }
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

    /// Waits for the end of the output; whether it came in time.
    fn end_by(&self, deadline: Instant) -> bool {
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }
}

/// The CommServer.
pub(crate) struct Relay {
    process: Process,
    lines: Lines,
    url: String,
}

impl Relay {
    /// Starts the relay on a free port of loopback, with `more` arguments; its log goes into a file.
    ///
    /// # Errors
    ///
    /// A sentence that says where the log is.
    pub(crate) fn start(program: &Path, log: &Path, more: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--ops-listen", "off"]).args(more);
        // The demo shows the relay as it is, not as the caller's own relay is set up.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("COMMSERVER_")) {
                command.env_remove(name);
            }
        }
        Self::launch(command, log)
    }

    /// Starts any CommServer that says its URL in its first line; its log goes into a file.
    ///
    /// # Errors
    ///
    /// A sentence that says where the log is.
    pub(crate) fn launch(mut command: Command, log: &Path) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("{} cannot be written: {error}", log.display());
        fs::create_dir_all(log.parent().unwrap_or(log)).map_err(problem)?;
        let log_file = File::create(log).map_err(problem)?;
        command.stdin(Stdio::null()).stderr(log_file);
        let (process, lines) = Process::start(&mut command)?;
        let line = lines.next("the relay's address").map_err(|error| format!("{error}; see {}", log.display()))?;
        let url = line.split_whitespace().find(|word| word.starts_with("ws://"));
        let url = url.ok_or_else(|| format!("the relay said {line:?} instead of its address"))?.to_owned();
        Ok(Self { process, lines, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// Asks the relay to drain and end.
    ///
    /// # Errors
    ///
    /// If it does not end well.
    pub(super) fn stop(self) -> Result<(), String> {
        // Where there are no signals, the relay is ended when this handle is.
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        self.process.end("relay", &self.lines)
    }

    /// Lets the relay live on.
    pub(super) fn leave(self) {
        std::mem::forget(self.process);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Process, Lines) {
        Process::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn the_end_of_a_process_is_waited_for_and_judged() {
        let (process, lines) = shell("echo one; echo two");
        assert_eq!(process.end("program", &lines), Ok(()));
        let (process, lines) = shell("exit 3");
        assert!(process.end("program", &lines).unwrap_err().starts_with("the program ended with"));
    }

    #[test]
    fn more_lines_than_may_wait_do_not_hold_up_the_end() {
        let (process, lines) = shell("i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i + 1)); done");
        assert_eq!(lines.next("the first line").unwrap(), "0");
        assert_eq!(process.end("program", &lines), Ok(()));
    }

    #[test]
    fn an_output_that_does_not_end_is_not_waited_for_for_ever() {
        let (mut process, lines) = shell("exec sleep 60");
        assert!(!lines.end_by(Instant::now() + Duration::from_millis(50)));
        process.child.kill().unwrap();
        assert!(lines.end_by(Instant::now() + PATIENCE));
    }
}
