//! Plays the steps of a script and judges what the peer under test does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_protocol::plugin::NonceParity;
use tokio_tungstenite::tungstenite::Message;

use super::Options;
use super::cipher::{Cipher, Keys};
use super::door::Door;
use super::judge::{self, Compared};
use super::line::{Event, Line};
use super::reception::Reception;
use super::script::{Expected, Outgoing, Place, Report, Script, Start, Step, Tell};
use super::subject::Subject;
use crate::end::End;
use crate::play::{self, Next, Play, Played, difference};
use crate::report::{Difference, Observation, Verdict};
use crate::scenario::Branch;
use crate::scenario::template::Template;

/// How long nothing may follow on a connection that stays open.
const SILENCE: Duration = Duration::from_millis(100);

/// How the peer under test is called in differences.
pub(super) const IT: &str = "it";
/// And where it knocks.
const DOOR: &str = "door";

/// Plays a script once.
pub(super) async fn play(script: &Script, options: &Options) -> Observation {
    let mut observation = Observation::default();
    let door = match Door::open().await {
        Ok(door) => door,
        Err(error) => {
            observation.differs(Verdict::Fails, difference(DOOR, "a free port", error.to_string()));
            return observation;
        }
    };
    let keys = Keys::generate();
    let mut stage = Stage {
        script,
        options,
        keys,
        door,
        subject: None,
        reception: None,
        lines: BTreeMap::new(),
        keeps_other_spares: false,
        sends: NonceParity::Even,
        observation,
    };
    let played = play::steps(&mut stage, &script.steps).await;
    if let Err(difference) = played.and_then(|()| stage.no_further_retry()) {
        stage.observation.differs(Verdict::Fails, difference);
    }
    stage.observation
}

pub(super) struct Stage<'a> {
    script: &'a Script,
    pub(super) options: &'a Options,
    pub(super) keys: Keys,
    pub(super) door: Door,
    pub(super) subject: Option<Subject>,
    /// The connections of a process that connects.
    pub(super) reception: Option<Reception>,
    lines: BTreeMap<String, Line>,
    /// Whether the process under test keeps more or fewer spares than the script is about.
    pub(super) keeps_other_spares: bool,
    /// The parity of the scripted side.
    sends: NonceParity,
    observation: Observation,
}

