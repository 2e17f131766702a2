//! The messages of this phase: JSON objects in text messages (`spec/one.md §2.6–3`).
//!
//! Read as leniently as the reference does: white space, key order, unknown fields and duplicate keys (the last one wins) do not
//! matter. Lengths are bounded, which they are not there.

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_protocol::close;
use ratatosk_protocol::key::{KeyError, PublicKey};
use ratatosk_protocol::message::{MessageError, Payload};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::identity::{Identity, MAX_NAME_LEN, Myself, sign_key_from_hex};
use crate::invitation::Token;

/// Most bytes of a message in this phase. Real ones have less than 1 KiB. Reading one takes up to about thirty times as much for
/// the moment.
pub const MAX_MESSAGE_LEN: usize = 64 * 1024;

pub(crate) const GROUP: &str = "connection_group";
pub(crate) const SYNC: &str = "sync";
pub(crate) const PERSON: &str = "person_id_object";
pub(crate) const KEYS: &str = "keys_object";
pub(crate) const INSTANCE: &str = "instance_id_object";
pub(crate) const TOKEN: &str = "authentication_token";
pub(crate) const IDENTITY: &str = "identity";

/// What a keys object says.
pub(crate) struct Keys {
    /// As it stands there: compared as text, like the reference does.
    pub(crate) owner: String,
    pub(crate) key: Result<PublicKey, KeyError>,
    pub(crate) sign_key: SignPublicKey,
}

/// What an instance id object says.
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) owner: String,
}

/// The fields of a message with a command.
struct Fields {
    command: &'static str,
    map: Map<String, Value>,
}

impl Fields {
    fn read(message: &Payload, command: &'static str) -> Result<Self, MessageError> {
        let text = match message {
            Payload::Binary(_) => return Err(MessageError::NotText),
            Payload::Text(text) if text.len() > MAX_MESSAGE_LEN => return Err(MessageError::TooLong),
            Payload::Text(text) => text,
        };
        let Value::Object(map) = serde_json::from_str(text).map_err(|_| MessageError::NotJson)? else {
            return Err(MessageError::NoCommand);
        };
        match map.get("command") {
            None => Err(MessageError::NoCommand),
            Some(Value::String(received)) if received == command => Ok(Self { command, map }),
            Some(other) => Err(MessageError::UnexpectedCommand { received: display(other), expected: command }),
        }
    }

    fn mismatch(&self) -> MessageError {
        MessageError::FieldMismatch { expected: self.command }
    }

    fn text(&mut self, name: &str) -> Result<String, MessageError> {
        match self.map.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.mismatch()),
        }
    }

    /// The fields of `obj`, which has to have this type.
    fn object(mut self, type_name: &str) -> Result<Self, MessageError> {
        match self.map.remove("obj") {
            Some(Value::Object(map)) if map.get("$type$").and_then(Value::as_str) == Some(type_name) => {
                Ok(Self { command: self.command, map })
            }
            _ => Err(self.mismatch()),
        }
    }

    fn name(&mut self, name: &str) -> Result<String, MessageError> {
        let text = self.text(name)?;
        if text.len() > MAX_NAME_LEN { Err(self.mismatch()) } else { Ok(text) }
    }
}

/// How a value looks inside a close reason.
fn display(value: &Value) -> String {
    match value {
        Value::String(text) => close::cut(text),
        other => close::cut(&other.to_string()),
    }
}

/// The name of the group, cut to the length of a reason: all that we have are short.
pub(crate) fn read_group(message: &Payload) -> Result<String, MessageError> {
    Ok(close::cut(&Fields::read(message, GROUP)?.text("connectionGroupName")?))
}

pub(crate) fn read_sync(message: &Payload) -> Result<(), MessageError> {
    Fields::read(message, SYNC).map(drop)
}

/// The email address.
pub(crate) fn read_person(message: &Payload) -> Result<String, MessageError> {
    Fields::read(message, PERSON)?.object("Person")?.name("email")
}

pub(crate) fn read_keys(message: &Payload) -> Result<Keys, MessageError> {
    let mut fields = Fields::read(message, KEYS)?.object("Keys")?;
    let owner = fields.text("owner")?;
    let key = PublicKey::from_hex(&fields.text("publicKey")?);
    let sign_key = sign_key_from_hex(&fields.text("publicSignKey")?).ok_or_else(|| fields.mismatch())?;
    Ok(Keys { owner, key, sign_key })
}

pub(crate) fn read_instance(message: &Payload) -> Result<Instance, MessageError> {
    let mut fields = Fields::read(message, INSTANCE)?.object("Instance")?;
    Ok(Instance { name: fields.name("name")?, owner: fields.text("owner")? })
}

pub(crate) fn read_token(message: &Payload) -> Result<Token, MessageError> {
    Ok(Token::of_peer(Fields::read(message, TOKEN)?.text("token")?))
}

pub(crate) fn read_identity(message: &Payload) -> Result<Identity, MessageError> {
    let fields = Fields::read(message, IDENTITY)?;
    let identity = fields.map.get("obj").and_then(Value::as_object).and_then(Identity::from_json);
    identity.ok_or_else(|| fields.mismatch())
}

/// A message with one field.
fn write(command: &'static str, field: &'static str, value: &impl Serialize) -> Payload {
    /// A value cannot fail to be written: all are strings in structs.
    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }
    Payload::text(format!(r#"{{"command":"{command}","{field}":{}}}"#, json(value)))
}

#[derive(Serialize)]
struct PersonObject<'a> {
    #[serde(rename = "$type$")]
    type_name: &'static str,
    email: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeysObject<'a> {
    #[serde(rename = "$type$")]
    type_name: &'static str,
    owner: &'a str,
    public_key: &'a str,
    public_sign_key: &'a str,
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    #[serde(rename = "$type$")]
    type_name: &'static str,
    name: &'a str,
    owner: &'a str,
}

pub(crate) fn group(name: &str) -> Payload {
    write(GROUP, "connectionGroupName", &name)
}

pub(crate) fn sync() -> Payload {
    Payload::text(r#"{"command":"sync"}"#)
}

pub(crate) fn person(identity: &Identity) -> Payload {
    write(PERSON, "obj", &PersonObject { type_name: "Person", email: &identity.email })
}

pub(crate) fn keys(me: &Myself) -> Payload {
    let identity = me.identity();
    let object = KeysObject {
        type_name: "Keys",
        owner: &me.person().to_string(),
        public_key: &identity.person_key.to_hex(),
        public_sign_key: &hex::encode(identity.person_sign_key.as_bytes()),
    };
    write(KEYS, "obj", &object)
}

pub(crate) fn instance(me: &Myself) -> Payload {
    let (name, owner) = (&me.identity().instance_name, me.person().to_string());
    write(INSTANCE, "obj", &InstanceObject { type_name: "Instance", name, owner: &owner })
}

pub(crate) fn token(token: &Token) -> Payload {
    write(TOKEN, "token", &token.expose())
}

pub(crate) fn identity(identity: &Identity) -> Payload {
    write(IDENTITY, "obj", &identity.to_json())
}
