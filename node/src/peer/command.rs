//! The commands, as they are read from a line.

use bytes::Bytes;
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One line of input.
pub(super) struct Request {
    /// Whatever the line had as its id; the answer repeats it.
    pub(super) id: Option<Value>,
    pub(super) command: Command,
    pub(super) name: String,
}

pub(super) enum Command {
    Info,
    Connections,
    /// What happened to each connection, for a person.
    Timeline,
    /// What the plugins of new connections are, and what they have done.
    Plugins,
    /// Reads the file of plugins again.
    ReloadPlugins,
    Mark {
        text: String,
    },
    /// Sends a message to a key, over a connection that is there or a new one.
    Raw {
        key: PublicKey,
        payload: Payload,
    },
    Disconnect,
    Reconnect,
    Quit,
    /// A command of the interface that works on identities.
    NeedsPhaseSix(String),
}

/// The fields that any command of this build has. Others are ignored.
#[derive(Deserialize)]
struct Fields {
    cmd: String,
    text: Option<String>,
    hex: Option<String>,
    key: Option<String>,
}

/// Reads a line into the fields of a command, and its id.
///
/// # Errors
///
/// The id, if there was one, and what is wrong, for a person.
pub(super) fn read<F: DeserializeOwned>(line: &str) -> Result<(Option<Value>, F), (Option<Value>, String)> {
    let value: Value = serde_json::from_str(line).map_err(|error| (None, format!("the line is not JSON: {error}")))?;
    let id = value.get("id").cloned();
    match F::deserialize(value) {
        Ok(fields) => Ok((id, fields)),
        Err(error) => Err((id, format!("the line is no command: {error}; it needs a text field \"cmd\""))),
    }
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// The id, if there was one, and what is wrong, for a person.
    pub(super) fn parse(line: &str) -> Result<Self, (Option<Value>, String)> {
        let (id, fields): (_, Fields) = read(line)?;
        let name = fields.cmd.clone();
        let command = Command::from_fields(fields).map_err(|problem| (id.clone(), problem))?;
        Ok(Self { id, command, name })
    }
}

impl Command {
    fn from_fields(fields: Fields) -> Result<Self, String> {
        match fields.cmd.as_str() {
            "info" => Ok(Self::Info),
            "connections" => Ok(Self::Connections),
            "timeline" => Ok(Self::Timeline),
            "plugins" => Ok(Self::Plugins),
            "reload-plugins" => Ok(Self::ReloadPlugins),
            "disconnect" => Ok(Self::Disconnect),
            "reconnect" => Ok(Self::Reconnect),
            "quit" => Ok(Self::Quit),
            "mark" => Ok(Self::Mark { text: fields.text.ok_or("mark needs \"text\"")? }),
            "raw" => {
                let key = fields.key.ok_or("raw needs \"key\", the public key of the peer (64 hex digits)")?;
                let key = PublicKey::from_hex(&key).map_err(|error| error.to_string())?;
                let payload = match (fields.text, fields.hex) {
                    (Some(text), None) => Payload::Text(text),
                    (None, Some(digits)) => {
                        let data = hex::decode(&digits).map_err(|error| format!("\"hex\" is not hex: {error}"))?;
                        Payload::Binary(Bytes::from(data))
                    }
                    _ => return Err("raw needs either \"text\" or \"hex\"".to_owned()),
                };
                Ok(Self::Raw { key, payload })
            }
            "invite" | "accept" | "contacts" | "topic" | "topics" | "send" | "messages" | "burst" | "head"
            | "sendFile" | "setName" => Ok(Self::NeedsPhaseSix(fields.cmd)),
            other => Err(format!("unknown command {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_and_keeps_the_id() {
        let cases = [
            ("hello", "not JSON"),
            ("{}", "no command"),
            (r#"{"cmd":"dance","id":7}"#, "unknown command \"dance\""),
            (r#"{"cmd":"raw","id":7}"#, "needs \"key\""),
            (r#"{"cmd":"raw","id":7,"key":"abc","text":""}"#, "odd number"),
            (r#"{"cmd":"mark","id":7}"#, "needs \"text\""),
        ];
        for (line, problem) in cases {
            let Err((id, said)) = Request::parse(line) else { panic!("{line} was taken") };
            assert!(said.contains(problem), "{line}: {said}");
            assert_eq!(id.is_some(), line.contains("id"), "{line}");
        }
    }

    #[test]
    fn raw_takes_text_or_hex_and_not_both() {
        let key = "09".repeat(32);
        let line = |rest: &str| format!(r#"{{"cmd":"raw","key":"{key}",{rest}}}"#);
        let payload = |rest: &str| match Request::parse(&line(rest)).map(|request| request.command) {
            Ok(Command::Raw { payload, .. }) => Some(payload),
            _ => None,
        };
        assert_eq!(payload(r#""text":"""#), Some(Payload::text("")));
        assert_eq!(payload(r#""hex":"00ff""#), Some(Payload::binary(vec![0, 255])));
        assert_eq!(payload(r#""text":"a","hex":"00""#), None);
        assert_eq!(payload(r#""hex":"0""#), None);
    }
}
