//! Plays the steps of a scenario with the processes of two implementations, and judges what they tell.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use serde_json::json;

use super::exchange::{exchange, send_all};
use super::payload::describe;
use super::process::Process;
use super::relay::Relay;
use super::script::{Name, Script, Step};
use super::{Implementation, Options, Via};
use crate::play::{self, Next, Play, Played, difference};
use crate::report::{Observation, Verdict};
use crate::scenario::Branch;
use crate::scenario::template::{NoValues, Template};

/// Plays a scenario with peers of `connects` and of `listens`.
pub(super) async fn play(
    script: &Script,
    connects: &Implementation,
    listens: &Implementation,
    options: &Options,
) -> Observation {
    let mut stage = Stage {
        connects,
        listens,
        options,
        relay: None,
        peers: BTreeMap::new(),
        keys: BTreeMap::new(),
        observation: Observation::default(),
    };
    let played = async {
        if script.restarts_relay()
            && let Via::Own { program, .. } = &options.via
        {
            stage.relay =
                Some(Relay::start(program).await.map_err(|error| difference("relay", "that it starts", error))?);
        }
        play::steps(&mut stage, &script.steps).await
    };
    let played = played.await;
    if let Err(difference) = played {
        stage.observation.differs(Verdict::Fails, difference);
    }
    stage.observation
}

/// Bytes per second that two peers of a debug build manage on a busy machine.
const SLOWEST: usize = 128 << 10;

struct Stage<'a> {
    connects: &'a Implementation,
    listens: &'a Implementation,
    options: &'a Options,
    /// One for this scenario alone.
    relay: Option<Relay>,
    peers: BTreeMap<Name, Process>,
    /// They stay when a peer has gone.
    keys: BTreeMap<Name, PublicKey>,
    observation: Observation,
}

impl Play for Stage<'_> {
    type Step = Step;
    type Place = Name;

    fn observation(&mut self) -> &mut Observation {
        &mut self.observation
    }

    async fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Start(name) => self.start(name).await,
            Step::Online { name, state } => self.online(name, *state).await,
            Step::Send { name, to, payload, works } => self.send(name, to.as_ref(), payload, *works).await,
            Step::SendAll(payload) => {
                let (by, listener) = (self.patience(), *self.key("b")?);
                send_all(self.peers.iter_mut().filter(|(name, _)| name.starts_with('a')), &listener, payload, by).await
            }
            Step::Exchange { count, len } => {
                let by = self.patience();
                let (a, b) = (*self.key("a")?, *self.key("b")?);
                let mut pair = self.peers.iter_mut().filter(|(name, _)| matches!(name.as_str(), "a" | "b"));
                let (Some((_, first)), Some((_, second))) = (pair.next(), pair.next()) else {
                    return Err(not_started("b"));
                };
                exchange((first, &a), (second, &b), *count, *len, by).await
            }
            Step::Receive { name, from, payload } => self.receive(name, from, payload).await,
            Step::Ended { name, reason } => self.ended(name, reason.as_ref()).await,
            Step::Connections { name, count } => self.connections(name, *count).await,
            Step::Disconnect(name) => self.command(name, "disconnect").await,
            Step::Reconnect(name) => self.command(name, "reconnect").await,
            Step::Quit(name) => self.quit(name).await,
            Step::Kill(name) => {
                self.peer(name)?.kill().await;
                self.peers.remove(name);
                Ok(())
            }
            Step::Relay(starts) => self.relay(*starts).await,
            Step::Quiet { name, time } => play::quiet(self, name, *time).await,
            Step::Either(branches) => play::either(self, branches).await,
        }
    }

    fn silence(step: &Step) -> Option<(&Name, Duration)> {
        match step {
            Step::Quiet { name, time } => Some((name, *time)),
            _ => None,
        }
    }

    async fn happens(&mut self, name: &Name, time: Duration) -> Played<Option<String>> {
        let deadline = Instant::now() + time;
        let peer = self.peer(name)?;
        let found = peer
            .find(deadline, |state| {
                let message = state.messages.front().map(|received| describe(&received.payload));
                message
                    .or_else(|| state.ended.front().map(|ended| format!("the end of a connection: {}", ended.reason)))
            })
            .await;
        Ok(found.or_else(|| peer.over()))
    }

    async fn next(&mut self, step: &Step, _: &[Branch<Step>]) -> Played<Next> {
        let deadline = self.patience();
        Ok(match step {
            Step::Receive { name, from, payload } => {
                let from = *self.key(from)?;
                let look = |state: &mut super::told::State| {
                    let message = state.messages.iter().find(|received| received.from == from);
                    let same = message.map(|received| received.payload == *payload);
                    // A connection that is over brings nothing more.
                    same.or_else(|| (!state.ended.is_empty()).then_some(false))
                };
                let found = self.peer(name)?.find(deadline, look).await;
                if found == Some(true) { Next::This } else { Next::Other }
            }
            Step::Ended { name, .. } => {
                let look = |state: &mut super::told::State| {
                    let ended = state.ended.front().map(|ended| Some(ended.reason.clone()));
                    ended.or_else(|| (!state.messages.is_empty()).then_some(None))
                };
                match self.peer(name)?.find(deadline, look).await.flatten() {
                    Some(reason) => Next::End(name.clone(), format!("the end: {reason}").trim_end().to_owned()),
                    None => Next::Other,
                }
            }
            _ => Next::Other,
        })
    }

    fn due(&self, step: &Step) -> String {
        match step {
            Step::Receive { payload, .. } => describe(payload),
            Step::Ended { .. } => "the end of the connection".to_owned(),
            _ => "nothing".to_owned(),
        }
    }
}

