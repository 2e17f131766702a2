//! Reading what the other side sends as text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use super::loose::Loose;
use super::{Answer, RemoteError};

/// Arguments that are looked at; no service takes more.
const MAX_ARGUMENTS: usize = 2;
/// The longest argument that is kept: a hash has 64 characters.
const MAX_ARGUMENT_LEN: usize = 128;

/// A message of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// It asks for something.
    Request {
        /// Its number for the answer.
        id: i64,
        /// The number of the service, known or not.
        service: i64,
        /// What it asks for.
        arguments: Arguments,
    },
    /// It cannot write a stream of ours any more.
    WriteStreamError {
        /// The number of its request.
        id: i64,
    },
    /// It answers a request.
    Data {
        /// The number of our request.
        id: i64,
        /// What it answers.
        data: Answer,
    },
    /// It answers a request with an error.
    Error {
        /// The number of our request.
        id: i64,
        /// What went wrong there.
        error: RemoteError,
    },
    /// A piece of a CLOB.
    Chunk {
        /// The number of our request.
        id: i64,
        /// The text.
        chunk: String,
    },
    /// The last piece of a stream was sent.
    StreamEnd {
        /// The number of our request.
        id: i64,
    },
    /// A stream ended before its time.
    StreamError {
        /// The number of our request.
        id: i64,
    },
}

/// The arguments of a request: texts, as far as they are such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments([Option<String>; MAX_ARGUMENTS]);

impl Arguments {
    /// The first argument.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.0[0].as_deref()
    }

    /// The second argument: the encoding of a BLOB.
    #[must_use]
    pub fn second(&self) -> Option<&str> {
        self.0[1].as_deref()
    }
}

/// No message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a message of this protocol")]
pub struct Invalid;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    request_id: Loose,
    #[serde(default)]
    response_id: Loose,
    #[serde(default)]
    service_id: Loose,
    #[serde(default)]
    args: Arguments,
    #[serde(default)]
    data: Loose,
    #[serde(default)]
    chunk: Loose,
    #[serde(default)]
    error: RawError,
}

#[derive(Default)]
struct RawError(Option<RemoteError>);

/// Reads a text message.
///
/// # Errors
///
/// [`Invalid`], which the reference skips over.
pub fn parse(text: &str) -> Result<Message, Invalid> {
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|_| Invalid)?;
    match raw.r#type.as_ref() {
        "request" => {
            let (Some(id), Some(service)) = (raw.request_id.whole(), raw.service_id.whole()) else {
                return Err(Invalid);
            };
            return Ok(Message::Request { id, service, arguments: raw.args });
        }
        "write-stream-error" => {
            return raw.request_id.whole().map(|id| Message::WriteStreamError { id }).ok_or(Invalid);
        }
        _ => {}
    }
    let id = raw.response_id.whole().ok_or(Invalid)?;
    Ok(match raw.r#type.as_ref() {
        "data" => Message::Data { id, data: answer(raw.data) },
        "error" => Message::Error { id, error: raw.error.0.unwrap_or_else(|| RemoteError::new("", "")) },
        "stream" => match raw.chunk {
            Loose::Text(chunk) => Message::Chunk { id, chunk },
            _ => return Err(Invalid),
        },
        "stream-end" => Message::StreamEnd { id },
        "stream-error" => Message::StreamError { id },
        _ => return Err(Invalid),
    })
}

fn answer(data: Loose) -> Answer {
    match data {
        Loose::Text(text) => Answer::Text(text),
        Loose::Whole(number) => Answer::Number(number),
        Loose::Undefined => Answer::Undefined,
        Loose::Other => Answer::Other,
    }
}

impl<'de> Deserialize<'de> for RawError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ErrorVisitor)
    }
}

struct ErrorVisitor;

