//! Plays the steps of a scenario, and judges what comes of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use serde_json::{Value, json};

use super::Cast;
use super::actor::{Actor, environment};
use super::chat::{agree, last_file, shown, topic};
use super::folder::Folder;
use super::script::{Name, Script, Step};
use crate::peer::Options;
use crate::play::{self, Next, Play, Played, difference};
use crate::report::{Observation, Verdict};
use crate::scenario::Branch;
use crate::scenario::template::{NoValues, Template};

/// Whoever has lost a connection tries again after up to ten seconds, and polls after five.
const UNHURRIED: u32 = 2;
/// How long the hostile partner may take: it waits for deadlines of half a minute.
const ATTACK: Duration = Duration::from_secs(60);
/// After so long, what came before an attack was over and has not been shown is not shown.
const POLLS: Duration = Duration::from_secs(2);

/// Plays a scenario at a CommServer.
pub(super) async fn play(script: &Script, cast: Cast<'_>, url: &str, options: &Options) -> Observation {
    let mut run = [0; 6];
    OsEntropy.fill(&mut run);
    let mut observation = Observation::default();
    let folder = match Folder::create() {
        Ok(folder) => folder,
        Err(error) => {
            observation.differs(Verdict::Fails, difference("a", "a folder", error.to_string()));
            return observation;
        }
    };
    let mut stage = Stage {
        script,
        cast,
        url,
        options,
        run: hex::encode(run),
        actors: BTreeMap::new(),
        persons: BTreeMap::new(),
        invitation: Value::Null,
        got: String::new(),
        observation,
        folder,
    };
    if let Err(difference) = play::steps(&mut stage, &script.steps).await {
        stage.observation.differs(Verdict::Fails, difference);
    }
    stage.observation
}

struct Stage<'a> {
    script: &'a Script,
    cast: Cast<'a>,
    url: &'a str,
    options: &'a Options,
    /// It makes persons of this play different from those of others.
    run: String,
    // They end before their folder is removed.
    actors: BTreeMap<Name, Actor>,
    /// They stay when a peer has gone.
    persons: BTreeMap<Name, String>,
    invitation: Value,
    /// What came of the last attack.
    got: String,
    observation: Observation,
    folder: Folder,
}

