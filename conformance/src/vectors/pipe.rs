//! A codec in another process: one JSON object a line to its standard input, one back from its standard output.
//!
//! The process is hostile until it has answered: every line is bounded, every answer has a deadline, and a process that
//! ends, hangs or says something else is started again for the next case, a bounded number of times.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Runtime;

use super::surrogates::mended;
use super::{Codec, CodecError, MAX_LINE};

/// How often a process may be started in one run.
const MAX_STARTS: usize = 20;
/// How long it has to leave when its input ends.
const LEAVE: Duration = Duration::from_secs(2);

/// A process as a [`Codec`]. It must not be used by a task, because it waits.
pub struct Pipe {
    command: String,
    patience: Duration,
    runtime: Runtime,
    process: Result<Process, CodecError>,
    starts: usize,
}

/// A process that runs, and its two ends.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Pipe {
    /// Starts a shell command, and waits until it has answered to its first line.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if it does not.
    pub fn start(command: &str, patience: Duration) -> Result<Self, CodecError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("no runtime"))?;
        let none = Err(CodecError("not started".to_owned()));
        let mut pipe = Self { command: command.to_owned(), patience, runtime, process: none, starts: 0 };
        pipe.reset();
        match &pipe.process {
            Ok(_) => Ok(pipe),
            Err(error) => Err(error.clone()),
        }
    }

    /// Sends a line and waits for one; a process that fails at it is ended.
    fn ask(&mut self, op: &Value) -> Result<Value, CodecError> {
        let process = self.process.as_mut().map_err(|error| error.clone())?;
        let patience = self.patience;
        let asked = self.runtime.block_on(async {
            match tokio::time::timeout(patience, process.ask(op)).await {
                Ok(answer) => answer,
                Err(_) => Err(CodecError(format!("no answer within {patience:?}"))),
            }
        });
        match asked {
            Ok(answer) => Ok(answer),
            Err(error) => {
                // Dropping it ends it.
                self.process = Err(error.clone());
                Err(error)
            }
        }
    }

    fn restart(&mut self) {
        if self.starts == MAX_STARTS {
            self.process = Err(CodecError(format!("started {MAX_STARTS} times; not once more")));
            return;
        }
        self.starts += 1;
        // The runtime has to be there for the pipes.
        let _entered = self.runtime.enter();
        self.process = Process::start(&self.command).map_err(failed("it does not start"));
    }
}

impl Codec for Pipe {
    fn reset(&mut self) {
        if self.process.is_err() {
            self.restart();
        }
        if let Ok(answer) = self.ask(&serde_json::json!({ "do": "reset" }))
            && answer != serde_json::json!({ "flag": true })
        {
            let answer = shortened(&answer.to_string());
            self.process = Err(CodecError(format!("the answer to reset is {{\"flag\": true}}, not {answer}")));
        }
    }

    fn answer(&mut self, op: &Value) -> Result<Value, CodecError> {
        self.ask(op)
    }
}

/// Its input ends first: a codec in a process of its own behind the shell is told that way. Then it is ended.
impl Drop for Pipe {
    fn drop(&mut self) {
        if let Ok(Process { mut child, input, output: _ }) =
            std::mem::replace(&mut self.process, Err(CodecError("stopped".to_owned())))
        {
            drop(input);
            let _ = self.runtime.block_on(async { tokio::time::timeout(LEAVE, child.wait()).await });
        }
    }
}

impl Process {
    fn start(command: &str) -> io::Result<Self> {
        let mut command = shell(command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    async fn ask(&mut self, op: &Value) -> Result<Value, CodecError> {
        if !self.output.buffer().is_empty() {
            return Err(CodecError("more than one line in answer to one".to_owned()));
        }
        let mut line = op.to_string();
        line.push('\n');
        let written = self.input.write_all(line.as_bytes()).await;
        // A process that has ended reads nothing; why it ended says more than that it did not read.
        if written.is_err() {
            return Err(self.ended().await);
        }
        let Some(line) = self.line().await? else { return Err(self.ended().await) };
        match serde_json::from_slice(&mended(&line)) {
            Ok(answer @ Value::Object(_)) => Ok(answer),
            _ => {
                let shown = shortened(&String::from_utf8_lossy(&line));
                Err(CodecError(format!("an answer is one JSON object a line, not {shown}")))
            }
        }
    }

    /// The next line; `None` at the end of the output.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, CodecError> {
        let mut line = Vec::new();
        loop {
            let read = self.output.fill_buf().await.map_err(failed("its output cannot be read"))?;
            if read.is_empty() {
                return Ok(None);
            }
            let (part, rest) = match read.iter().position(|&byte| byte == b'\n') {
                Some(end) => (&read[..end], Some(end + 1)),
                None => (read, None),
            };
            if line.len() + part.len() > MAX_LINE {
                return Err(CodecError(format!("a line of more than {MAX_LINE} bytes")));
            }
            line.extend_from_slice(part);
            let used = rest.unwrap_or(read.len());
            self.output.consume(used);
            if rest.is_some() {
                return Ok(Some(line));
            }
        }
    }

    async fn ended(&mut self) -> CodecError {
        match self.child.wait().await {
            Ok(status) => CodecError(format!("it ended: {status}")),
            Err(error) => CodecError(format!("it ended: {error}")),
        }
    }
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

fn failed<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> CodecError {
    move |error| CodecError(format!("{what}: {error}"))
}

/// The beginning of something that may be very long. Not escaped.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
