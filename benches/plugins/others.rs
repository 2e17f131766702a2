//! Contenders that are programs. Each says `ready NAME`; then a line `BYTES TIMES` is a turn, and the seconds that it took,
//! by its own clock, are the answer. They run from the beginning to the end, and wait while others have their turn.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use ratatosk_benches::{Contender, Outcome};

/// The program in JavaScript, which Node gets on its command line.
const TWEETNACL: &str = include_str!("tweetnacl.mjs");

/// A program that takes part until this is dropped.
#[derive(Debug)]
pub(crate) struct Other {
    /// What it calls itself.
    pub(crate) name: String,
    child: Child,
    talk: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Other {
    /// tweetnacl under Node, or why it does not take part.
    pub(crate) fn tweetnacl() -> Outcome<Self> {
        let folder = named("RATATOSK_TWEETNACL")?;
        if !["node_modules/tweetnacl", "tweetnacl"].iter().any(|path| folder.join(path).exists()) {
            return Err(format!("there is no tweetnacl in {}", folder.display()).into());
        }
        let mut command = Command::new("node");
        command.args(["--input-type=module", "--eval", TWEETNACL, "--"]).arg(folder);
        Self::start(command)
    }

    /// libsodium, or why it does not take part.
    pub(crate) fn libsodium() -> Outcome<Self> {
        Self::start(Command::new(named("RATATOSK_LIBSODIUM")?))
    }

    fn start(mut command: Command) -> Outcome<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program} cannot be started: {error}"))?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let name = line.strip_prefix("ready ").ok_or_else(|| format!("{program} is not ready: {line:?}"))?;
        Ok(Self { name: name.trim().to_owned(), child, talk: RefCell::new((input, output)) })
    }

    /// Sealing and opening one message of `size` bytes.
    pub(crate) fn contender(&self, size: usize) -> Contender<'_> {
        Contender::timed(self.name.clone(), move |times| {
            let (input, output) = &mut *self.talk.borrow_mut();
            writeln!(input, "{size} {times}")?;
            let mut line = String::new();
            output.read_line(&mut line)?;
            let seconds: f64 = line.trim().parse().map_err(|_| format!("{} says {line:?}", self.name))?;
            Ok(Duration::try_from_secs_f64(seconds)?)
        })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn named(variable: &str) -> Outcome<PathBuf> {
    let path = env::var_os(variable).ok_or_else(|| format!("{variable} is not set"))?;
    if Path::new(&path).exists() {
        Ok(path.into())
    } else {
        Err(format!("{variable} names nothing that exists").into())
    }
}