impl Play for Stage<'_> {
    type Step = Step;
    type Place = Name;

    fn observation(&mut self) -> &mut Observation {
        &mut self.observation
    }

    async fn step(&mut self, step: &Step) -> Played {
        let (soon, later) = (self.patience(1), self.patience(UNHURRIED));
        match step {
            Step::Start(name) => self.start(name).await,
            Step::Online(name) => self.actor(name)?.online(soon).await,
            Step::Invite(name) => {
                let answer = self.actor(name)?.ask(json!({"cmd": "invite"}), soon).await?;
                self.invitation = answer["invitation"].clone();
                Ok(())
            }
            Step::Spoil => {
                self.invitation["token"] = json!("x".repeat(64));
                Ok(())
            }
            Step::Accept { name, works } => self.accept(name, *works).await,
            Step::Paired { name, with } => self.with(name, with, "pairing", later).await,
            Step::Linked { name, with } => self.with(name, with, "protocolStart", later).await,
            Step::Knows { name, whom } => self.knows(name, whom).await,
            Step::Called { name, whom, called } => self.called(name, whom, called).await,
            Step::Rename { name, called } => {
                let command = json!({"cmd": "setName", "name": called});
                self.actor(name)?.ask(command, soon).await.map(drop)
            }
            Step::Topic { name, with } => self.topic(name, with).await,
            Step::Finds { name, with } => {
                let topic = self.topic_of(name, with)?;
                let look = |answer: &Value| {
                    let found = answer["topics"].as_array().is_some_and(|all| all.iter().any(|it| it["id"] == topic));
                    if found { Ok(()) } else { Err("without it".to_owned()) }
                };
                let expected = format!("the topic with {with}");
                self.actor(name)?.until(&json!({"cmd": "topics"}), &expected, later, look).await
            }
            Step::Say { name, to, text } => {
                let command = json!({"cmd": "send", "topic": self.topic_of(name, to)?, "text": text});
                self.actor(name)?.ask(command, soon).await.map(drop)
            }
            Step::Hear { name, from, text } => self.hear(name, from, text).await,
            Step::Burst(count) => self.burst(*count).await,
            Step::Agree(count) => {
                let topic = self.topic_of("a", "b")?;
                agree(self.both()?, &topic, *count, later).await
            }
            Step::File { name, to, len } => {
                let command = json!({"cmd": "sendFile", "topic": self.topic_of(name, to)?, "size": len});
                self.actor(name)?.ask(command, soon).await.map(drop)
            }
            Step::HasFile { name, from } => self.has_file(name, from).await,
            Step::Connections { name, count } => self.actor(name)?.connections(*count, later).await,
            Step::Disconnect(names) => self.all(names, "disconnect").await,
            Step::Reconnect(names) => self.all(names, "reconnect").await,
            Step::Quit(name) => {
                self.actor(name)?.quit(soon).await?;
                self.actors.remove(name);
                Ok(())
            }
            Step::Kill(name) => {
                self.actor(name)?.kill().await;
                self.actors.remove(name);
                Ok(())
            }
            Step::Wait(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Step::Idle(time) => self.idle(*time).await,
            Step::Attack { name, what } => self.attack(name, what).await,
            Step::Got(template) => self.compare(template),
            Step::Shown { name, with, text, how } => {
                let got = self.shown(name, with, text).await?;
                if got == *how { Ok(()) } else { Err(difference(name, format!("{text} as {how}"), got)) }
            }
            Step::Either(branches) => play::either(self, branches).await,
        }
    }

    fn silence(_: &Step) -> Option<(&Name, Duration)> {
        None
    }

    async fn happens(&mut self, _: &Name, _: Duration) -> Played<Option<String>> {
        Ok(None)
    }

    async fn next(&mut self, step: &Step, _: &[Branch<Step>]) -> Played<Next> {
        let is = match step {
            Step::Got(template) => template.matches(&self.got, &NoValues).is_some(),
            Step::Shown { name, with, text, how } => self.shown(name, with, text).await? == *how,
            _ => false,
        };
        Ok(if is { Next::This } else { Next::Other })
    }

    fn due(&self, step: &Step) -> String {
        match step {
            Step::Got(template) => template.source().to_owned(),
            Step::Shown { text, how, .. } => format!("{text} as {how}"),
            _ => "nothing".to_owned(),
        }
    }
}

