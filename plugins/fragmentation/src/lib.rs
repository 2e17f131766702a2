//! Fragmentation (`spec/wire.md §4`): long messages travel as keyword, chunks, keyword.
//!
//! The configuration is empty for the reference's sizes, or [`CONFIG_LEN`] bytes: bytes of a chunk, and of the largest message
//! that is put together (both little-endian, four bytes).

mod unfinished;

use ratatosk_plugin::keyword::Keyword;
use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict, abi, export_plugin, text};

use self::unfinished::Unfinished;

/// Bytes of a chunk. Texts are fragmented from a quarter as many UTF-16 units on, binary messages above it.
pub const CHUNK_LEN: usize = 65_536;

/// Largest message that is put together from chunks unless configured otherwise: 100 MiB, the reference's largest frame.
pub const MAX_MESSAGE_LEN: usize = 104_857_600;

/// Bytes of a configuration.
pub const CONFIG_LEN: usize = 8;

const START_BINARY: Keyword = Keyword("fragmentation_start_binary");
const START_STRING: Keyword = Keyword("fragmentation_start_string");
const END: Keyword = Keyword("fragmentation_end");
const KEYWORDS: [Keyword; 3] = [START_BINARY, START_STRING, END];

/// What all keywords begin with.
const PREFIX: &[u8] = b"fragmentation_";

/// The fragmentation plugin of one connection.
pub struct Fragmentation {
    chunk_len: usize,
    max_message_len: usize,
    receiving: Option<Receiving>,
}

/// A message that arrives in chunks. Memory: three times `max_message_len` while the buffer grows.
struct Receiving {
    kind: Kind,
    data: Vec<u8>,
    unfinished: Unfinished,
}

/// The configuration for these sizes.
#[must_use]
pub fn config(chunk_len: u32, max_message_len: u32) -> [u8; CONFIG_LEN] {
    let mut config = [0; CONFIG_LEN];
    config[..4].copy_from_slice(&chunk_len.to_le_bytes());
    config[4..].copy_from_slice(&max_message_len.to_le_bytes());
    config
}

/// The reference's word for a kind.
fn word(kind: Kind) -> &'static str {
    if kind == Kind::Text { "string" } else { "binary" }
}

/// Whether one of the keywords may concern a text, which a byte order mark in front does not change.
fn may_be_keyword(text: &[u8]) -> bool {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).starts_with(PREFIX)
}

fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn say(host: &mut dyn Host, keyword: Keyword) {
    host.emit(Direction::Outgoing, Kind::Text, keyword.0.as_bytes());
}

impl Fragmentation {
    /// With these sizes. `max_message_len` bounds what one peer can make this end keep.
    #[must_use]
    pub fn new(chunk_len: usize, max_message_len: usize) -> Self {
        // Smaller chunks would never get on.
        Self { chunk_len: chunk_len.max(4), max_message_len, receiving: None }
    }

    fn send_chunks(&self, host: &mut dyn Host, start: Keyword, data: &[u8]) -> Verdict {
        say(host, start);
        for chunk in data.chunks(self.chunk_len) {
            host.emit(Direction::Outgoing, Kind::Binary, chunk);
        }
        say(host, END);
        Verdict::Consumed
    }

    fn send_text(&self, host: &mut dyn Host, data: &[u8]) -> Verdict {
        // The threshold looks at the text before it is escaped; chunks are not escaped at all.
        if !self.is_short(data) {
            return self.send_chunks(host, START_STRING, data);
        }
        if !may_be_keyword(data) {
            return Verdict::Pass;
        }
        let mut text = owned(data);
        for keyword in KEYWORDS {
            keyword.escape(&mut text);
        }
        host.emit(Direction::Outgoing, Kind::Text, text.as_bytes());
        Verdict::Consumed
    }

    /// Whether a text has fewer UTF-16 units than are fragmented. Often its bytes alone say that, without a look at them.
    fn is_short(&self, data: &[u8]) -> bool {
        let limit = self.chunk_len / 4;
        data.len() < limit || data.len() / 3 < limit && text::is_shorter_than(&String::from_utf8_lossy(data), limit)
    }

