//! Plays the steps of a scenario and judges what comes back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ratatosk_protocol::message::{Payload, is_pong};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::connection::Event;
use super::numbered::numbered;
use super::session::Session;
use super::{Address, Options, http};
use crate::end::End;
use crate::play::{self, Next, Play, Played, difference};
use crate::report::{Difference, Observation, Verdict};
use crate::scenario::template::{Slot, Template};
use crate::scenario::{Branch, Client, Expected, Moment, Outgoing, Scenario, Step};

/// Bulk data may take this many times the patience.
const BULK: u32 = 20;
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
    let mut scene =
        Scene { session: Session::new(address), observation: Observation::default(), patience: options.patience, stop };
    if let Err(difference) = play::steps(&mut scene, &scenario.steps).await {
        scene.observation.differs(Verdict::Fails, difference);
    }
    scene.observation
}

pub(super) struct Scene<'a> {
    pub(super) session: Session<'a>,
    pub(super) observation: Observation,
    patience: Duration,
    stop: Option<&'a (dyn Fn() + Send + Sync)>,
}

impl Play for Scene<'_> {
    type Step = Step;
    type Place = Client;

    fn observation(&mut self) -> &mut Observation {
        &mut self.observation
    }

    async fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Open(client) => {
                let opened = self.session.open(client, self.patience).await;
                opened.map_err(|error| difference(client, "an open connection", error))
            }
            Step::Send { client, what, hold } => self.send(client, what, *hold).await,
            Step::Close { client, frame } => {
                let end = match frame {
                    Some((code, reason)) => Some(End { code: *code, reason: self.render(client, reason)? }),
                    None => None,
                };
                self.transmit(client, vec![End::message(end)], false).await
            }
            Step::Abort(client) => {
                self.session.abort(client);
                Ok(())
            }
            Step::Expect { client, what } => self.expect(client, what).await,
            Step::Quiet { client, time } => play::quiet(self, client, *time).await,
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
            Step::Flood { from, to, count, size } => {
                self.fill(from, to, *count, *size).await?;
                self.flood(from, to, *count, *size).await
            }
            Step::Fill { from, to, count, size } => self.fill(from, to, *count, *size).await,
            Step::Drain { to, from, size } => self.drain(to, from, *size).await,
            Step::Pause(client, paused) => {
                self.session.pause(client, *paused);
                Ok(())
            }
            Step::AnswerPings(client) => {
                self.session.answer_pings(client);
                Ok(())
            }
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
            Step::Either(branches) => play::either(self, branches).await,
        }
    }

    fn silence(step: &Step) -> Option<(&Client, Duration)> {
        match step {
            Step::Quiet { client, time } => Some((client, *time)),
            _ => None,
        }
    }

    async fn happens(&mut self, client: &Client, time: Duration) -> Played<Option<String>> {
        self.session.wait_for(&[client], Instant::now() + time).await;
        Ok(self.session.front(client).map(|(_, event)| event.describe()))
    }

    async fn next(&mut self, step: &Step, _: &[Branch<Step>]) -> Played<Next> {
        if let Step::Response { client, check } = step {
            let response = self.session.client(client).response.as_ref();
            return Ok(if response.is_some_and(|response| response.differs(check).is_none()) {
                Next::This
            } else {
                Next::Other
            });
        }
        let Step::Expect { client, what } = step else { return Ok(Next::Other) };
        self.session.wait_for(&[client], Instant::now() + self.patience).await;
        let Some((_, event)) = self.session.front(client).cloned() else { return Ok(Next::Other) };
        Ok(match (self.matches(client, what, &event), event) {
            (None, _) => Next::Other,
            (Some(_), Event::Closed(end)) => Next::End(client.clone(), end.to_string()),
            (Some(_), _) => Next::This,
        })
    }

    fn due(&self, step: &Step) -> String {
        match step {
            Step::Expect { client, what } => self.describe(client, what),
            _ => "nothing".to_owned(),
        }
    }
}

impl Scene<'_> {
    fn render(&self, client: &str, template: &Template) -> Played<String> {
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
            Outgoing::Wire(wire) => {
                let bytes = wire.bytes(|template| self.render(client, template))?;
                let written = self.session.wire(client, bytes.into(), Instant::now() + self.patience).await;
                return if written { Ok(()) } else { Err(unread(client)) };
            }
        };
        self.transmit(client, messages, hold).await
    }

    /// The next numbered message of a client.
    pub(super) fn numbered(&mut self, client: &str, size: usize) -> Message {
        let sender = self.session.client(client);
        let number = sender.sent;
        sender.sent += 1;
        Message::binary(numbered(client, number, size))
    }

    pub(super) async fn transmit(&mut self, client: &str, messages: Vec<Message>, hold: bool) -> Played {
        if self.session.send(client, messages, hold, Instant::now() + self.patience * BULK).await {
            return Ok(());
        }
        Err(unread(client))
    }

    pub(super) async fn expect(&mut self, client: &str, what: &Expected) -> Played {
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
            (None, Expected::Close { .. }, Event::Closed(_)) => {
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
            (Expected::Close { code, reason }, Event::Closed(end)) if *code == end.code => {
                reason.matches(&end.reason, &self.session.values(client))
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
            Expected::Close { code, reason } => End { code: *code, reason: shown(reason) }.to_string(),
        }
    }

    /// When a moment is; of ping intervals, only this part counts.
    fn time(&mut self, name: &str, moment: Moment, part: f64) -> Played<Instant> {
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
}

fn unread(client: &str) -> Difference {
    difference(client, "that the server reads", "a connection that takes nothing more")
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
