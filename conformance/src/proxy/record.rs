//! Transcripts: one JSON object a line.
//!
//! | `event` | Further fields |
//! | --- | --- |
//! | `proxy` | the first line: `to`, `faults`, `seed`, `keys` (how many) |
//! | `open` | `peer` (address), `path`, `status` of the answer to the upgrade |
//! | `frame` | see below |
//! | `opaque` | `direction`, `bytes`: passed on without looking at it, because it is no WebSocket frame or too long a one |
//! | `end` | `how` |
//!
//! Each line has `t`, milliseconds since the proxy began, and `connection`, counted from 0. A frame has `direction` (`up`
//! from the client, `down` to it), `number` (from 0, in its direction), `kind` (`text`, `binary`, `continuation`, `ping`,
//! `pong`, `close`, `reserved`), `final`, `length` (of the payload), `data`, and where there is something to say `reserved`
//! (bits), `command` (of the protocol), `key` (a temporary key: `replaced` by one of the proxy's, or `passed`), `plain` (what
//! was encrypted: `kind`, `length`, `data`, or `unreadable`), `code` and `reason` of a close, `injected` (faults).
//!
//! `data` is `{"text": …}`, `{"hex": …}`, or of more than [`WHOLE`] bytes `{"head": hex, "sha256": hex}`. Frames stand there
//! as they came; what was injected did not happen to what is recorded but to what was passed on.

use std::io::Write;
use std::time::Duration;

use ratatosk_protocol::message::Payload;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Direction;
use super::faults::Decision;
use super::inspect::{Meaning, Passing};

/// Most bytes of data that are recorded as they are.
pub const WHOLE: usize = 1024;
/// The beginning of longer ones.
const HEAD: usize = 64;
/// Longest path and reason that are recorded.
const MAX_TEXT: usize = 256;

#[derive(Serialize)]
pub(super) struct Line {
    t: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(flatten)]
    event: Event,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    Proxy { to: String, faults: String, seed: u64, keys: usize },
    Open { peer: String, path: String, status: u16 },
    Frame(Box<FrameLine>),
    Opaque { direction: &'static str, bytes: u64 },
    End { how: String },
}

