//! What a codec is asked, and what it answers. As JSON, one object each: `{"do": …}` and `{"kind of answer": …}`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Bytes that are hex digits in JSON.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// One operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Op {
    /// The public key that belongs to a secret one: [`Answer::Bytes`].
    PublicKey {
        /// The secret key.
        secret: Hex,
    },
    /// The key that two peers share: [`Answer::Bytes`].
    SharedKey {
        /// Ours.
        secret: Hex,
        /// Theirs.
        public: Hex,
    },
    /// A box with its nonce in front: [`Answer::Bytes`].
    Seal {
        /// The sender's key.
        secret: Hex,
        /// The receiver's key.
        public: Hex,
        /// 24 bytes.
        nonce: Hex,
        /// What goes into the box.
        content: Hex,
    },
    /// The content of such a box: [`Answer::Bytes`].
    Open {
        /// The receiver's key.
        secret: Hex,
        /// The sender's key.
        public: Hex,
        /// The box.
        boxed: Hex,
    },
    /// Whether a value of the wrong length is taken.
    Check {
        /// As what.
        kind: CheckKind,
        /// The value.
        bytes: Hex,
    },
    /// Whether a text may stand where a communication request has a key: [`Answer::Flag`].
    IsHex {
        /// The text.
        text: String,
    },
    /// The bytes that a text stands for in the response to a challenge: [`Answer::Bytes`].
    FromHex {
        /// The text.
        text: String,
    },
    /// A listener's first frame: [`Answer::Text`].
    Register {
        /// The listener's key.
        public: Hex,
    },
    /// The frame with which a server challenges a listener: [`Answer::Text`].
    Challenge {
        /// The server's key.
        secret: Hex,
        /// The listener's key.
        public: Hex,
        /// The 64 bytes to be negated.
        challenge: Hex,
        /// The nonce of the box.
        nonce: Hex,
    },
    /// The frame with which a listener answers: [`Answer::Text`].
    Response {
        /// The listener's key.
        secret: Hex,
        /// The server's frame.
        frame: String,
        /// The nonce of the box.
        nonce: Hex,
    },
    /// Whether the server takes the answer: [`Answer::Flag`].
    Verify {
        /// The server's key.
        secret: Hex,
        /// The listener's key.
        public: Hex,
        /// The challenge.
        challenge: Hex,
        /// The listener's frame.
        frame: String,
    },
    /// The frame that ends a registration: [`Answer::Text`].
    Success {
        /// The ping interval, in milliseconds.
        interval_ms: u64,
    },
    /// Whether a frame has the form of a client's message: [`Answer::Flag`].
    ClientMessage {
        /// The frame.
        text: String,
    },
    /// Whether a frame has the form of a server's message: [`Answer::Flag`].
    ServerMessage {
        /// The frame.
        text: String,
    },
    /// Adds padding: [`Answer::Bytes`].
    Pad {
        /// What is padded.
        value: Hex,
        /// Bytes of the result.
        total: usize,
        /// The flags.
        flags: u8,
        /// The random bytes to take, all of them.
        random: Hex,
    },
    /// Removes padding: [`Answer::Value`].
    Unpad {
        /// A padded value.
        padded: Hex,
    },
    /// The nonce of the encryption plugin for a counter: [`Answer::Bytes`].
    Nonce {
        /// The counter.
        counter: u64,
    },
    /// Marks a text that begins with a keyword: [`Answer::Text`].
    Escape {
        /// Whose keywords.
        layer: Layer,
        /// The text.
        text: String,
    },
    /// Takes the mark off: [`Answer::Text`].
    Unescape {
        /// Whose keywords.
        layer: Layer,
        /// The text.
        text: String,
    },
    /// The reason in a close frame: [`Answer::Text`].
    CloseReason {
        /// What is to be said, if anything.
        text: Option<String>,
        /// Whether a timer gives up, rather than somebody closes.
        #[serde(default)]
        terminate: bool,
    },
    /// An open connection with these plugins, at 0 ms of its clock: [`Answer::Flag`].
    Connect {
        /// What later steps call this end.
        end: String,
        /// From the socket outwards.
        plugins: Vec<PluginSpec>,
    },
    /// The application sends: [`Answer::Messages`], those that go to the socket.
    Send {
        /// Which end.
        end: String,
        /// The message.
        message: Message,
        /// The random bytes to take, in this order and all of them.
        #[serde(default)]
        random: Hex,
    },
    /// Messages come from the socket: [`Answer::Messages`], those that reach the application. If the end gives the
    /// connection up, [`Answer::Error`] with the text of its close.
    Receive {
        /// Which end.
        end: String,
        /// The messages.
        messages: Vec<Message>,
    },
    /// The microdata of an object by a recipe (see `recipes.rs`): [`Answer::Text`].
    Microdata {
        /// The recipe.
        recipe: Value,
        /// The properties.
        object: Value,
    },
    /// The microdata of its id object: [`Answer::Text`].
    IdMicrodata {
        /// The recipe.
        recipe: Value,
        /// The properties.
        object: Value,
    },
    /// The hash of a microdata: [`Answer::Text`], 64 hex digits.
    Hash {
        /// The microdata.
        text: String,
    },
    /// A microdata, read and written again: [`Answer::Text`].
    Rewrite {
        /// The recipe.
        recipe: Value,
        /// The microdata.
        text: String,
    },
    /// Time passes: [`Answer::Events`], what goes to the socket meanwhile, and what had to go there before.
    Wait {
        /// Which end.
        end: String,
        /// The time that its clock then shows.
        until_ms: u64,
    },
}

