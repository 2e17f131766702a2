//! One peer with an identity: its process, and what it has said and not been asked about yet.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::process::Process;
use crate::play::{Played, difference};

/// How often something is asked that is to become true.
const AGAIN: Duration = Duration::from_millis(250);

pub(super) struct Actor {
    name: String,
    process: Process,
    /// Who it is: the id of its person.
    pub(super) person: String,
}

impl Actor {
    /// Starts a peer, and waits until it says who it is.
    pub(super) async fn start(
        name: &str,
        command: &str,
        url: &str,
        environment: &[(&str, String)],
        launch: &crate::peer::Launch,
        deadline: Instant,
    ) -> Played<Self> {
        let process = Process::start_with(command, url, &called(name), environment, launch);
        let process = process.map_err(|error| difference(name, "a process", error.to_string()))?;
        let Some(person) = process.find(deadline, |state| state.person.clone()).await else {
            return Err(difference(name, "ready, with its person", process.silence()));
        };
        Ok(Self { name: name.to_owned(), process, person })
    }

    fn differs(&self, expected: impl Into<String>, got: impl Into<String>) -> crate::report::Difference {
        difference(&self.name, expected, got)
    }

    pub(super) async fn online(&self, deadline: Instant) -> Played {
        let found = self.process.find(deadline, |state| state.online.then_some(())).await;
        found.ok_or_else(|| self.differs("online", self.over()))
    }

    fn over(&self) -> String {
        self.process.over().unwrap_or_else(|| "nothing".to_owned())
    }

    /// The answer to a command, or what it says against it.
    pub(super) async fn try_ask(&mut self, command: Value, deadline: Instant) -> Result<Value, String> {
        self.process.ask(command, deadline).await
    }

    /// The answer to a command that has to work.
    pub(super) async fn ask(&mut self, command: Value, deadline: Instant) -> Played<Value> {
        let told = command["cmd"].as_str().unwrap_or_default().to_owned();
        let answer = self.process.ask(command, deadline).await;
        answer.map_err(|error| self.differs(format!("that it does as told: {told}"), error))
    }

    /// Takes an event that it tells, or has told, of this name and kind.
    pub(super) async fn event(&self, name: &str, is: impl Fn(&Value) -> bool, deadline: Instant) -> Option<Value> {
        let take = |state: &mut crate::peer::told::State| {
            let at = state.events.iter().position(|event| event["event"] == name && is(event))?;
            Some(state.events.remove(at))
        };
        self.process.find(deadline, take).await
    }

    /// The same for one that is due.
    pub(super) async fn due(&self, name: &str, is: impl Fn(&Value) -> bool, deadline: Instant) -> Played<Value> {
        let event = self.event(name, is, deadline).await;
        event.ok_or_else(|| self.differs(format!("the event {name}"), self.over()))
    }

    /// Asks until the answer is as it has to be. `look` says so, or what it is instead.
    pub(super) async fn until<T>(
        &mut self,
        command: &Value,
        expected: &str,
        deadline: Instant,
        mut look: impl FnMut(&Value) -> Result<T, String>,
    ) -> Played<T> {
        loop {
            let answer = self.ask(command.clone(), deadline).await?;
            match look(&answer) {
                Ok(found) => return Ok(found),
                Err(got) if Instant::now() + AGAIN > deadline => return Err(self.differs(expected, got)),
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    /// How many objects' connections it has.
    pub(super) async fn connections(&mut self, count: usize, deadline: Instant) -> Played {
        let look = |answer: &Value| match answer["connections"].as_array().map(Vec::len) {
            Some(got) if got == count => Ok(()),
            got => Err(got.map_or_else(|| "no list".to_owned(), |got| got.to_string())),
        };
        self.until(&json!({"cmd": "connections"}), &format!("{count} connections"), deadline, look).await
    }

    pub(super) async fn quit(&mut self, deadline: Instant) -> Played {
        match self.process.quit(deadline).await {
            Ok(Some(0)) => Ok(()),
            Ok(code) => Err(self.differs("exit code 0", format!("{code:?}"))),
            Err(error) => Err(self.differs("that it quits", error)),
        }
    }

    pub(super) async fn kill(&mut self) {
        self.process.kill().await;
    }
}

/// How a peer is called at the beginning.
pub(super) fn called(name: &str) -> String {
    format!("Name of {name}")
}

/// What a peer is told when it starts.
pub(super) fn environment(
    name: &str,
    run: &str,
    dir: &Path,
    script: &super::script::Script,
) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("PEER_EMAIL", format!("{name}-{run}@example.test")),
        ("PEER_INSTANCE", format!("instance of {name}")),
        ("PEER_DIR", dir.display().to_string()),
        ("KEEP_DIR", "1".to_owned()),
        ("AUTO_TOPIC", if script.makes_topics { "1" } else { "0" }.to_owned()),
    ];
    if let Some(time) = script.invitations {
        all.push(("INVITE_EXPIRY_MS", time.as_millis().to_string()));
    }
    all
}
