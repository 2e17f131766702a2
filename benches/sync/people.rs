//! Two peers as programs, moved by the control interface (`conformance/README.md`).

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatosk_benches::{Outcome, resident_kib};
use serde_json::{Value, json};

/// Linux counts CPU time in hundredths of a second for everybody.
const TICKS: f64 = 100.0;
/// Lines that wait for us.
const LINES: usize = 65_536;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// One peer. It ends with its handle.
pub(crate) struct Peer {
    name: String,
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    pub(crate) person: String,
}

impl Peer {
    /// Starts one with an identity of its own, kept in a folder.
    pub(crate) fn start(line: &str, name: &str, url: &str, folder: &Path) -> Outcome<Self> {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().ok_or("no program")?);
        // Keys are only kept in a folder that nobody else can look into.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        command
            .args(words)
            .env("COMM_SERVER_URL", url)
            .env("PEER_NAME", name)
            .env("PEER_EMAIL", format!("{name}@bench.test"))
            .env("PEER_INSTANCE", "bench")
            .env("PEER_DIR", folder)
            .env("KEEP_DIR", "1")
            .env("INVITE_EXPIRY_MS", "60000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for variable in ["PEER_TIMEOUT_MS", "TRANSCRIPT", "STAY", "AUTO_TOPIC", "RATATOSK_PLUGINS"] {
            command.env_remove(variable);
        }
        let mut child = command.spawn().map_err(|error| format!("{line}: {error}"))?;
        let stdin = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let (sender, lines) = sync_channel(LINES);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Self { name: name.to_owned(), child, stdin, lines, person: String::new() };
        let ready = peer.wait_for("ready")?;
        peer.person = ready["personId"].as_str().ok_or("no personId in ready")?.to_owned();
        Ok(peer)
    }

    /// The next event of that name.
    pub(crate) fn wait_for(&mut self, event: &str) -> Outcome<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|_| format!("no {event:?} from {}", self.name))?;
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            if value["event"] == event {
                return Ok(value);
            }
        }
    }

    /// Gives a command and waits for its answer.
    pub(crate) fn ask(&mut self, command: &Value, answer: &str) -> Outcome<Value> {
        writeln!(self.stdin, "{command}")?;
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|_| format!("{} does not answer {command}", self.name))?;
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            if value["event"] == answer && (answer != "result" || value["cmd"] == command["cmd"]) {
                return Ok(value);
            }
            if value["event"] == "error" && value["where"] == command["cmd"] {
                return Err(format!("{} to {command}: {}", self.name, value["error"]).into());
            }
        }
    }

    /// Ends it, so that its folder can be used again.
    pub(crate) fn quit(mut self) -> Outcome<()> {
        self.ask(&json!({"cmd": "quit"}), "exit")?;
        self.child.wait()?;
        Ok(())
    }

    /// The hash of a topic as it is now, if there is one.
    pub(crate) fn head(&mut self, topic: &str) -> Option<String> {
        let answer = self.ask(&json!({"cmd": "head", "topic": topic}), "result").ok()?;
        answer["hash"].as_str().map(str::to_owned)
    }

    /// Seconds of CPU that it has used.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks. Behind it: state is field 3, utime and stime are 14 and 15.
        let (_, fields) = stat.rsplit_once(')').ok_or("a strange /proc/PID/stat")?;
        let ticks: Result<Vec<f64>, _> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
        Ok(ticks?.iter().sum::<f64>() / TICKS)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        resident_kib(&self.child.id().to_string())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A CommServer, and what it has passed on.
pub(crate) struct Relay {
    child: Child,
    pub(crate) url: String,
    operators: String,
}

impl Relay {
    pub(crate) fn start(program: &Path) -> Outcome<Self> {
        let mut child = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut address = |scheme: &str| -> Outcome<String> {
            let line = lines.next().ok_or("the relay ended before it listened")??;
            let (_, rest) = line.split_once(scheme).ok_or_else(|| format!("no {scheme} in {line:?}"))?;
            Ok(rest.split_whitespace().next().unwrap_or_default().to_owned())
        };
        let (url, operators) = (format!("ws://{}", address("ws://")?), address("http://")?);
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { child, url, operators })
    }

    /// Bytes that it has passed on, of frames with their heads.
    pub(crate) fn forwarded(&self) -> Outcome<f64> {
        let mut stream = TcpStream::connect(&self.operators)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let lines = page.lines().filter(|line| line.starts_with("commserver_forwarded_bytes_total"));
        Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the reference's packages, if there is one.
pub(crate) fn reference() -> Option<String> {
    env::var("RATATOSK_REFERENCE").ok().filter(|folder| !folder.is_empty())
}