impl Stage<'_> {
    fn patience(&self) -> Instant {
        Instant::now() + self.options.patience
    }

    /// The same for a message that may be long.
    fn patience_for(&self, payload: &Payload) -> Instant {
        self.patience() + Duration::from_secs(u64::try_from(payload.len() / SLOWEST).unwrap_or_default())
    }

    fn peer(&mut self, name: &str) -> Played<&mut Process> {
        self.peers.get_mut(name).ok_or_else(|| not_started(name))
    }

    fn key(&self, name: &str) -> Played<&PublicKey> {
        self.keys.get(name).ok_or_else(|| not_started(name))
    }

    fn url(&self) -> &str {
        match (&self.relay, &self.options.via) {
            (Some(relay), _) => relay.url(),
            (None, Via::Given(url) | Via::Own { url, .. }) => url,
        }
    }

    async fn start(&mut self, name: &str) -> Played {
        let deadline = self.patience();
        let implementation = if name.starts_with('b') { self.listens } else { self.connects };
        let process = Process::start(&implementation.command, self.url(), name, &self.options.launch);
        let process = process.map_err(|error| difference(name, "a process", error.to_string()))?;
        let Some(key) = process.key(deadline).await else {
            return Err(difference(name, "ready, with its key", process.silence()));
        };
        // Whoever has its key in a file would meet itself.
        if let Some((other, _)) = self.keys.iter().find(|(other, known)| *other != name && **known == key) {
            return Err(difference(name, "a key that is new at each start", format!("the key of {other}")));
        }
        self.keys.insert(name.to_owned(), key);
        self.peers.insert(name.to_owned(), process);
        Ok(())
    }

    async fn online(&mut self, name: &str, wanted: bool) -> Played {
        let deadline = self.patience();
        let peer = self.peer(name)?;
        let found = peer.find(deadline, |state| (state.online == wanted).then_some(())).await;
        let due = if wanted { "online" } else { "offline" };
        found.ok_or_else(|| difference(name, due, over(peer)))
    }

    async fn send(&mut self, name: &str, to: Option<&Name>, payload: &Payload, works: bool) -> Played {
        let deadline = self.patience_for(payload);
        let key = match to {
            Some(to) => *self.key(to)?,
            None => *KeyPair::generate(&mut OsEntropy).public(),
        };
        let answer = self.peer(name)?.ask(Process::raw(&key, payload), deadline).await;
        match (works, answer) {
            (true, Err(error)) => Err(difference(name, format!("that it sends {}", describe(payload)), error)),
            (false, Ok(_)) => Err(difference(name, "that it cannot send", "that it has sent")),
            // It has to say so, not to be silent.
            (false, Err(_)) if Instant::now() >= deadline => Err(difference(name, "that it cannot send", "no answer")),
            _ => Ok(()),
        }
    }

    async fn receive(&mut self, name: &str, from: &str, payload: &Payload) -> Played {
        let deadline = self.patience_for(payload);
        let from = *self.key(from)?;
        let peer = self.peer(name)?;
        let take = |state: &mut super::told::State| {
            let at = state.messages.iter().position(|received| received.from == from)?;
            state.messages.remove(at)
        };
        match peer.find(deadline, take).await {
            Some(received) if received.payload == *payload => Ok(()),
            Some(received) => Err(difference(name, describe(payload), describe(&received.payload))),
            None => Err(difference(name, describe(payload), over(peer))),
        }
    }

    async fn ended(&mut self, name: &str, reason: Option<&Template>) -> Played {
        let deadline = self.patience();
        let peer = self.peer(name)?;
        let Some(ended) = peer.find(deadline, |state| state.ended.pop_front()).await else {
            return Err(difference(name, "the end of the connection", over(peer)));
        };
        if let Some(reason) = reason
            && (ended.here || reason.matches(&ended.reason, &NoValues).is_none())
        {
            let got = format!("ended {} {}", if ended.here { "here" } else { "there" }, ended.reason);
            self.observation
                .differs(Verdict::Deviates, difference(name, format!("ended there {}", reason.source()), got));
        }
        Ok(())
    }

    async fn connections(&mut self, name: &str, count: usize) -> Played {
        let deadline = self.patience();
        let due = format!("{count} connections");
        let answer = self.peer(name)?.ask(json!({"cmd": "connections"}), deadline).await;
        let answer = answer.map_err(|error| difference(name, &due, error))?;
        match answer["connections"].as_array().map(Vec::len) {
            Some(got) if got == count => Ok(()),
            Some(got) => Err(difference(name, due, got.to_string())),
            None => Err(difference(name, due, "no list")),
        }
    }

    async fn command(&mut self, name: &str, command: &str) -> Played {
        let deadline = self.patience();
        let answer = self.peer(name)?.ask(json!({"cmd": command}), deadline).await;
        answer.map(drop).map_err(|error| difference(name, format!("that it does as told: {command}"), error))
    }

    async fn quit(&mut self, name: &str) -> Played {
        let deadline = self.patience();
        let exit = self.peer(name)?.quit(deadline).await;
        self.peers.remove(name);
        match exit {
            Ok(Some(0)) => Ok(()),
            Ok(code) => Err(difference(name, "exit code 0", format!("{code:?}"))),
            Err(error) => Err(difference(name, "that it quits", error)),
        }
    }

    async fn relay(&mut self, starts: bool) -> Played {
        let relay = self.relay.as_mut().ok_or_else(|| not_started("relay"))?;
        if starts {
            return relay.restart().await.map_err(|error| difference("relay", "that it starts again", error));
        }
        relay.kill().await;
        Ok(())
    }
}

/// Why nothing came.
fn over(process: &Process) -> String {
    process.over().unwrap_or_else(|| "nothing".to_owned())
}

fn not_started(name: &str) -> crate::report::Difference {
    difference(name, "that it was started", "a scenario that does not start it")
}

#[cfg(test)]
mod tests {
    use super::super::{Launch, parse::parse};
    use super::*;

    #[tokio::test]
    async fn peers_with_the_same_key_are_found_out() {
        let ready = format!(r#"{{"event":"ready","publicKey":"{}"}}"#, "09".repeat(32));
        let peer = Implementation { name: "x".to_owned(), known: None, command: format!("echo '{ready}'; exec cat") };
        let options = Options {
            via: Via::Given("ws://127.0.0.1:1".to_owned()),
            patience: Duration::from_secs(20),
            jobs: 1,
            launch: Launch::default(),
        };
        let scripts = parse("== x/y t\nspec §4\na starts\nb starts\n").unwrap();
        let observation = play(&scripts[0], &peer, &peer, &options).await;
        assert_eq!((observation.verdict, observation.got().as_str()), (Verdict::Fails, "b the key of a"));
    }
}