impl<'de> Visitor<'de> for ErrorVisitor {
    type Value = RawError;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error, or a text about one")
    }

    // `stream-error` carries a text here, `error` an object.
    fn visit_str<E>(self, _: &str) -> Result<RawError, E> {
        Ok(RawError(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<RawError, A::Error> {
        let (mut code, mut message) = (Loose::Undefined, Loose::Undefined);
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "code" => code = fields.next_value()?,
                "message" => message = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(RawError(Some(RemoteError::new(code.text(), message.text()))))
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ArgumentsVisitor)
    }
}

struct ArgumentsVisitor;

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Arguments, A::Error> {
        let mut arguments = Arguments::default();
        for place in &mut arguments.0 {
            match values.next_element::<Loose>()? {
                Some(Loose::Text(text)) => *place = Some(shortened(text)),
                Some(Loose::Undefined) => {}
                // Something that is there and no text must not count as left out.
                Some(_) => *place = Some(String::new()),
                None => return Ok(arguments),
            }
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(arguments)
    }
}

/// What is too long is no hash and no encoding, whatever it is.
fn shortened(text: String) -> String {
    if text.len() <= MAX_ARGUMENT_LEN { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: i64, first: Option<&str>, second: Option<&str>) -> Message {
        let arguments = Arguments([first.map(str::to_owned), second.map(str::to_owned)]);
        Message::Request { id: 7, service, arguments }
    }

    #[test]
    fn messages_as_the_reference_writes_them() {
        let hash = "ab".repeat(32);
        let cases = [
            (r#"{"requestId":7,"type":"request","serviceId":1,"args":[]}"#.to_owned(), request(1, None, None)),
            (
                format!(r#"{{"requestId":7,"type":"request","serviceId":8,"args":["{hash}","$__undefined$"]}}"#),
                request(8, Some(&hash), None),
            ),
            (
                format!(r#"{{"requestId":7,"type":"request","serviceId":8,"args":["{hash}","utf8"]}}"#),
                request(8, Some(&hash), Some("utf8")),
            ),
            (r#"{"requestId":7,"type":"request","serviceId":10}"#.to_owned(), request(10, None, None)),
            (r#"{"requestId":3,"type":"write-stream-error"}"#.to_owned(), Message::WriteStreamError { id: 3 }),
            (r#"{"responseId":0,"type":"data","data":8}"#.to_owned(), Message::Data { id: 0, data: Answer::Number(8) }),
            (
                r#"{"responseId":0,"type":"data","data":"$__undefined$"}"#.to_owned(),
                Message::Data { id: 0, data: Answer::Undefined },
            ),
            (
                r#"{"responseId":1,"type":"error","error":{"name":"E","message":"m","code":"UNKNOWN-SERVICE"}}"#
                    .to_owned(),
                Message::Error { id: 1, error: RemoteError::new("UNKNOWN-SERVICE", "m") },
            ),
            (
                r#"{"responseId":1,"type":"stream","chunk":"x","encoding":"utf8"}"#.to_owned(),
                Message::Chunk { id: 1, chunk: "x".to_owned() },
            ),
            (r#"{"responseId":1,"type":"stream-end"}"#.to_owned(), Message::StreamEnd { id: 1 }),
            (
                r#"{"responseId":1,"type":"stream-error","error":"Error while reading the file stream"}"#.to_owned(),
                Message::StreamError { id: 1 },
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse(&text), Ok(message), "{text}");
        }
    }

    #[test]
    fn what_is_no_message() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "synchronisation",
            r#"{"type":"request"}"#,
            r#"{"type":"request","requestId":1.5,"serviceId":1}"#,
            r#"{"type":"request","requestId":"1","serviceId":1}"#,
            r#"{"type":"data","responseId":9007199254740993,"data":1}"#,
            r#"{"type":"other","responseId":1}"#,
            r#"{"type":"stream","responseId":1,"chunk":5}"#,
        ] {
            assert_eq!(parse(text), Err(Invalid), "{text}");
        }
    }

    #[test]
    fn odd_arguments_are_not_left_out() {
        let text = r#"{"requestId":7,"type":"request","serviceId":8,"args":[{"a":[]},null,3]}"#;
        assert_eq!(parse(text), Ok(request(8, Some(""), Some(""))));
    }

    #[test]
    fn an_error_of_a_stranger_is_bounded_and_escaped() {
        let long = "\u{e4}\\n".repeat(500);
        let text = format!(r#"{{"responseId":1,"type":"error","error":{{"message":"{long}","code":5}}}}"#);
        let Ok(Message::Error { error, .. }) = parse(&text) else { panic!("an error") };
        assert!(error.message.len() <= 204 && !error.to_string().contains('\n'), "{error}");
        assert_eq!(error.code, "");
    }
}
