//! Plays the steps of a scenario and judges what comes back.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ratatosk_protocol::message::{Payload, is_pong};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::connection::{Connection, Event, close_text};
use super::numbered::numbered;
use super::session::Session;
use super::{Address, Options, http};
use crate::report::{Difference, Observation, Verdict};
use crate::scenario::reason::Reason;
use crate::scenario::template::{Slot, Template};
use crate::scenario::{Branch, Expected, Moment, Outgoing, Scenario, Step};

/// Bulk data may take this many times the patience.
const BULK: u32 = 20;
/// How long a write has to stand still to count as slowed down.
const STALL: Duration = Duration::from_millis(1500);
/// How long nothing may come to those who should get nothing.
const SILENCE: Duration = Duration::from_millis(200);
/// The part of a ping interval that has to pass; the rest is for clocks and schedulers on both sides.
const PUNCTUALITY: f64 = 0.7;

/// Plays a scenario.
pub(super) async fn play(
    address: &Address,
    stop: Option<&(dyn Fn() + Send + Sync)>,
    scenario: &Scenario,
    options: &Options,
) -> Observation {
    let mut play =
        Play { session: Session::new(address), observation: Observation::default(), patience: options.patience, stop };
    if let Err(difference) = play.steps(&scenario.steps).await {
        play.observation.differs(Verdict::Fails, difference);
    }
    play.observation
}

struct Play<'a> {
    session: Session<'a>,
    observation: Observation,
    patience: Duration,
    stop: Option<&'a (dyn Fn() + Send + Sync)>,
}

/// The difference that ends a scenario.
type Played = Result<(), Difference>;

fn difference(client: &str, expected: impl Into<String>, got: impl Into<String>) -> Difference {
    Difference { client: client.to_owned(), expected: expected.into(), got: got.into() }
}

