//! A process behind the peer control interface: a shell command that reads commands and tells events, a JSON object a line.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::payload;
use super::told::{Answer, State, Told, read};

/// After so long a peer that was forgotten ends by itself.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// What a peer finds in its environment. Ours is not for it.
const OF_A_PEER: [&str; 8] =
    ["PEER_DIR", "PEER_EMAIL", "PEER_INSTANCE", "TRANSCRIPT", "STAY", "KEEP_DIR", "AUTO_TOPIC", "INVITE_EXPIRY_MS"];

/// How processes are started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Whether what they say on standard error is shown.
    pub logs: bool,
}

/// A running peer. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    told: Arc<Told>,
    reader: JoinHandle<()>,
    next_id: u64,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Process {
    /// Starts a command at a CommServer.
    ///
    /// # Errors
    ///
    /// If there is no shell, or no more processes.
    pub(crate) fn start(command: &str, url: &str, name: &str, launch: &Launch) -> std::io::Result<Self> {
        Self::start_with(command, url, name, &[], launch)
    }

    /// The same with more in its environment.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub(crate) fn start_with(
        command: &str,
        url: &str,
        name: &str,
        environment: &[(&str, String)],
        launch: &Launch,
    ) -> std::io::Result<Self> {
        let mut shell = Command::new("sh");
        for variable in OF_A_PEER {
            shell.env_remove(variable);
        }
        shell.envs(environment.iter().map(|(name, value)| (name, value)));
        shell.arg("-c").arg(line(command)).env("COMM_SERVER_URL", url).env("PEER_NAME", name);
        shell.env("PEER_TIMEOUT_MS", FORGOTTEN.as_millis().to_string());
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        shell.stderr(if launch.logs { Stdio::inherit() } else { Stdio::null() });
        let mut child = shell.spawn()?;
        let told = Arc::new(Told::default());
        let stdout = child.stdout.take().ok_or_else(|| std::io::Error::other("no standard output"))?;
        let reader = tokio::spawn(read(stdout, told.clone()));
        Ok(Self { stdin: child.stdin.take(), child, told, reader, next_id: 1 })
    }

    /// Looks at what was told until there is what is looked for; `None` if it is not there by `deadline`, or the process
    /// has ended without it.
    pub(crate) async fn find<T>(&self, deadline: Instant, look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        self.told.find(deadline, look).await
    }

    /// The key, once the peer is ready.
    pub(crate) async fn key(&self, deadline: Instant) -> Option<PublicKey> {
        self.find(deadline, |state| state.key).await
    }

    /// What went wrong with the process or what it says, if anything.
    pub(crate) fn over(&self) -> Option<String> {
        self.told.over()
    }

    /// Why a process has not said its key, for people who have to find out.
    pub(crate) fn silence(&self) -> String {
        let what = self.over().unwrap_or_else(|| "nothing".to_owned());
        format!("{what} (--logs shows its standard error)")
    }

    /// Gives a command, and says under which id it is answered; `None` if the process does not take it by `deadline`.
    pub(crate) async fn tell(&mut self, mut command: Value, deadline: Instant) -> Option<u64> {
        let id = self.next_id;
        self.next_id += 1;
        command["id"] = json!(id);
        let mut line = command.to_string();
        line.push('\n');
        let stdin = self.stdin.as_mut()?;
        let write = async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        };
        timeout_at(deadline.into(), write).await.ok()?.ok()?;
        Some(id)
    }

    /// The answer to a command.
    ///
    /// # Errors
    ///
    /// What the peer says against it, or that it says nothing.
    pub(crate) async fn answer(&self, id: Option<u64>, deadline: Instant) -> Answer {
        let found = match id {
            Some(id) => self.find(deadline, |state| state.answers.remove(&id)).await,
            None => None,
        };
        found.unwrap_or_else(|| Err(self.over().unwrap_or_else(|| "no answer".to_owned())))
    }

    /// Gives a command and waits for its answer.
    ///
    /// # Errors
    ///
    /// As [`Self::answer`].
    pub(crate) async fn ask(&mut self, command: Value, deadline: Instant) -> Answer {
        let id = self.tell(command, deadline).await;
        self.answer(id, deadline).await
    }

    /// The command that sends a message.
    pub(crate) fn raw(to: &PublicKey, what: &Payload) -> Value {
        let mut command = json!({"cmd": "raw", "key": to.to_hex()});
        payload::to_json(&mut command, what);
        command
    }

    /// Tells it to quit, and waits for its exit code.
    ///
    /// # Errors
    ///
    /// What happened instead of an end.
    pub(crate) async fn quit(&mut self, deadline: Instant) -> Result<Option<i32>, String> {
        self.tell(json!({"cmd": "quit"}), deadline).await;
        match timeout_at(deadline.into(), self.child.wait()).await {
            Ok(Ok(status)) => Ok(status.code()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a process that goes on".to_owned()),
        }
    }

    /// Kills it, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.stdin = None;
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }
}

/// What the shell is given. A simple command takes its place, so that it is what is killed in the end. `exec` takes no
/// assignments in front of a command.
fn line(command: &str) -> String {
    let assigns = command.split_whitespace().next().is_some_and(|first| first.contains('='));
    let simple = !assigns && !command.contains([';', '&', '|', '\n']);
    if simple { format!("exec {command}") } else { command.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_simple_command_takes_the_place_of_the_shell() {
        assert_eq!(line("node peer.js --a=b"), "exec node peer.js --a=b");
        for other in ["A=1 node peer.js", "cd there && exec node peer.js", "a\nb", "a; b", "a | b"] {
            assert_eq!(line(other), other);
        }
    }

    #[tokio::test]
    async fn a_command_may_begin_with_an_assignment() {
        let command =
            format!(r#"KEY={} sh -c 'echo "{{\"event\":\"ready\",\"publicKey\":\"$KEY\"}}"'"#, "09".repeat(32));
        let process = Process::start(&command, "ws://127.0.0.1:1", "a", &Launch::default()).unwrap();
        let key = process.key(Instant::now() + Duration::from_secs(20)).await;
        assert_eq!(key.map(|key| key.to_hex()), Some("09".repeat(32)), "{:?}", process.over());
    }
}
