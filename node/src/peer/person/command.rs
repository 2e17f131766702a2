//! The commands of a peer with an identity, as they are read from a line.

use serde::Deserialize;
use serde_json::Value;

use super::super::command::read;

/// Posts that one command may ask for.
const MAX_BURST: u32 = 100_000;
/// The largest attachment that is made, in bytes.
const MAX_FILE: u64 = 100 * 1024 * 1024;

/// One line of input.
#[derive(Debug)]
pub(super) struct Request {
    /// Whatever the line had as its id; the answer repeats it.
    pub(super) id: Option<Value>,
    pub(super) name: String,
    pub(super) command: Command,
}

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    Info,
    Invite,
    /// With an invitation as JSON.
    Accept(Value),
    Contacts,
    Connections,
    /// The topic with this person.
    Topic(String),
    Topics,
    Send {
        topic: String,
        text: String,
    },
    Messages(String),
    /// So many posts.
    Burst {
        topic: String,
        text: String,
        count: u32,
    },
    Head(String),
    /// A message with an attachment of so many bytes.
    SendFile {
        topic: String,
        size: u64,
    },
    SetName(String),
    /// What happened on the connections that ended last, for a person.
    Timeline,
    Mark(String),
    Disconnect,
    Reconnect,
    Quit,
}

/// The fields that any command has. Others are ignored.
#[derive(Deserialize)]
struct Fields {
    cmd: String,
    text: Option<String>,
    topic: Option<String>,
    with: Option<String>,
    name: Option<String>,
    n: Option<u32>,
    size: Option<u64>,
    invitation: Option<Value>,
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
        Ok(Self { id, name, command })
    }
}

impl Command {
    fn from_fields(fields: Fields) -> Result<Self, String> {
        let cmd = fields.cmd;
        let need = |field: Option<String>, name: &str| field.ok_or_else(|| format!("{cmd} needs \"{name}\", a text"));
        Ok(match cmd.as_str() {
            "info" => Self::Info,
            "invite" => Self::Invite,
            "accept" => Self::Accept(fields.invitation.ok_or("accept needs \"invitation\"")?),
            "contacts" => Self::Contacts,
            "connections" => Self::Connections,
            "topic" => Self::Topic(need(fields.with, "with")?),
            "topics" => Self::Topics,
            "send" => Self::Send { topic: need(fields.topic, "topic")?, text: need(fields.text, "text")? },
            "messages" => Self::Messages(need(fields.topic, "topic")?),
            "burst" => Self::Burst {
                topic: need(fields.topic, "topic")?,
                text: need(fields.text, "text")?,
                count: fields.n.filter(|n| *n <= MAX_BURST).ok_or("burst needs \"n\", a number up to 100000")?,
            },
            "head" => Self::Head(need(fields.topic, "topic")?),
            "sendFile" => Self::SendFile {
                topic: need(fields.topic, "topic")?,
                size: fields
                    .size
                    .filter(|size| *size <= MAX_FILE)
                    .ok_or("sendFile needs \"size\", bytes up to 100 MiB")?,
            },
            "setName" => Self::SetName(need(fields.name, "name")?),
            "timeline" => Self::Timeline,
            "mark" => Self::Mark(need(fields.text, "text")?),
            "disconnect" => Self::Disconnect,
            "reconnect" => Self::Reconnect,
            "quit" => Self::Quit,
            "raw" => return Err("raw is for peers without an identity: start this one without PEER_EMAIL".to_owned()),
            other => return Err(format!("unknown command {other:?}")),
        })
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
            (r#"{"cmd":"raw","id":7}"#, "without PEER_EMAIL"),
            (r#"{"cmd":"send","id":7,"topic":"x"}"#, "send needs \"text\""),
            (r#"{"cmd":"burst","id":7,"topic":"x","text":"y","n":100001}"#, "burst needs \"n\""),
            (r#"{"cmd":"sendFile","id":7,"topic":"x"}"#, "sendFile needs \"size\""),
            (r#"{"cmd":"accept","id":7}"#, "accept needs \"invitation\""),
        ];
        for (line, problem) in cases {
            let (id, said) = Request::parse(line).unwrap_err();
            assert!(said.contains(problem), "{line}: {said}");
            assert_eq!(id.is_some(), line.contains("id"), "{line}");
        }
    }

    #[test]
    fn a_command_has_what_it_needs() {
        let request = Request::parse(r#"{"cmd":"burst","id":[1],"topic":"t","text":"x","n":15}"#).unwrap();
        assert_eq!(request.command, Command::Burst { topic: "t".to_owned(), text: "x".to_owned(), count: 15 });
        assert_eq!(request.id, Some(serde_json::json!([1])));
    }
}