impl Play for Stage<'_> {
    type Step = Step;
    type Place = Place;

    fn observation(&mut self) -> &mut Observation {
        &mut self.observation
    }

    async fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Start(start) => self.start(start).await,
            Step::Tell(tell) => {
                let text = match tell {
                    Tell::Send(text) => self.render(IT, text)?,
                    _ => String::new(),
                };
                self.subject()?.tell(tell, text).await;
                Ok(())
            }
            Step::Report(what) => self.report(what).await,
            Step::Ready(count) => self.ready(*count).await,
            Step::Retries(limits) => self.retries(limits).await,
            Step::Open(name) => self.open(name).await,
            Step::Drop(_) => self.door.answer(self.patience()).await.map(drop).map_err(no_connection),
            Step::Mute(name) => {
                let stream = self.door.answer(self.patience()).await.map_err(no_connection)?;
                let line = Line::mute(stream, Cipher::new(&self.keys, self.sends));
                self.lines.insert(name.clone(), line);
                Ok(())
            }
            Step::Send { name, what, hold } => {
                let message = self.message(name, what)?;
                self.send(name, message, *hold).await
            }
            Step::Close { name, code, reason } => {
                let message = End::message(Some(End { code: *code, reason: self.render(name, reason)? }));
                self.send(name, message, false).await
            }
            Step::Abort(name) => {
                self.line(name)?.abort().await;
                Ok(())
            }
            Step::Expect { name, what } => self.expect(name, what).await,
            Step::NotBefore { name, time } => {
                self.line(name)?.not_before(*time);
                Ok(())
            }
            Step::Alive(name) => self.alive(name).await,
            Step::Quiet { place, time } => play::quiet(self, place, *time).await,
            Step::Wait(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Step::Either(branches) => play::either(self, branches).await,
        }
    }

    fn silence(step: &Step) -> Option<(&Place, Duration)> {
        match step {
            Step::Quiet { place, time } => Some((place, *time)),
            _ => None,
        }
    }

    async fn happens(&mut self, place: &Place, time: Duration) -> Played<Option<String>> {
        let deadline = Instant::now() + time;
        Ok(match place {
            Place::Door => {
                let knocks = match &mut self.reception {
                    Some(reception) => reception.knocks(deadline).await,
                    None if self.keeps_other_spares => false,
                    None => self.door.knocks(deadline).await,
                };
                knocks.then(|| "a further connection".to_owned())
            }
            Place::Subject => {
                let reports = &mut self.subject()?.reports;
                reports.wait(deadline).await;
                reports.first().map(|(_, reported)| reported.describe())
            }
            Place::Connection(name) => {
                let line = self.line(name)?;
                if line.wait(deadline, false).await { line.first().map(|event| event.describe()) } else { None }
            }
        })
    }

    async fn next(&mut self, step: &Step, branches: &[Branch<Step>]) -> Played<Next> {
        let patience = self.options.patience;
        let (compared, end) = match step {
            Step::Open(_) => match self.happens(&Place::Door, patience).await? {
                Some(_) => (Compared::Same, None),
                None => (Compared::Other, None),
            },
            Step::Expect { name, what } => {
                // Keepalives count for all branches if one of them begins with one: whoever skips them takes them.
                let is_pulse = |step: &Step| matches!(step, Step::Expect { what: Expected::Pulse, .. });
                let pulses = branches.iter().any(|branch| branch.steps.first().is_some_and(is_pulse));
                let deadline = self.patience();
                let line = self.line(name)?;
                line.wait(deadline, pulses).await;
                let Some(event) = line.first() else { return Ok(Next::Other) };
                let end = matches!(event, Event::Closed(_)).then(|| (name.clone(), event.describe()));
                (judge::event(&self.keys, &self.line_ref(name)?.challenge, what, &event), end)
            }
            Step::Report(what) => {
                self.happens(&Place::Subject, patience).await?;
                let reported = self.subject()?.reports.first().map(|(_, reported)| reported.clone());
                let Some(reported) = reported else { return Ok(Next::Other) };
                let end = reported.is_end().then(|| (IT.to_owned(), reported.describe()));
                (judge::report(&self.keys, &self.in_any_words(what), &reported), end)
            }
            _ => (Compared::Other, None),
        };
        Ok(match (compared, end) {
            (Compared::Same, None) => Next::This,
            (Compared::Same, Some((name, got))) => Next::End(name, got),
            (Compared::OtherEnd | Compared::Other, _) => Next::Other,
        })
    }

    fn due(&self, step: &Step) -> String {
        match step {
            Step::Open(_) => "a further connection".to_owned(),
            Step::Expect { what, .. } => judge::describe(&self.keys, what),
            Step::Report(what) => judge::describe_report(&self.keys, what),
            _ => "nothing".to_owned(),
        }
    }
}

