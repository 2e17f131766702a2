//! Messages as scenarios write them, and as the control interface does.

use ratatosk_protocol::message::Payload;
use serde_json::{Value, json};

use crate::scenario::lines::{Mistake, number};

/// The longest message that a scenario may have.
const MAX_LEN: usize = 64 << 20;

/// A message. `kind` is what stands behind `>` or `<`.
///
/// # Errors
///
/// If there is no such kind, or what follows does not fit it.
pub(crate) fn parse(kind: &str, rest: &str) -> Result<Payload, Mistake> {
    let count = || {
        let count = number::<usize>(rest)?;
        if count > MAX_LEN { Err(Mistake::Number(rest.to_owned())) } else { Ok(count) }
    };
    let hex = |_| Mistake::Hex(rest.to_owned());
    Ok(match kind {
        // Quoted as in JSON where it holds what a line cannot.
        "" if rest.starts_with('"') => {
            Payload::Text(serde_json::from_str(rest).map_err(|_| Mistake::Word(rest.to_owned()))?)
        }
        "" => Payload::text(rest),
        "hex" => Payload::binary(hex::decode(rest).map_err(hex)?),
        "ascii" => Payload::text(ascii(count()?)),
        "marked" => Payload::text(format!("\u{feff}{}", ascii(count()?))),
        "euros" => Payload::text("€".repeat(count()?)),
        "crabs" => Payload::text("🦀".repeat(count()?)),
        "bytes" => Payload::binary(bytes(count()?)),
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

/// A text of so many ASCII characters in which no two places of 16 KiB are alike.
pub(super) fn ascii(len: usize) -> String {
    let mut text: String = (0..=len / 8).map(|number| format!("{number:07} ")).collect();
    text.truncate(len);
    text
}

/// So many bytes in which every value comes and no two chunks are alike.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0]).collect()
}

/// Puts a message into a command.
pub(super) fn to_json(command: &mut Value, payload: &Payload) {
    match payload {
        Payload::Text(text) => command["text"] = json!(text),
        Payload::Binary(data) => command["hex"] = json!(hex::encode(data)),
    }
}

/// Takes a message out of an event.
pub(super) fn from_json(event: &Value) -> Option<Payload> {
    match (event.get("text"), event.get("hex")) {
        (Some(Value::String(text)), None) => Some(Payload::text(text.as_str())),
        (None, Some(Value::String(digits))) => Some(Payload::binary(hex::decode(digits).ok()?)),
        _ => None,
    }
}

/// For people. Not escaped.
pub(super) fn describe(payload: &Payload) -> String {
    const SHOWN: usize = 60;
    match payload {
        Payload::Text(text) if text.len() <= SHOWN => format!("text {text:?}"),
        Payload::Text(text) => {
            let start: String = text.chars().take(SHOWN / 4).collect();
            format!("text of {} UTF-16 units: {start:?}…", text.encode_utf16().count())
        }
        Payload::Binary(data) if data.len() <= SHOWN / 2 => format!("binary {}", hex::encode(data)),
        Payload::Binary(data) => format!("binary of {} bytes: {}…", data.len(), hex::encode(&data[..SHOWN / 4])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_length_that_it_says() {
        let units = |payload| match payload {
            Payload::Text(text) => text.encode_utf16().count(),
            Payload::Binary(data) => data.len(),
        };
        let cases = [
            ("ascii", "16383", 16383),
            ("euros", "7", 7),
            ("crabs", "3", 6),
            ("bytes", "65537", 65537),
            ("hex", "00ff", 2),
        ];
        for (kind, rest, len) in cases {
            assert_eq!(units(parse(kind, rest).unwrap()), len, "{kind}");
        }
        assert_eq!(parse("", r#""\ufeffa""#).unwrap(), Payload::text("\u{feff}a"));
        assert_eq!(parse("", r#"{"command":"ping"}"#).unwrap(), Payload::text(r#"{"command":"ping"}"#));
        for (kind, rest) in [("bytes", "x"), ("bytes", "99999999999"), ("hex", "0"), ("feet", "2"), ("", "\"")] {
            assert!(parse(kind, rest).is_err(), "{kind} {rest}");
        }
    }

    #[test]
    fn chunks_differ() {
        let data = bytes(3 << 16);
        assert_ne!(data[..1 << 16], data[1 << 16..2 << 16]);
        assert_ne!(data[1 << 16..2 << 16], data[2 << 16..]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for payload in
            [Payload::text(""), Payload::text("a\u{0}🦀"), Payload::binary(vec![]), Payload::binary(vec![0, 255])]
        {
            let mut value = json!({});
            to_json(&mut value, &payload);
            assert_eq!(from_json(&value), Some(payload));
        }
        assert_eq!(from_json(&json!({"hex": "0"})), None);
        assert_eq!(from_json(&json!({"hex": "00", "text": ""})), None);
    }
}
