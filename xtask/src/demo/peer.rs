//! A peer under remote control: JSON lines in, JSON lines out.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use serde_json::{Value, json};

use super::process::{Lines, Process};

/// What somebody may have set for a peer of their own.
const VARIABLES: [&str; 12] = [
    "PEER_NAME",
    "PEER_EMAIL",
    "PEER_INSTANCE",
    "PEER_DIR",
    "KEEP_DIR",
    "PEER_TIMEOUT_MS",
    "TRANSCRIPT",
    "STAY",
    "AUTO_TOPIC",
    "INVITE_EXPIRY_MS",
    "RATATOSK_PLUGINS",
    "COMM_SERVER_URL",
];

pub(super) struct Peer {
    name: &'static str,
    key: String,
    /// The person id of a peer with an identity.
    pub(super) person: String,
    process: Process,
    stdin: ChildStdin,
    lines: Lines,
}

impl Peer {
    /// Starts a peer with its plugins in that form, and learns its key.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn start(name: &'static str, program: &Path, url: &str, plugins: &str) -> Result<Self, String> {
        Self::run(name, program, url, plugins, &[])
    }

    /// Starts a peer with an identity: somebody who can be a contact.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn person(name: &'static str, program: &Path, url: &str, plugins: &str) -> Result<Self, String> {
        let email = format!("{}@demo.test", name.to_lowercase());
        Self::run(
            name,
            program,
            url,
            plugins,
            &[("PEER_NAME", name), ("PEER_EMAIL", &email), ("PEER_INSTANCE", "laptop")],
        )
    }

    fn run(
        name: &'static str,
        program: &Path,
        url: &str,
        plugins: &str,
        identity: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["peer", "--plugins", plugins]).stdin(Stdio::piped());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.env("COMM_SERVER_URL", url).envs(identity.iter().copied());
        let (mut process, lines) = Process::start(&mut command)?;
        let stdin = process.child.stdin.take().ok_or_else(|| format!("the {name} has no input"))?;
        let mut peer = Self { name, key: String::new(), person: String::new(), process, stdin, lines };
        let ready = peer.wait_for("ready")?;
        (peer.key, peer.person) = (text(&ready, "publicKey"), text(&ready, "personId"));
        Ok(peer)
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Waits until the peer can be reached.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn wait_until_online(&mut self) -> Result<(), String> {
        self.wait_for("online").map(drop)
    }

    /// Sends a command.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn command(&mut self, command: &Value) -> Result<(), String> {
        writeln!(self.stdin, "{command}").map_err(|error| format!("the {} takes no commands: {error}", self.name))
    }

    /// Waits for an event; others are passed over, errors end the demo.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn wait_for(&self, event: &str) -> Result<Value, String> {
        loop {
            let line = self.lines.next(&format!("waiting for {event:?} of the {}", self.name))?;
            let value: Value = serde_json::from_str(&line).map_err(|error| format!("{line:?} is not JSON: {error}"))?;
            match value["event"].as_str() {
                Some("error") => return Err(format!("the {} says: {}", self.name, text(&value["error"], "message"))),
                Some(name) if name == event => return Ok(value),
                _ => {}
            }
        }
    }

    /// What the peer recorded of its connection, ready to be printed.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn report(&mut self) -> Result<String, String> {
        let answer = self.ask("timeline")?;
        let timelines = answer["timelines"].as_array().map(Vec::as_slice).unwrap_or_default();
        let [timeline] = timelines else {
            return Err(format!("the {} has {} connections", self.name, timelines.len()));
        };
        let mut report = String::new();
        for line in timeline["lines"].as_array().into_iter().flatten() {
            report.push_str(&format!("   {}\n", line.as_str().unwrap_or_default()));
        }
        let (sent, received) = (&timeline["messagesSent"], &timeline["messagesReceived"]);
        let (bytes_sent, bytes_received) = (&timeline["bytesSent"], &timeline["bytesReceived"]);
        report.push_str(&format!(
            "   on the wire: {sent} messages, {bytes_sent} B sent; {received} messages, {bytes_received} B received\n"
        ));
        Ok(report)
    }

    /// Which plugins the peer has, in which form, and what they have done, in a line.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn plugins(&mut self) -> Result<String, String> {
        let answer = self.ask("plugins")?;
        let plugins = answer["plugins"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<_> = plugins.iter().map(|plugin| plugin["name"].as_str().unwrap_or_default()).collect();
        let form = match plugins.first().and_then(|plugin| plugin["form"].as_str()) {
            Some("wasm") => "WebAssembly modules",
            _ => "native code",
        };
        let sum = |field: &str| plugins.iter().filter_map(|plugin| plugin[field].as_u64()).sum::<u64>();
        let millis: f64 = plugins.iter().filter_map(|plugin| plugin["timeMs"].as_f64()).sum();
        let (names, calls, traps) = (names.join(", "), sum("calls"), sum("traps"));
        Ok(format!("plugins: {names} as {form}; {calls} calls, {millis:.1} ms, {traps} traps"))
    }

    fn ask(&mut self, command: &str) -> Result<Value, String> {
        self.call(json!({"cmd": command}), "result")
    }

    /// Gives a command and waits for its answer, an event of that name.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn call(&mut self, mut command: Value, answer: &str) -> Result<Value, String> {
        let id = command["cmd"].clone();
        command["id"] = id.clone();
        self.command(&command)?;
        loop {
            let event = self.wait_for(answer)?;
            if event["id"] == id {
                return Ok(event);
            }
        }
    }

    /// Ends the peer.
    ///
    /// # Errors
    ///
    /// If it does not end well.
    pub(super) fn quit(mut self) -> Result<(), String> {
        self.command(&json!({"cmd": "quit"}))?;
        self.wait_for("exit")?;
        self.process.end(self.name, &self.lines)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} key {}", self.name, self.key)
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