#[derive(Serialize)]
pub(super) struct FrameLine {
    direction: &'static str,
    number: u64,
    kind: &'static str,
    r#final: bool,
    #[serde(skip_serializing_if = "is_zero")]
    reserved: u8,
    length: usize,
    data: Data,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plain: Option<Plain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    injected: Vec<String>,
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Data {
    Text { text: String },
    Hex { hex: String },
    Long { head: String, sha256: String },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Plain {
    Read { kind: &'static str, length: usize, data: Data },
    Unreadable { unreadable: String },
}

impl Data {
    fn of(content: &[u8], text: bool) -> Self {
        match str::from_utf8(content) {
            _ if content.len() > WHOLE => {
                Self::Long { head: hex::encode(&content[..HEAD]), sha256: hex::encode(Sha256::digest(content)) }
            }
            Ok(content) if text => Self::Text { text: content.to_owned() },
            _ => Self::Hex { hex: hex::encode(content) },
        }
    }
}

/// The name of a frame's opcode.
pub(super) fn kind(opcode: u8) -> &'static str {
    match opcode {
        0 => "continuation",
        1 => "text",
        2 => "binary",
        8 => "close",
        9 => "ping",
        10 => "pong",
        _ => "reserved",
    }
}

/// Code and reason of a close frame; without a code 1005.
pub(super) fn close(content: &[u8]) -> (u16, String) {
    match content.split_first_chunk() {
        Some((code, reason)) => (u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()),
        None => (1005, String::new()),
    }
}

/// A text that is not too long.
pub(super) fn short(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

impl Line {
    pub(super) fn new(t: Duration, connection: Option<u64>, event: Event) -> Self {
        // Microseconds are as much as anybody can tell.
        Self { t: (t.as_secs_f64() * 1e6).round() / 1e3, connection, event }
    }

    /// Appends it to a transcript.
    pub(super) fn write(&self, out: &mut dyn Write) -> std::io::Result<u64> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        out.write_all(&line)?;
        out.flush()?;
        Ok(line.len() as u64)
    }
}

impl FrameLine {
    pub(super) fn new(direction: Direction, number: u64, passing: &Passing, decision: &Decision) -> Self {
        let Passing { frame, content, meaning } = passing;
        let kind = kind(frame.opcode());
        let mut injected = Vec::new();
        if !decision.delay.is_zero() {
            injected.push(format!("delay {:.3} ms", decision.delay.as_secs_f64() * 1000.0));
        }
        injected.extend(decision.action.map(|action| action.to_string()));
        let (code, reason) = if kind == "close" {
            let (code, reason) = close(content);
            (Some(code), Some(short(&reason)))
        } else {
            (None, None)
        };
        Self {
            direction: direction.name(),
            number,
            kind,
            r#final: frame.is_final(),
            reserved: frame.reserved(),
            length: content.len(),
            data: Data::of(content, kind == "text"),
            command: if let Meaning::Command(command) = meaning { Some(command) } else { None },
            key: match meaning {
                Meaning::Key { replaced: true } => Some("replaced"),
                Meaning::Key { replaced: false } => Some("passed"),
                _ => None,
            },
            plain: match meaning {
                Meaning::Plain(Payload::Text(text)) => {
                    Some(Plain::Read { kind: "text", length: text.len(), data: Data::of(text.as_bytes(), true) })
                }
                Meaning::Plain(Payload::Binary(data)) => {
                    Some(Plain::Read { kind: "binary", length: data.len(), data: Data::of(data, false) })
                }
                Meaning::Unreadable(why) => Some(Plain::Unreadable { unreadable: why.to_string() }),
                _ => None,
            },
            code,
            reason,
            injected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::frame::Frame;

    fn line(passing: &Passing, decision: &Decision) -> String {
        let event = Event::Frame(Box::new(FrameLine::new(Direction::Up, 3, passing, decision)));
        let mut out = Vec::new();
        let line = Line::new(Duration::from_micros(1500), Some(0), event);
        let written = line.write(&mut out).unwrap();
        assert_eq!(written, out.len() as u64);
        String::from_utf8(out).unwrap()
    }

    fn passing(opcode: u8, content: &[u8], meaning: Meaning) -> Passing {
        Passing { frame: Frame::new(opcode, true, content, None), content: content.to_vec(), meaning }
    }

    #[test]
    fn a_line_says_what_there_is_to_say() {
        let command = passing(1, b"{}\x1b", Meaning::Command("ping"));
        assert_eq!(
            line(&command, &Decision::default()),
            concat!(
                r#"{"t":1.5,"connection":0,"event":"frame","direction":"up","number":3,"kind":"text","final":true,"#,
                r#""length":3,"data":{"text":"{}\u001b"},"command":"ping"}"#,
                "\n"
            )
        );
        let close = passing(8, b"\x03\xe8bye", Meaning::None);
        let decision = Decision { delay: Duration::from_millis(7), action: Some(crate::proxy::faults::Action::Lose) };
        let line = line(&close, &decision);
        assert!(line.contains(r#""code":1000,"reason":"bye","injected":["delay 7.000 ms","lose"]"#), "{line}");
    }

    #[test]
    fn what_is_long_is_shortened() {
        let plain = passing(2, &[7; WHOLE], Meaning::Plain(Payload::binary(vec![8; WHOLE + 1])));
        let line = line(&plain, &Decision::default());
        assert!(line.contains(&"07".repeat(WHOLE)) && !line.contains(&"08".repeat(HEAD + 1)), "{line}");
        assert!(line.contains("sha256") && line.contains(r#""length":1025"#), "{line}");
        assert!(matches!(Data::of(b"\xff", true), Data::Hex { .. }));
    }
}
