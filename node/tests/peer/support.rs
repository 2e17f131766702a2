//! A relay, and peers under remote control.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use ratatosk_relay::{Config, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails a test that would hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

pub(crate) async fn relay() -> Server {
    Server::bind(Config { listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), ..Config::default() })
        .await
        .unwrap()
}

pub(crate) fn url(relay: &Server) -> String {
    format!("ws://{}", relay.local_addr())
}

/// A path for a test of that name, at which nothing is.
pub(crate) fn fresh_path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    let _ = std::fs::remove_file(&path);
    path
}

/// A peer. It is killed when a test ends before it does.
pub(crate) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What the peer tells is read only when a test asks for it.
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) key: String,
}

impl Peer {
    /// Starts a peer with these environment variables.
    pub(crate) fn spawn(url: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
        for variable in [
            "PEER_DIR",
            "PEER_EMAIL",
            "PEER_NAME",
            "PEER_INSTANCE",
            "PEER_TIMEOUT_MS",
            "TRANSCRIPT",
            "STAY",
            "KEEP_DIR",
            "AUTO_TOPIC",
            "INVITE_EXPIRY_MS",
            "RATATOSK_PLUGINS",
        ] {
            command.env_remove(variable);
        }
        command.arg("peer").env("COMM_SERVER_URL", url).env("RATATOSK_LOG", "error").envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { stdin: child.stdin.take(), child, lines, key: String::new() }
    }

    /// Starts a peer and learns its key.
    pub(crate) async fn ready(url: &str, environment: &[(&str, &str)]) -> Self {
        let mut peer = Self::spawn(url, environment);
        let ready = peer.event("ready").await;
        ready["publicKey"].as_str().unwrap().clone_into(&mut peer.key);
        peer
    }

    /// Starts a peer and waits until it can be reached.
    pub(crate) async fn online(url: &str, environment: &[(&str, &str)]) -> Self {
        let mut peer = Self::ready(url, environment).await;
        assert_eq!(peer.event("online").await["state"], true);
        peer
    }

    /// Writes a line as it is.
    pub(crate) async fn line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is closed");
        within(async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.write_all(b"\n").await?;
            stdin.flush().await
        })
        .await
        .unwrap();
    }

    pub(crate) async fn tell(&mut self, command: Value) {
        self.line(&command.to_string()).await;
    }

    /// Ends the input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The next event; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = within(self.lines.next_line()).await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next event that is as wanted; others are passed over.
    pub(crate) async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        while let Some(event) = self.next().await {
            if wanted(&event) {
                return event;
            }
        }
        panic!("it ended before that came")
    }

    pub(crate) async fn event(&mut self, name: &str) -> Value {
        self.find(|event| event["event"] == name).await
    }

    /// Gives a command and waits for its answer, a result or an error.
    pub(crate) async fn ask(&mut self, mut command: Value) -> Value {
        command["id"] = json!({"asked": [command["cmd"]]});
        let id = command["id"].clone();
        self.tell(command).await;
        self.find(|event| event["id"] == id).await
    }

    /// What it still tells, to the end, and its exit code.
    pub(crate) async fn rest(&mut self) -> (Vec<Value>, i32) {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        (events, self.exit().await)
    }

    /// Its process.
    #[cfg(all(unix, feature = "wasm"))]
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// Waits for its end without reading what it tells.
    pub(crate) async fn exit(&mut self) -> i32 {
        within(self.child.wait()).await.unwrap().code().unwrap()
    }
}

/// How often each number was answered, and how many of the answers are results.
pub(crate) fn answers(events: &[Value]) -> (BTreeMap<u64, usize>, usize) {
    let mut answers = BTreeMap::new();
    let mut results = 0;
    for event in events.iter().filter(|event| event["event"] == "result" || event["event"] == "error") {
        *answers.entry(event["id"].as_u64().unwrap()).or_default() += 1;
        results += usize::from(event["event"] == "result");
    }
    (answers, results)
}
