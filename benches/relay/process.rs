//! A contender as a process: where it listens, what it uses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ratatosk_benches::resident_kib;

use crate::Outcome;

/// Linux counts CPU time in hundredths of a second for everybody.
const TICKS: f64 = 100.0;

/// A server that ends with its handle.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start to the line that says where it listens.
    pub(crate) ready_after: Duration,
}

impl Process {
    /// Starts a server and waits for a line with `ws://ADDRESS` or `wss://ADDRESS`.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program} cannot be started: {error}"))?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let address = loop {
            let line = lines.next().ok_or_else(|| format!("{program} ended before it listened"))??;
            if let Some(address) = address(&line) {
                break address;
            }
        };
        let ready_after = began.elapsed();
        // It must not wait for somebody to read what it says.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { child, address, ready_after })
    }

    /// Seconds of CPU that it has used, in user and system mode.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        Ok(self.times()?.iter().sum())
    }

    /// Seconds of CPU in user mode, and in system mode.
    pub(crate) fn times(&self) -> Outcome<[f64; 2]> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks. Behind it: state is field 3, utime and stime are 14 and 15.
        let (_, fields) = stat.rsplit_once(')').ok_or("a strange /proc/PID/stat")?;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
        let mut next = || ticks.next().ok_or("a strange /proc/PID/stat");
        Ok([next()?? / TICKS, next()?? / TICKS])
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        resident_kib(&self.child.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address behind `ws://` or `wss://` in a line.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("wss://").or_else(|| line.split_once("ws://"))?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_text_and_in_json() {
        let expected = Some(SocketAddr::from(([127, 0, 0, 1], 80)));
        for line in [
            "listens on wss://127.0.0.1:80",
            "listens on ws://127.0.0.1:80 (Ctrl-C)",
            r#"{"url":"ws://127.0.0.1:80","x":1}"#,
            "ws://127.0.0.1:80",
        ] {
            assert_eq!(address(line), expected);
        }
        assert_eq!(address("tcp://127.0.0.1:80"), None);
    }
}