impl Stage<'_> {
    fn patience(&self, times: u32) -> Instant {
        Instant::now() + self.options.patience * times
    }

    fn actor(&mut self, name: &str) -> Played<&mut Actor> {
        self.actors.get_mut(name).ok_or_else(|| not_started(name))
    }

    fn both(&mut self) -> Played<(&mut Actor, &mut Actor)> {
        let mut pair = self.actors.iter_mut().filter(|(name, _)| matches!(name.as_str(), "a" | "b"));
        match (pair.next(), pair.next()) {
            (Some((_, a)), Some((_, b))) => Ok((a, b)),
            _ => Err(not_started("b")),
        }
    }

    fn person(&self, name: &str) -> Played<&str> {
        self.persons.get(name).map(String::as_str).ok_or_else(|| not_started(name))
    }

    fn topic_of(&self, name: &str, with: &str) -> Played<String> {
        Ok(topic(self.person(name)?, self.person(with)?))
    }

    async fn start(&mut self, name: &str) -> Played {
        let implementation = match name.chars().next() {
            Some('m') => self.cast.hostile.ok_or_else(|| not_started(name))?,
            Some('b') => self.cast.b,
            _ => self.cast.a,
        };
        let environment = environment(name, &self.run, &self.folder.join(name), self.script);
        let deadline = self.patience(1);
        let launch = &self.options.launch;
        let actor = Actor::start(name, &implementation.command, self.url, &environment, launch, deadline).await?;
        let person = actor.person.clone();
        if let Some(before) = self.persons.get(name).filter(|before| **before != person) {
            return Err(difference(name, format!("to be {before} again"), person));
        }
        self.persons.insert(name.to_owned(), person);
        self.actors.insert(name.to_owned(), actor);
        Ok(())
    }

    async fn accept(&mut self, name: &str, works: bool) -> Played {
        let command = json!({"cmd": "accept", "invitation": self.invitation});
        // Whoever is refused by silence waits for a deadline.
        let deadline = Instant::now() + ATTACK;
        match (works, self.actor(name)?.try_ask(command, deadline).await) {
            (true, Err(error)) => Err(difference(name, "that it is accepted", error)),
            (false, Ok(_)) => Err(difference(name, "that it is refused", "accepted")),
            (false, Err(error)) if error == "no answer" => Err(difference(name, "that it is refused", error)),
            _ => Ok(()),
        }
    }

    /// An event that is about somebody.
    async fn with(&mut self, name: &str, with: &str, event: &str, deadline: Instant) -> Played {
        let person = self.person(with)?.to_owned();
        let is = |it: &Value| it["remotePersonId"] == person && (event != "protocolStart" || it["protocol"] == "chum");
        self.actor(name)?.due(event, is, deadline).await.map(drop)
    }

    async fn knows(&mut self, name: &str, whom: &[Name]) -> Played {
        let mut persons = whom.iter().map(|it| self.person(it).map(str::to_owned)).collect::<Played<Vec<_>>>()?;
        persons.sort_unstable();
        let expected = if whom.is_empty() { "nobody".to_owned() } else { whom.join(" and ") };
        let deadline = self.patience(1);
        let look = |answer: &Value| {
            let list = answer["contacts"].as_array().ok_or("no list")?;
            let mut got: Vec<_> = list.iter().filter_map(|it| it["personId"].as_str().map(str::to_owned)).collect();
            got.sort_unstable();
            if got == persons { Ok(()) } else { Err(format!("{} contacts", got.len())) }
        };
        self.actor(name)?.until(&json!({"cmd": "contacts"}), &expected, deadline, look).await
    }

    async fn called(&mut self, name: &str, whom: &str, called: &str) -> Played {
        let person = self.person(whom)?.to_owned();
        let deadline = self.patience(UNHURRIED);
        let look = |answer: &Value| {
            let contact = answer["contacts"].as_array().and_then(|all| all.iter().find(|it| it["personId"] == person));
            let got = contact.and_then(|it| it["name"].as_str()).unwrap_or("no name");
            if got == called { Ok(()) } else { Err(got.to_owned()) }
        };
        self.actor(name)?.until(&json!({"cmd": "contacts"}), &format!("{whom} as {called}"), deadline, look).await
    }

    async fn topic(&mut self, name: &str, with: &str) -> Played {
        let (person, expected) = (self.person(with)?.to_owned(), self.topic_of(name, with)?);
        let deadline = self.patience(1);
        let answer = self.actor(name)?.ask(json!({"cmd": "topic", "with": person}), deadline).await?;
        match answer["topic"].as_str() {
            Some(topic) if topic == expected => Ok(()),
            got => Err(difference(name, expected, got.unwrap_or("no topic"))),
        }
    }

    async fn hear(&mut self, name: &str, from: &str, text: &str) -> Played {
        let (topic, author) = (self.topic_of(name, from)?, self.person(from)?.to_owned());
        let deadline = self.patience(UNHURRIED);
        let is = |it: &Value| it["topic"] == topic && it["text"] == text && it["own"] == false;
        let event = self.actor(name)?.due("message", is, deadline).await?;
        match event["author"].as_str() {
            Some(got) if got == author => Ok(()),
            got => Err(difference(name, format!("{from} as the author"), got.unwrap_or("nobody"))),
        }
    }

    async fn burst(&mut self, count: usize) -> Played {
        let topic = self.topic_of("a", "b")?;
        let deadline = self.patience(UNHURRIED);
        let command = |name: &str| json!({"cmd": "burst", "topic": topic, "text": name, "n": count});
        let (a, b) = self.both()?;
        try_join_all([a.ask(command("a"), deadline), b.ask(command("b"), deadline)]).await.map(drop)
    }

    async fn has_file(&mut self, name: &str, from: &str) -> Played {
        let author = self.person(from)?.to_owned();
        let command = json!({"cmd": "messages", "topic": self.topic_of(name, from)?});
        let deadline = self.patience(UNHURRIED);
        let sent = last_file(&self.actor(from)?.ask(command.clone(), deadline).await?, &author);
        let sent = sent.ok_or_else(|| difference(from, "that it has its own file", "it has not"))?;
        let look = |answer: &Value| match last_file(answer, &author) {
            Some(file) if file == sent => Ok(()),
            Some((hash, len)) => Err(format!("{hash}, {len} bytes")),
            None => Err("no file".to_owned()),
        };
        let expected = format!("{}, {} bytes", sent.0, sent.1);
        self.actor(name)?.until(&command, &expected, deadline, look).await
    }

    async fn all(&mut self, names: &[Name], command: &str) -> Played {
        let deadline = self.patience(1);
        let told = self.actors.iter_mut().filter(|(name, _)| names.contains(name));
        try_join_all(told.map(|(_, actor)| actor.ask(json!({"cmd": command}), deadline))).await.map(drop)
    }

    async fn idle(&mut self, time: Duration) -> Played {
        // What was said up to here does not count.
        let now = Instant::now();
        for actor in self.actors.values() {
            while actor.event("protocolStart", |_| true, now).await.is_some() {}
        }
        let until = now + time;
        for (name, actor) in &self.actors {
            if actor.event("protocolStart", |_| true, until).await.is_some() {
                return Err(difference(name, "that its connection stays", "a new one"));
            }
        }
        let deadline = self.patience(1);
        let (a, b) = self.both()?;
        a.connections(1, deadline).await?;
        b.connections(1, deadline).await
    }

    async fn attack(&mut self, name: &str, what: &str) -> Played {
        let deadline = Instant::now() + ATTACK;
        let command =
            json!({"cmd": "attack", "name": what, "invitation": self.invitation, "other": self.persons.get("b")});
        let answer = self.actor(name)?.ask(command, deadline).await?;
        answer["got"].as_str().unwrap_or("nothing").clone_into(&mut self.got);
        Ok(())
    }

    /// What came of an attack. Another reason than the recorded one is a small difference; an end that is none is not.
    fn compare(&mut self, template: &Template) -> Played {
        if template.matches(&self.got, &NoValues).is_some() {
            return Ok(());
        }
        let differs = difference("m", template.source(), &self.got);
        let end = "closed";
        if !template.source().starts_with(end) || !self.got.starts_with(end) {
            return Err(differs);
        }
        self.observation.differs(Verdict::Deviates, differs);
        Ok(())
    }

    /// How a message is shown, once it is, or `nothing`.
    async fn shown(&mut self, name: &str, with: &str, text: &str) -> Played<String> {
        let command = json!({"cmd": "messages", "topic": self.topic_of(name, with)?});
        let (deadline, until) = (self.patience(1), Instant::now() + POLLS);
        let look = |answer: &Value| shown(answer, text).map_or_else(|| Err("nothing".to_owned()), Ok);
        let actor = self.actor(name)?;
        loop {
            // It may not even have the topic.
            let answer = actor.try_ask(command.clone(), deadline).await.unwrap_or_default();
            match look(&answer) {
                Err(nothing) if Instant::now() > until => return Ok(nothing),
                Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
                Ok(how) => return Ok(how),
            }
        }
    }
}

fn not_started(name: &str) -> crate::report::Difference {
    difference(name, "that it was started", "a scenario that does not start it")
}
