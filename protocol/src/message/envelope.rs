//! The lenient reading of one JSON control message.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{MessageError, Payload};

/// Most bytes of a control message. The longest real one has 338.
pub const MAX_CONTROL_LEN: usize = 4096;

/// A JSON value that should be a control message, with the fields that any command uses.
///
/// Unknown fields are skipped without being built, so they cost nothing and cannot be malformed in ways that only a
/// stricter parser minds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Envelope {
    pub(super) command: Option<Value>,
    pub(super) public_key: Option<Value>,
    pub(super) challenge: Option<Value>,
    pub(super) response: Option<Value>,
    pub(super) ping_interval: Option<Value>,
    pub(super) source_public_key: Option<Value>,
    pub(super) target_public_key: Option<Value>,
}

impl Envelope {
    /// Reads a message. A JSON value that is not an object gives an envelope without fields.
    ///
    /// # Errors
    ///
    /// [`MessageError::NotText`], [`MessageError::TooLong`], [`MessageError::NotJson`].
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let text = match payload {
            Payload::Text(text) if text.len() > MAX_CONTROL_LEN => {
                return Err(MessageError::TooLong);
            }
            Payload::Text(text) => text,
            Payload::Binary(_) => return Err(MessageError::NotText),
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let envelope = (&mut deserializer).deserialize_any(EnvelopeVisitor).map_err(|_| MessageError::NotJson)?;
        deserializer.end().map_err(|_| MessageError::NotJson)?;
        Ok(envelope)
    }

    /// The command, if it is a string.
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        self.command.as_ref().and_then(Value::as_str)
    }

    /// Insists on one command.
    pub(super) fn expect_command(&self, expected: &'static str) -> Result<(), MessageError> {
        match &self.command {
            None => Err(MessageError::NoCommand),
            Some(Value::String(command)) if command == expected => Ok(()),
            Some(other) => Err(MessageError::UnexpectedCommand { received: display(other), expected }),
        }
    }
}

/// How a value looks inside a close reason: short, and never more than a reason can hold.
fn display(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    crate::close::cut(&text)
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(key) = map.next_key::<String>()? {
            let field = match key.as_str() {
                "command" => &mut envelope.command,
                "publicKey" => &mut envelope.public_key,
                "challenge" => &mut envelope.challenge,
                "response" => &mut envelope.response,
                "pingInterval" => &mut envelope.ping_interval,
                "sourcePublicKey" => &mut envelope.source_public_key,
                "targetPublicKey" => &mut envelope.target_public_key,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = Some(map.next_value()?);
        }
        Ok(envelope)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Envelope, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Envelope::default())
    }

    fn visit_unit<E>(self) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Envelope, E> {
        Ok(Envelope::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Envelope, MessageError> {
        Envelope::parse(&Payload::text(text))
    }

    #[test]
    fn the_last_duplicate_wins_and_unknown_fields_do_not_matter() {
        let envelope = parse(r#" {"x":{"deep":[1e999,"\ud800"]}, "command":"a" ,"command":"b"} "#).unwrap();
        assert_eq!(envelope.command(), Some("b"));
    }

    #[test]
    fn scalars_and_arrays_have_no_fields() {
        for text in ["null", "true", "5", "-5", "1.5", "\"register\"", "[]", "[{\"command\":\"x\"}]"] {
            assert_eq!(parse(text), Ok(Envelope::default()), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "hello", "{\"command\":\"register\"", "{} x", "{'a':1}"] {
            assert_eq!(parse(text), Err(MessageError::NotJson), "{text}");
        }
    }

    #[test]
    fn nesting_cannot_exhaust_the_stack() {
        assert_eq!(parse(&"[".repeat(MAX_CONTROL_LEN)), Err(MessageError::NotJson));
    }

    #[test]
    fn length_is_checked_before_anything_else() {
        assert_eq!(parse(&" ".repeat(MAX_CONTROL_LEN + 1)), Err(MessageError::TooLong));
    }
}