impl Stage<'_> {
    async fn start(&mut self, start: &Start) -> Played {
        self.sends = match start {
            Start::Listen { .. } | Start::Accept => NonceParity::Odd,
            Start::Connect | Start::ConnectUntilSuccessful(_) | Start::ConnectNowhere => NonceParity::Even,
        };
        if let Some(process) = &self.options.process {
            let deadline = self.patience();
            return self.start_process(start, process, deadline).await;
        }
        let config = self.script.times.apply(self.options.config.clone());
        let subject = Subject::start(start, config, &self.keys, self.door.address()).await;
        self.subject = Some(subject.map_err(|error| difference(IT, "that it starts", error.to_string()))?);
        Ok(())
    }

    fn subject(&mut self) -> Played<&mut Subject> {
        self.subject.as_mut().ok_or_else(|| difference(IT, "that it was started", "a script that does not start it"))
    }

    pub(super) fn line(&mut self, name: &str) -> Played<&mut Line> {
        self.lines.get_mut(name).ok_or_else(|| not_open(name))
    }

    fn line_ref(&self, name: &str) -> Played<&Line> {
        self.lines.get(name).ok_or_else(|| not_open(name))
    }

    fn patience(&self) -> Instant {
        Instant::now() + self.options.patience
    }

    async fn open(&mut self, name: &str) -> Played {
        let deadline = self.patience();
        if let Some(reception) = &mut self.reception {
            let (first, socket) = reception.welcome(deadline).await.map_err(no_connection)?;
            let line = Line::after(first, socket, Cipher::new(&self.keys, self.sends));
            self.lines.insert(name.to_owned(), line);
            return Ok(());
        }
        let accepts: Option<SocketAddr> = self.subject()?.address;
        let socket = match accepts {
            Some(address) => Door::dial(address, deadline).await,
            None => self.door.welcome(deadline).await,
        };
        let line = Line::new(socket.map_err(no_connection)?, Cipher::new(&self.keys, self.sends));
        self.lines.insert(name.to_owned(), line);
        if self.subject()?.is_spare { self.take_spare(name).await } else { Ok(()) }
    }

    fn render(&self, name: &str, template: &Template) -> Played<String> {
        template.render(&self.keys).ok_or_else(|| difference(name, template.source(), "a placeholder without a value"))
    }

    fn message(&mut self, name: &str, what: &Outgoing) -> Played<Message> {
        let text = match what {
            Outgoing::Text(text)
            | Outgoing::TextAsBinary(text)
            | Outgoing::Encrypted(text)
            | Outgoing::Tampered(text)
            | Outgoing::WrongParity(text) => self.render(name, text)?,
            _ => String::new(),
        };
        let sends = self.sends;
        let keys = &self.keys;
        let unencrypted = || difference(name, "an encrypted connection", "a script that exchanges no keys");
        let line = self.lines.get_mut(name).ok_or_else(|| not_open(name))?;
        let cipher = &mut line.cipher;
        let binary = |frame: Option<_>| frame.map(Message::Binary).ok_or_else(unencrypted);
        Ok(match what {
            Outgoing::Text(_) => Message::text(text),
            Outgoing::TextAsBinary(_) => Message::binary(text.into_bytes()),
            Outgoing::Binary(data) => Message::binary(data.clone()),
            Outgoing::Challenge(len) => {
                line.challenge = vec![0; *len];
                OsEntropy.fill(&mut line.challenge);
                let key = SharedKey::between(keys.server.secret(), keys.listener_key());
                let boxed = boxed::seal(&key, &line.challenge, &mut OsEntropy);
                to_message(message::authentication_request(keys.server.public(), &boxed))
            }
            Outgoing::Key => Message::binary(cipher.key_message()),
            Outgoing::KeyOfOther => Message::binary(boxed::seal(&keys.of_other(sends), &[1; 32], &mut OsEntropy)),
            Outgoing::KeyOfLength(len) => Message::binary(cipher.key_message_of(&vec![1; *len])),
            Outgoing::KeyOf(key) => Message::binary(cipher.key_message_of(key)),
            Outgoing::KeyBack => Message::Binary(line.key_message.clone()),
            Outgoing::Encrypted(_) => binary(cipher.seal(&Payload::text(text)))?,
            Outgoing::EncryptedBinary(data) => binary(cipher.seal(&Payload::binary(data.clone())))?,
            Outgoing::Padded(padded) => binary(cipher.seal_padded(padded))?,
            Outgoing::Tampered(_) => {
                let frame = cipher.seal(&Payload::text(text)).ok_or_else(unencrypted)?;
                let mut frame = frame.to_vec();
                if let Some(last) = frame.last_mut() {
                    *last ^= 1;
                }
                Message::binary(frame)
            }
            Outgoing::WrongParity(_) => binary(cipher.seal_wrong_parity(&Payload::text(text)))?,
            Outgoing::Again => line.last().ok_or_else(unencrypted)?,
        })
    }

    async fn send(&mut self, name: &str, message: Message, hold: bool) -> Played {
        let deadline = self.patience();
        self.line(name)?.send(message, hold, deadline).await;
        Ok(())
    }

    async fn expect(&mut self, name: &str, what: &Expected) -> Played {
        let patience = self.options.patience;
        let due = judge::describe(&self.keys, what);
        let line = self.line(name)?;
        let deadline = line.earliest() + patience;
        line.wait(deadline, *what == Expected::Pulse).await;
        let Some((event, early)) = line.take() else {
            return Err(difference(name, due, "nothing"));
        };
        if early {
            return Err(difference(name, due, format!("too early: {}", event.describe())));
        }
        match judge::event(&self.keys, &self.line_ref(name)?.challenge, what, &event) {
            Compared::Same => {}
            Compared::OtherEnd => {
                self.observation.differs(Verdict::Deviates, difference(name, due, event.describe()));
            }
            Compared::Other => return Err(difference(name, due, event.describe())),
        }
        match (what, event) {
            // From here on the messages of this connection can be read.
            (Expected::Key, Event::Binary(key)) => {
                let line = self.line(name)?;
                let taken = line.cipher.take_key(&key);
                line.key_message = key;
                taken.ok_or_else(|| difference(name, "a key message", "a box that does not open"))
            }
            _ => Ok(()),
        }
    }

    /// Sends a WebSocket ping behind everything else; when its answer is there, everything was read.
    async fn alive(&mut self, name: &str) -> Played {
        let deadline = self.patience();
        self.send(name, Message::Ping(vec![].into()), false).await?;
        let line = self.line(name)?;
        line.wait(deadline, false).await;
        let got = match line.take() {
            Some((Event::Pong, _)) if !line.wait(Instant::now() + SILENCE, false).await => return Ok(()),
            Some((Event::Pong, _)) | None => line.first(),
            Some((event, _)) => Some(event),
        };
        let got = got.map_or_else(|| "nothing".to_owned(), |event| event.describe());
        Err(difference(name, "an open connection that reads", got))
    }

    async fn report(&mut self, what: &Report) -> Played {
        let deadline = self.patience();
        if self.is_untold(what) {
            return Ok(());
        }
        let what = &self.in_any_words(what);
        let due = judge::describe_report(&self.keys, what);
        let subject = self.subject()?;
        subject.reports.wait(deadline).await;
        let Some((_, reported)) = subject.reports.take() else {
            return Err(difference(IT, due, "nothing"));
        };
        match judge::report(&self.keys, what, &reported) {
            Compared::Same => Ok(()),
            Compared::OtherEnd => {
                self.observation.differs(Verdict::Deviates, difference(IT, due, reported.describe()));
                Ok(())
            }
            Compared::Other => Err(difference(IT, due, reported.describe())),
        }
    }

    async fn ready(&mut self, count: usize) -> Played {
        let deadline = self.patience();
        // A process says whether it has spares, and not how many; nor does it say it at once.
        let count = match self.options.process {
            Some(_) if count == 0 => return Ok(()),
            Some(_) => 1,
            None => count,
        };
        let ready = &mut self.subject()?.ready;
        let reached = tokio::time::timeout_at(deadline.into(), ready.wait_for(|ready| *ready == count)).await;
        if reached.is_ok_and(|reached| reached.is_ok()) {
            return Ok(());
        }
        let got = *ready.borrow();
        Err(difference(IT, format!("{count} registered spares"), format!("{got} of them")))
    }

    async fn retries(&mut self, limits: &[Duration]) -> Played {
        if self.options.process.is_some() {
            // It does not tell, and waits as long as it likes.
            return Ok(());
        }
        for limit in limits {
            let deadline = self.patience() + *limit;
            let retries = &mut self.subject()?.retries;
            let due = format!("one further attempt within {} ms", limit.as_millis());
            retries.wait(deadline).await;
            match retries.take() {
                Some((_, delay)) if delay <= *limit => {}
                Some((_, delay)) => return Err(difference(IT, due, format!("one after {} ms", delay.as_millis()))),
                None => return Err(difference(IT, due, "nothing")),
            }
        }
        Ok(())
    }

    /// At the end of a script, every retry was expected.
    fn no_further_retry(&mut self) -> Played {
        match self.subject.as_mut().and_then(|subject| subject.retries.take()) {
            None => Ok(()),
            Some((_, delay)) => Err(difference(IT, "no further retry", format!("one after {} ms", delay.as_millis()))),
        }
    }
}

fn not_open(name: &str) -> Difference {
    difference(name, "that it is open", "a script that does not open it")
}

fn no_connection(error: String) -> Difference {
    difference(DOOR, "a connection", error)
}

fn to_message(payload: Payload) -> Message {
    match payload {
        Payload::Text(text) => Message::text(text),
        Payload::Binary(data) => Message::Binary(data),
    }
}

impl AsRef<str> for Place {
    fn as_ref(&self) -> &str {
        match self {
            Self::Connection(name) => name,
            Self::Subject => IT,
            Self::Door => DOOR,
        }
    }
}