/// Whose keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// `keepalive`.
    Keepalive,
    /// The three of fragmentation.
    Fragmentation,
}

/// What a value is checked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// The key that a listener registers.
    PublicKey,
    /// A secret key.
    SecretKey,
    /// A shared key.
    SymmetricKey,
    /// A nonce of a box.
    Nonce,
    /// A salt for keys made of passphrases.
    Salt,
}

/// A plugin and its settings; without them, those of the reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "plugin", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum PluginSpec {
    /// Encryption.
    Encryption {
        /// The shared key.
        key: Hex,
        /// Which nonce counters this end sends.
        sends: Parity,
    },
    /// Keepalive.
    Keepalive {
        /// How long nothing is sent before a pulse is.
        send_after_ms: Option<u64>,
        /// How long nothing is received before the end.
        close_after_ms: Option<u64>,
    },
    /// Fragmentation.
    Fragmentation {
        /// Bytes of a chunk.
        chunk_len: Option<usize>,
    },
    /// The server's end of a spare connection.
    Ping {
        /// The ping interval.
        interval_ms: Option<u64>,
        /// How long a pong may take.
        timeout_ms: Option<u64>,
    },
    /// The listener's end of a spare connection.
    Pong {
        /// The announced ping interval.
        interval_ms: u64,
        /// How much longer a ping may take.
        grace_ms: Option<u64>,
    },
}

/// Which nonce counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// 0, 2, 4 …
    Even,
    /// 1, 3, 5 …
    Odd,
}

/// A message of either kind. A lone surrogate is U+FFFD here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Text.
    Text(String),
    /// Binary.
    Bytes(Hex),
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// Bytes.
    Bytes(Hex),
    /// Text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Refused, with the text that would stand in a close reason.
    Error(String),
    /// Messages.
    Messages(Vec<Message>),
    /// A value and its flags.
    Value {
        /// The value.
        bytes: Hex,
        /// The flags.
        flags: u8,
    },
    /// What happened while time passed.
    Events(Vec<Event>),
    /// The implementation has no such thing, and why not.
    Unsupported(String),
}

/// Something that goes to the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What goes to the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A message.
    Send(Message),
    /// A close frame of code 1000 with this reason.
    Close(String),
}
