//! Our programs on the hosts of a network, and what they tell.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::net::{Host, Network, RELAY};

/// What nothing here takes that is not said to take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const PORT: u16 = 8000;

/// Lines that may wait until a test asks for them; then the process waits.
const WAITING: usize = 4096;

/// The programs of the project, if they are built.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Looks for them beside this test.
    ///
    /// # Errors
    ///
    /// How to build them.
    pub(crate) fn find() -> Result<Self, String> {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
        for name in ["commserver", "ratatosk"] {
            if !folder.join(name).is_file() {
                return Err(format!("there is no {name}, cargo build -p ratatosk-relay -p ratatosk-node"));
            }
        }
        Ok(Self(folder))
    }

    fn command(&self, space: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space]).arg(self.0.join(program));
        for variable in ["PEER_DIR", "PEER_TIMEOUT_MS", "TRANSCRIPT", "STAY", "RATATOSK_PLUGINS", "COMMSERVER_CONFIG"] {
            command.env_remove(variable);
        }
        command
    }
}

/// A process, killed when this is dropped, and the lines that it writes, with the time at which they came.
struct Process {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

impl Process {
    fn start<R: Read + Send + 'static>(command: &mut Command, listen: fn(&mut Child) -> Option<R>) -> Self {
        let mut child = command.spawn().unwrap();
        let source = listen(&mut child).unwrap();
        let (sender, lines) = sync_channel(WAITING);
        // Ends with the process.
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The first line from now on in which there is what is looked for, and when it came.
    fn find<T>(&self, patience: Duration, what: &str, look: impl Fn(&str) -> Option<T>) -> (Instant, T) {
        let deadline = Instant::now() + patience;
        let mut passed = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((at, line)) => match look(&line) {
                    Some(found) => return (at, found),
                    None => passed.push(line.chars().take(200).collect::<String>()),
                },
                Err(RecvTimeoutError::Timeout) => panic!("{what} did not come within {patience:?}, but {passed:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}, and said {passed:#?}"),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A CommServer on the router that tells what it does.
pub(crate) struct Relay(Process);

impl Relay {
    pub(crate) fn start(programs: &Programs, network: &Network, flags: &[&str]) -> Self {
        let mut command = programs.command(&network.router(), "commserver");
        command.args([
            "--listen",
            &format!("{RELAY}:{PORT}"),
            "--ops-listen",
            "off",
            "--log",
            "ratatosk_relay=debug,info",
        ]);
        command.args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let relay = Self(Process::start(&mut command, |child| child.stderr.take()));
        relay.says("listening", PATIENCE);
        relay
    }

    /// Waits for a line with these words in its log, and says when it came.
    pub(crate) fn says(&self, words: &str, patience: Duration) -> Instant {
        self.0.find(patience, words, |line| line.contains(words).then_some(())).0
    }
}

/// A peer on a host.
pub(crate) struct Peer {
    process: Process,
    stdin: ChildStdin,
    pub(crate) key: String,
}

impl Peer {
    /// Starts one that has registered.
    pub(crate) fn online(programs: &Programs, network: &Network, host: Host) -> Self {
        let mut command = programs.command(&network.of(host), "ratatosk");
        command.arg("peer").env("COMM_SERVER_URL", format!("ws://{RELAY}:{PORT}")).env("RATATOSK_LOG", "error");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command, |child| child.stdout.take());
        let stdin = process.child.stdin.take().unwrap();
        let mut peer = Self { process, stdin, key: String::new() };
        peer.key = peer.event(PATIENCE, "ready").1["publicKey"].as_str().unwrap().to_owned();
        peer.is_online(true, PATIENCE);
        peer
    }

    /// Waits until it says that it can be reached, or cannot.
    pub(crate) fn is_online(&self, state: bool, patience: Duration) -> Instant {
        self.find(patience, "online", |event| event["event"] == "online" && event["state"] == state).0
    }

    pub(crate) fn event(&self, patience: Duration, name: &str) -> (Instant, Value) {
        self.find(patience, name, |event| event["event"] == name)
    }

    fn find(&self, patience: Duration, what: &str, wanted: impl Fn(&Value) -> bool) -> (Instant, Value) {
        self.process.find(patience, what, |line| serde_json::from_str(line).ok().filter(|event| wanted(event)))
    }

    fn tell(&mut self, command: &Value) {
        self.stdin.write_all(format!("{command}\n").as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Sends a text, and gives the answer: a result or an error.
    pub(crate) fn send(&mut self, to: &str, text: &str) -> Value {
        let id = json!(text);
        self.tell(&json!({"cmd": "raw", "key": to, "text": text, "id": id}));
        self.find(PATIENCE, "an answer", |event| event["id"] == id).1
    }

    /// Sends bytes, without waiting for the answer.
    pub(crate) fn send_bytes(&mut self, to: &str, bytes: &[u8]) {
        self.tell(&json!({"cmd": "raw", "key": to, "hex": hex::encode(bytes), "id": "bytes"}));
    }

    /// Waits for a text.
    pub(crate) fn gets(&self, text: &str) {
        self.find(PATIENCE, text, |event| event["event"] == "raw" && event["text"] == text);
    }

    /// Waits for the next bytes.
    pub(crate) fn gets_bytes(&self, patience: Duration) -> Vec<u8> {
        let (_, event) = self.find(patience, "bytes", |event| event["event"] == "raw" && event["hex"].is_string());
        hex::decode(event["hex"].as_str().unwrap()).unwrap()
    }
}
