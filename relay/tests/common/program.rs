//! The program itself, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, log};

/// A running `commserver`. It is killed when a test ends before it does.
pub struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    pub address: SocketAddr,
    /// Where the operators' listener is, if there is one.
    pub ops: Option<SocketAddr>,
}

pub fn command(flags: &[&str]) -> Command {
    program("off", flags)
}

/// With a listener for operators.
pub fn command_with_ops(flags: &[&str]) -> Command {
    program("127.0.0.1:0", flags)
}

fn program(ops: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commserver"));
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", ops]);
    if log::is_wanted() {
        log::keep_of(&mut command);
        // Tests say "warn" because nobody reads more.
        command.args(flags.iter().map(|flag| if *flag == "warn" { "trace" } else { flag }));
    } else {
        command.args(flags);
    }
    command
}

impl Program {
    /// Starts it and waits for the line that says where it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.strip_prefix("commserver listens on ws://");
        let url = url.or_else(|| line.strip_prefix("commserver listens on wss://")).expect(&line);
        let address = url.split(' ').next().unwrap().parse().unwrap();
        Self { child, out, address, ops: None }
    }

    /// As [`Self::start`], for a program that also listens with TLS; gives where it does.
    pub fn start_with_tls(command: Command) -> (Self, SocketAddr) {
        let mut program = Self::start(command);
        let line = program.line();
        let address = line.strip_prefix("commserver listens on wss://").expect(&line);
        let address = address.trim_end().parse().unwrap();
        (program, address)
    }

    /// As [`Self::start`], for a program that has a listener for operators.
    pub fn start_with_ops(command: Command) -> Self {
        let mut program = Self::start(command);
        let line = program.line();
        let address = line.strip_prefix("operators find it on http://").expect(&line);
        program.ops = Some(address.trim_end().parse().unwrap());
        program
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The next line on standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Its log, if that goes to a pipe.
    pub fn take_stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Waits for its end.
    pub async fn exit(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Files and sockets that it has open.
    #[cfg(target_os = "linux")]
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// The time that it has spent on a processor, for itself and in the kernel.
    #[cfg(target_os = "linux")]
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program comes second, in brackets, and may hold anything.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: u64 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        // USER_HZ is 100 on every architecture that Linux runs on.
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in bytes.
    #[cfg(target_os = "linux")]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