impl Play<'_> {
    /// Boxed, because branches hold steps again.
    fn steps<'s>(&'s mut self, steps: &'s [Step]) -> Pin<Box<dyn Future<Output = Played> + Send + 's>> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Open(client) => {
                let opened = self.session.open(client, self.patience).await;
                opened.map_err(|error| difference(client, "an open connection", error))
            }
            Step::Send { client, what, hold } => self.send(client, what, *hold).await,
            Step::Close { client, frame } => {
                let frame = match frame {
                    Some((code, reason)) => Some((*code, self.render(client, reason)?)),
                    None => None,
                };
                self.transmit(client, vec![Connection::close_message(frame)], false).await
            }
            Step::Abort(client) => {
                self.session.abort(client);
                Ok(())
            }
            Step::Expect { client, what } => self.expect(client, what).await,
            Step::Quiet { client, time } => match self.next(client, *time).await {
                None => Ok(()),
                Some(event) => Err(difference(client, "nothing", event.describe())),
            },
            Step::Wait(time) => {
                self.session.wait_until(Instant::now() + *time).await;
                Ok(())
            }
            Step::NotBefore { client, moment } => {
                let time = self.time(client, *moment, PUNCTUALITY)?;
                self.session.client(client).not_before = Some(time);
                Ok(())
            }
            Step::NotAfter { client, moment } => {
                let time = self.time(client, *moment, 1.0)?;
                self.session.client(client).not_after = Some(time);
                Ok(())
            }
            Step::Flood { from, to, count, size } => self.flood(from, to, *count, *size).await,
            Step::Tally { count, clients, what } => self.tally(*count, clients, what).await,
            Step::Http { client, head } => {
                let head = head.iter().map(|line| self.render(client, line)).collect::<Result<Vec<_>, _>>()?;
                let response = http::exchange(self.session.address(), &head, self.patience).await;
                let response = response.map_err(|error| difference(client, "an HTTP response", error))?;
                self.session.client(client).response = Some(response);
                Ok(())
            }
            Step::Response { client, check } => {
                let response = self.session.client(client).response.as_ref();
                let response = response.ok_or_else(|| difference(client, "an HTTP response", "nothing"))?;
                response.differs(check).map_or(Ok(()), |(expected, got)| Err(difference(client, expected, got)))
            }
            Step::Stop => {
                if let Some(stop) = self.stop {
                    stop();
                }
                Ok(())
            }
            Step::Either(branches) => self.either(branches).await,
        }
    }

    fn render(&self, client: &str, template: &Template) -> Result<String, Difference> {
        let missing = || difference(client, template.source(), "the server has not said what this needs");
        template.render(&self.session.values(client)).ok_or_else(missing)
    }

    async fn send(&mut self, client: &str, what: &Outgoing, hold: bool) -> Played {
        let messages = match what {
            Outgoing::Text(text) => {
                let text = self.render(client, text)?;
                if is_pong(&Payload::text(text.as_str())) {
                    self.session.client(client).sign_of_life = Some(Instant::now());
                }
                vec![Message::text(text)]
            }
            Outgoing::Fragments(count, text) => fragments(Data::Text, &self.render(client, text)?.into(), *count),
            Outgoing::TextAsBinary(text) => vec![Message::binary(self.render(client, text)?.into_bytes())],
            Outgoing::Binary(bytes) => vec![Message::binary(bytes.clone())],
            Outgoing::BinaryFragments(count, bytes) => fragments(Data::Binary, &bytes.clone().into(), *count),
            Outgoing::RawText(bytes) => fragments(Data::Text, &bytes.clone().into(), 1),
            Outgoing::Zeros(size) => vec![Message::binary(vec![0; *size])],
            Outgoing::Numbered(size) => vec![self.numbered(client, *size)],
            Outgoing::Ping(bytes) => vec![Message::Ping(bytes.clone().into())],
        };
        self.transmit(client, messages, hold).await
    }

    /// The next numbered message of a client.
    fn numbered(&mut self, client: &str, size: usize) -> Message {
        let sender = self.session.client(client);
        let number = sender.sent;
        sender.sent += 1;
        Message::binary(numbered(client, number, size))
    }

    async fn transmit(&mut self, client: &str, messages: Vec<Message>, hold: bool) -> Played {
        if self.session.send(client, messages, hold, Instant::now() + self.patience * BULK).await {
            return Ok(());
        }
        Err(difference(client, "that the server reads", "a connection that takes nothing more"))
    }

    /// What a client gets within `time`.
    async fn next(&mut self, client: &str, time: Duration) -> Option<Event> {
        self.session.wait_for(&[client], Instant::now() + time).await;
        self.session.pop(client).map(|(_, event)| event)
    }

    async fn expect(&mut self, client: &str, what: &Expected) -> Played {
        let due = self.describe(client, what);
        let not_before = self.session.client(client).not_before.take();
        let not_after = self.session.client(client).not_after.take();
        let deadline = not_before.unwrap_or_else(Instant::now).max(Instant::now()) + self.patience;
        self.session.wait_for(&[client], deadline).await;
        let Some((time, event)) = self.session.pop(client) else {
            return Err(difference(client, due, "nothing"));
        };
        if not_before.is_some_and(|not_before| time < not_before) {
            return Err(difference(client, due, format!("too early: {}", event.describe())));
        }
        if not_after.is_some_and(|not_after| time > not_after) {
            return Err(difference(client, due, format!("too late: {}", event.describe())));
        }
        match (self.matches(client, what, &event), what, &event) {
            (Some(learned), ..) => self.learn(client, what, learned, time),
            (None, Expected::Close { .. }, Event::Closed { .. }) => {
                self.observation.differs(Verdict::Deviates, difference(client, due, event.describe()));
            }
            (None, ..) => return Err(difference(client, due, event.describe())),
        }
        Ok(())
    }

    /// Takes over what a matching message says.
    fn learn(&mut self, client: &str, what: &Expected, learned: Vec<(Slot, String)>, time: Instant) {
        let client = self.session.client(client);
        if learned.iter().any(|(slot, _)| *slot == Slot::Interval) {
            client.sign_of_life = Some(time);
        }
        client.learned.extend(learned);
        if let Expected::Numbered { from, .. } = what {
            *client.got.entry(from.clone()).or_default() += 1;
        }
    }

    /// Whether an event is the expected one; with what it says about the server.
    fn matches(&mut self, client: &str, what: &Expected, event: &Event) -> Option<Vec<(Slot, String)>> {
        let equal = |same: bool| same.then(Vec::new);
        match (what, event) {
            (Expected::Text(template), Event::Text(text)) => template.matches(text, &self.session.values(client)),
            (Expected::Binary(expected), Event::Binary(data)) => equal(expected[..] == data[..]),
            (Expected::Pong(expected), Event::Pong(data)) => equal(expected[..] == data[..]),
            (Expected::Numbered { size, from }, Event::Binary(data)) => {
                let number = self.session.client(client).got.get(from).copied().unwrap_or_default();
                equal(data[..] == numbered(from, number, *size)[..])
            }
            (Expected::Close { code, reason }, Event::Closed { code: got, reason: text }) if code == got => {
                reason.matches(text, &self.session.values(client))
            }
            _ => None,
        }
    }

    /// An expectation for people.
    fn describe(&self, client: &str, what: &Expected) -> String {
        let shown =
            |template: &Template| template.render(&self.session.values(client)).unwrap_or(template.source().to_owned());
        match what {
            Expected::Text(template) => shown(template),
            Expected::Binary(data) => Event::Binary(Bytes::copy_from_slice(data)).describe(),
            Expected::Numbered { size, from } => format!("the next {size} bytes of {from}"),
            Expected::Pong(data) => Event::Pong(Bytes::copy_from_slice(data)).describe(),
            Expected::Close { code, reason } => close_text(*code, &shown(reason)),
        }
    }

    /// When a moment is; of ping intervals, only this part counts.
    fn time(&mut self, name: &str, moment: Moment, part: f64) -> Result<Instant, Difference> {
        let client = self.session.client(name);
        match moment {
            Moment::Intervals(intervals) => {
                let interval: Option<u64> = client.learned.get(&Slot::Interval).and_then(|millis| millis.parse().ok());
                let (Some(interval), Some(since)) = (interval, client.sign_of_life) else {
                    return Err(difference(name, "a registered spare", "no ping interval"));
                };
                Ok(since + Duration::from_millis(interval).mul_f64(intervals * part))
            }
            Moment::Open(time) => {
                let began = client.began.ok_or_else(|| difference(name, "an open connection", "none"))?;
                Ok(began + time)
            }
        }
    }

    /// Takes the branch whose first step is what happens. Silence is tried first: it takes less time than to wait in vain
    /// for what another branch begins with.
    async fn either(&mut self, branches: &[Branch]) -> Played {
        for branch in branches {
            if let Some((Step::Quiet { client, time }, rest)) = branch.steps.split_first()
                && !self.session.wait_for(&[client], Instant::now() + *time).await
            {
                self.observation.note(branch.verdict, branch.reason);
                return self.steps(rest).await;
            }
        }
        for branch in branches {
            if let Some(Step::Expect { client, what }) = branch.steps.first()
                && self.is_next(client, what).await
            {
                self.observation.note(branch.verdict, branch.reason);
                return self.steps(&branch.steps).await;
            }
        }
        // None of them: playing the first tells what is missing, or how an end differs.
        match branches.first() {
            Some(branch) => self.steps(&branch.steps).await,
            None => Ok(()),
        }
    }

    /// Whether this is what a client gets next. Takes nothing.
    async fn is_next(&mut self, client: &str, what: &Expected) -> bool {
        self.session.wait_for(&[client], Instant::now() + self.patience).await;
        let event = self.session.front(client).map(|(_, event)| event.clone());
        event.is_some_and(|event| self.matches(client, what, &event).is_some())
    }

    async fn tally(&mut self, count: usize, clients: &[String], what: &Expected) -> Played {
        let deadline = Instant::now() + self.patience;
        let due = |of: &Self| format!("{count} times {}", of.describe("", what));
        let mut left: Vec<&str> = clients.iter().map(String::as_str).collect();
        let mut seen = 0;
        // After the last one, silence.
        while self.session.wait_for(&left, if seen < count { deadline } else { Instant::now() + SILENCE }).await {
            let Some(index) = left.iter().position(|client| self.session.front(client).is_some()) else { break };
            let client = left.remove(index);
            let Some((_, event)) = self.session.pop(client) else { break };
            seen += 1;
            if seen > count || self.matches(client, what, &event).is_none() {
                return Err(difference(client, due(self), format!("number {seen}: {}", event.describe())));
            }
        }
        if seen == count { Ok(()) } else { Err(difference("", due(self), format!("{seen} of them"))) }
    }

    async fn flood(&mut self, from: &str, to: &str, count: usize, size: usize) -> Played {
        self.session.pause(to, true);
        let mut sent = 0;
        let mut stalled = false;
        while sent < count && !stalled {
            let message = self.numbered(from, size);
            sent += 1;
            stalled = !self.session.send(from, vec![message], false, Instant::now() + STALL).await;
        }
        if stalled {
            self.observation.note(Verdict::Better, Some(Reason::BackPressure));
        }
        self.session.pause(to, false);
        let expected = Expected::Numbered { size, from: from.to_owned() };
        for _ in 0..count {
            // Send on as the receiver makes room.
            if sent < count && self.session.front(to).is_none() {
                let message = self.numbered(from, size);
                sent += 1;
                self.transmit(from, vec![message], false).await?;
            }
            self.expect(to, &expected).await?;
        }
        Ok(())
    }
}

/// A message in so many frames.
fn fragments(kind: Data, data: &Bytes, count: usize) -> Vec<Message> {
    let count = count.max(1);
    let part = data.len().div_ceil(count).max(1);
    let frame = |index: usize| {
        let piece = data.slice((index * part).min(data.len())..((index + 1) * part).min(data.len()));
        let kind = if index == 0 { kind } else { Data::Continue };
        Message::Frame(Frame::message(piece, OpCode::Data(kind), index + 1 == count))
    };
    (0..count).map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_hold_the_whole_message() {
        let frames: Vec<_> = fragments(Data::Text, &Bytes::from_static(b"0123456"), 3)
            .into_iter()
            .map(|message| match message {
                Message::Frame(frame) => (frame.header().opcode, frame.header().is_final, frame.into_payload()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            frames,
            [
                (OpCode::Data(Data::Text), false, Bytes::from_static(b"012")),
                (OpCode::Data(Data::Continue), false, Bytes::from_static(b"345")),
                (OpCode::Data(Data::Continue), true, Bytes::from_static(b"6")),
            ]
        );
    }
}
