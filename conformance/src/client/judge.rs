//! Compares what came with what was due, and says both for people.

use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::message::{self, AuthenticationResponse, Payload};
use ratatosk_protocol::plugin::KEEPALIVE;

use super::cipher::Keys;
use super::line::Event;
use super::script::{Expected, Report};
use super::subject::{Reported, ended_text};
use crate::end::End;
use crate::scenario::template::{Answer, KeyName, Slot, Template, Values};

/// Bytes of a key message.
const KEY_MESSAGE_LEN: usize = boxed::OVERHEAD + 32;

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Same,
    /// An end was due and came, in another way or in other words.
    OtherEnd,
    Other,
}

impl Compared {
    fn exact(same: bool) -> Self {
        if same { Self::Same } else { Self::Other }
    }

    fn end(same: bool) -> Self {
        if same { Self::Same } else { Self::OtherEnd }
    }
}

/// Whether the scripted side got the right thing. `challenge` is what it sent last as one.
pub(super) fn event(keys: &Keys, challenge: &[u8], what: &Expected, event: &Event) -> Compared {
    Compared::exact(match (what, event) {
        (Expected::Text(template), Event::Text(text))
        | (Expected::Encrypted(template), Event::Encrypted(Payload::Text(text))) => is(keys, template, text),
        (Expected::EncryptedLength(len), Event::Encrypted(Payload::Binary(data))) => data.len() == *len,
        (Expected::Answer(len), Event::Text(text)) => is_answer(keys, challenge, *len, text),
        (Expected::Key, Event::Binary(data)) => data.len() == KEY_MESSAGE_LEN,
        (Expected::Pulse, Event::Encrypted(Payload::Text(text))) => text == KEEPALIVE.0,
        (Expected::Close { code, reason }, Event::Closed(end)) => {
            return Compared::end(*code == end.code && is(keys, reason, &end.reason));
        }
        _ => false,
    })
}

/// Whether the peer under test reported the right thing.
pub(super) fn report(keys: &Keys, what: &Report, reported: &Reported) -> Compared {
    Compared::exact(match (what, reported) {
        (Report::Failed(template), Reported::Failed(text)) | (Report::Refused(template), Reported::Refused(text)) => {
            return Compared::end(is(keys, template, text));
        }
        (Report::Ended { here, reason }, Reported::Ended { here: got, reason: text }) => {
            return Compared::end(here == got && is(keys, reason, text));
        }
        (Report::Connected, Reported::Connected) | (Report::AnyBinary, Reported::Message(Payload::Binary(_))) => true,
        (Report::Text(template), Reported::Message(Payload::Text(text))) => is(keys, template, text),
        (Report::Binary(expected), Reported::Message(Payload::Binary(data))) => expected[..] == data[..],
        _ => false,
    })
}

fn is(keys: &Keys, template: &Template, text: &str) -> bool {
    template.matches(text, keys).is_some()
}

/// Whether a message is the right answer to the challenge, in exactly the form of the protocol.
fn is_answer(keys: &Keys, challenge: &[u8], len: usize, text: &str) -> bool {
    let key = SharedKey::between(keys.server.secret(), keys.listener_key());
    let Ok(answer) = AuthenticationResponse::parse(&Payload::text(text)) else { return false };
    let right: Vec<u8> = challenge.iter().map(|byte| !byte).collect();
    answer.response.len() == len
        && message::authentication_response(&answer.response) == Payload::text(text)
        && boxed::open(&key, &answer.response) == Ok(right)
}

/// What is due to the scripted side.
pub(super) fn describe(keys: &Keys, what: &Expected) -> String {
    match what {
        Expected::Text(template) => shown(keys, template),
        Expected::Answer(len) => format!("the answer to the challenge, {len} bytes"),
        Expected::Key => "a key message".to_owned(),
        Expected::Encrypted(template) => format!("encrypted: {}", shown(keys, template)),
        Expected::EncryptedLength(len) => format!("encrypted binary of {len} bytes"),
        Expected::Pulse => "a keepalive pulse".to_owned(),
        Expected::Close { code, reason } => End { code: *code, reason: shown(keys, reason) }.to_string(),
    }
}

/// What the peer under test should report.
pub(super) fn describe_report(keys: &Keys, what: &Report) -> String {
    match what {
        Report::Connected => Reported::Connected.describe(),
        Report::Text(template) => format!("text {}", shown(keys, template)),
        Report::Binary(data) => format!("binary of {} bytes", data.len()),
        Report::AnyBinary => "binary".to_owned(),
        Report::Failed(template) => format!("failed {}", shown(keys, template)),
        Report::Ended { here, reason } => ended_text(*here, &shown(keys, reason)),
        Report::Refused(template) => format!("refused {}", shown(keys, template)),
    }
}

fn shown(keys: &Keys, template: &Template) -> String {
    template.render(keys).unwrap_or_else(|| template.source().to_owned())
}

/// What the placeholders of a script stand for: the scripted side knows everything from the beginning.
impl Values for Keys {
    fn key(&self, name: KeyName) -> String {
        let key = match name {
            KeyName::Listener => self.listener_key(),
            KeyName::Connector => self.connector_key(),
            // Here one registers, and nobody else.
            KeyName::Other | KeyName::Nth(_) => self.other.public(),
        };
        key.to_hex()
    }

    fn slot(&self, slot: Slot) -> Option<String> {
        (slot == Slot::Server).then(|| self.server.public().to_hex())
    }

    fn response(&self, _: Answer) -> Option<String> {
        None
    }

    fn host(&self) -> String {
        String::new()
    }
}