    fn receive_text(&mut self, host: &mut dyn Host, data: &[u8]) -> Result<Verdict, Failure> {
        let kinds = [(START_STRING, Kind::Text), (START_BINARY, Kind::Binary)];
        if let Some((keyword, kind)) = kinds.into_iter().find(|(keyword, _)| data == keyword.0.as_bytes()) {
            if let Some(current) = &self.receiving {
                let (word, keyword) = (word(current.kind), keyword.0);
                return Err(Failure(format!("Already processing {word} chunks. {keyword} message not allowed.")));
            }
            self.receiving = Some(Receiving { kind, data: Vec::new(), unfinished: Unfinished::default() });
            return Ok(Verdict::Consumed);
        }
        if data == END.0.as_bytes() {
            return self.finish(host);
        }
        if let Some(current) = &self.receiving {
            let word = word(current.kind);
            return Err(Failure(format!(
                "Currently processing {word} chunks. No string messages allowed except the fragmentation_end message."
            )));
        }
        if !data.starts_with(PREFIX) {
            return Ok(Verdict::Pass);
        }
        let mut text = owned(data);
        for keyword in KEYWORDS.iter().rev() {
            keyword.unescape(&mut text).map_err(Failure::new)?;
        }
        host.emit(Direction::Incoming, Kind::Text, text.as_bytes());
        Ok(Verdict::Consumed)
    }

    fn finish(&mut self, host: &mut dyn Host) -> Result<Verdict, Failure> {
        let nothing = || Failure::new("No chunks processing in progress. fragmentation_end message not allowed.");
        let Receiving { kind, data, unfinished: _ } = self.receiving.take().ok_or_else(nothing)?;
        if kind == Kind::Text && (data.starts_with(b"\xEF\xBB\xBF") || str::from_utf8(&data).is_err()) {
            host.emit(Direction::Incoming, Kind::Text, text::decode(&data).as_bytes());
        } else {
            host.emit(Direction::Incoming, kind, &data);
        }
        Ok(Verdict::Consumed)
    }

    fn receive_binary(&mut self, chunk: &[u8]) -> Result<Verdict, Failure> {
        let Some(current) = &mut self.receiving else { return Ok(Verdict::Pass) };
        if chunk.len() > self.max_message_len - current.data.len() {
            let limit = self.max_message_len;
            return Err(Failure(format!("Fragmented message is larger than {limit} bytes.")));
        }
        if !current.unfinished.keep(chunk.len(), self.max_message_len) {
            return Err(Failure::new("Too many bytes of unfinished messages."));
        }
        current.data.extend_from_slice(chunk);
        Ok(Verdict::Consumed)
    }
}

impl Plugin for Fragmentation {
    const SUBSCRIBE: u32 = abi::MESSAGES;

    fn open(_host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure> {
        let (chunk_len, max_message_len) = match config.as_chunks::<4>() {
            ([], []) => (CHUNK_LEN, MAX_MESSAGE_LEN),
            (&[chunk, message], []) => (u32::from_le_bytes(chunk) as usize, u32::from_le_bytes(message) as usize),
            _ => return Err(Failure::new("the configuration is empty, or two sizes of four bytes")),
        };
        Ok(Self::new(chunk_len, max_message_len))
    }

    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure> {
        match (direction, kind) {
            (Direction::Outgoing, Kind::Text) => Ok(self.send_text(host, data)),
            (Direction::Outgoing, Kind::Binary) if data.len() > self.chunk_len => {
                Ok(self.send_chunks(host, START_BINARY, data))
            }
            (Direction::Incoming, Kind::Text) => self.receive_text(host, data),
            (Direction::Incoming, Kind::Binary) => self.receive_binary(data),
            _ => Ok(Verdict::Pass),
        }
    }
}

export_plugin!(Fragmentation);
