//! Fragmentation: long messages travel as keyword, chunks, keyword (`spec/wire.md §4`).

use bytes::{Bytes, BytesMut};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::keyword::Keyword;
use crate::message::Payload;
use crate::text;

/// Bytes of a chunk. Texts are fragmented from a quarter as many UTF-16 units on, binary messages above it.
pub const CHUNK_LEN: usize = 65_536;

/// Largest message that is put together from chunks unless configured otherwise: 100 MiB, the reference's largest frame.
pub const MAX_MESSAGE_LEN: usize = 104_857_600;

const START_BINARY: Keyword = Keyword("fragmentation_start_binary");
const START_STRING: Keyword = Keyword("fragmentation_start_string");
const END: Keyword = Keyword("fragmentation_end");
const KEYWORDS: [Keyword; 3] = [START_BINARY, START_STRING, END];

/// The fragmentation plugin of one connection.
#[derive(Debug)]
pub struct Fragmentation {
    chunk_len: usize,
    max_message_len: usize,
    receiving: Option<Receiving>,
}

/// A message that arrives in chunks. Memory: twice `max_message_len` while the buffer grows; for a text that is not UTF-8,
/// where each bad byte becomes three, four times at its end.
#[derive(Debug)]
struct Receiving {
    kind: Kind,
    data: BytesMut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// The reference's word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Binary => "binary",
        }
    }

    fn keyword(self) -> Keyword {
        match self {
            Self::Text => START_STRING,
            Self::Binary => START_BINARY,
        }
    }
}

impl Default for Fragmentation {
    fn default() -> Self {
        Self::new(CHUNK_LEN, MAX_MESSAGE_LEN)
    }
}

impl Fragmentation {
    /// With other sizes than the reference's. `max_message_len` bounds what one peer can make this end keep.
    #[must_use]
    pub fn new(chunk_len: usize, max_message_len: usize) -> Self {
        Self { chunk_len: chunk_len.max(4), max_message_len, receiving: None }
    }

    fn send_chunks(&self, cx: &mut Context<'_>, kind: Kind, mut data: Bytes) {
        cx.sink(Outgoing::Message(Payload::text(kind.keyword().0)));
        while !data.is_empty() {
            let chunk = data.split_to(data.len().min(self.chunk_len));
            cx.sink(Outgoing::Message(Payload::Binary(chunk)));
        }
        cx.sink(Outgoing::Message(Payload::text(END.0)));
    }

    fn receive_text(&mut self, mut text: String) -> Result<Option<Payload>, PluginError> {
        let start = [Kind::Text, Kind::Binary].into_iter().find(|kind| text == kind.keyword().0);
        if let Some(kind) = start {
            if let Some(current) = &self.receiving {
                let (word, keyword) = (current.kind.word(), kind.keyword().0);
                let error = format!("Already processing {word} chunks. {keyword} message not allowed.");
                return Err(PluginError(error));
            }
            self.receiving = Some(Receiving { kind, data: BytesMut::new() });
            return Ok(None);
        }
        match (text == END.0, self.receiving.take()) {
            (true, None) => {
                Err(PluginError::new("No chunks processing in progress. fragmentation_end message not allowed."))
            }
            (true, Some(Receiving { kind: Kind::Text, data })) => Ok(Some(Payload::Text(text::decode(&data)))),
            (true, Some(Receiving { kind: Kind::Binary, data })) => Ok(Some(Payload::Binary(data.freeze()))),
            (false, Some(current)) => {
                let word = current.kind.word();
                self.receiving = Some(current);
                Err(PluginError(format!(
                    "Currently processing {word} chunks. No string messages allowed except the fragmentation_end message."
                )))
            }
            (false, None) => {
                for keyword in KEYWORDS.iter().rev() {
                    keyword.unescape(&mut text).map_err(PluginError::new)?;
                }
                Ok(Some(Payload::Text(text)))
            }
        }
    }

    fn receive_binary(&mut self, chunk: Bytes) -> Result<Option<Payload>, PluginError> {
        let Some(current) = &mut self.receiving else { return Ok(Some(Payload::Binary(chunk))) };
        if chunk.len() > self.max_message_len - current.data.len() {
            let limit = self.max_message_len;
            return Err(PluginError(format!("Fragmented message is larger than {limit} bytes.")));
        }
        current.data.extend_from_slice(&chunk);
        Ok(None)
    }
}

impl Plugin for Fragmentation {
    fn name(&self) -> &str {
        "fragmentation"
    }

    fn layer(&self) -> Layer {
        Layer::Fragmentation
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        let message = match event {
            Incoming::Message(Payload::Text(text)) => self.receive_text(text)?,
            Incoming::Message(Payload::Binary(data)) => self.receive_binary(data)?,
            other => {
                cx.rise(other);
                None
            }
        };
        if let Some(message) = message {
            cx.rise(Incoming::Message(message));
        }
        Ok(())
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        match event {
            Outgoing::Message(Payload::Text(mut text)) => {
                // The threshold looks at the text before it is escaped; chunks are not escaped at all.
                if text::is_shorter_than(&text, self.chunk_len / 4) {
                    for keyword in KEYWORDS {
                        keyword.escape(&mut text);
                    }
                    cx.sink(Outgoing::Message(Payload::Text(text)));
                } else {
                    self.send_chunks(cx, Kind::Text, Bytes::from(text));
                }
            }
            Outgoing::Message(Payload::Binary(data)) if data.len() > self.chunk_len => {
                self.send_chunks(cx, Kind::Binary, data);
            }
            other => cx.sink(other),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::plugin::{Stack, testing};

    fn open(plugin: Fragmentation) -> Stack {
        testing::open(vec![Box::new(plugin)]).0
    }

    fn receive(stack: &mut Stack, message: Payload) -> Option<Incoming> {
        stack.handle_incoming(Instant::now(), Incoming::Message(message));
        stack.poll_event()
    }

    #[test]
    fn a_peer_cannot_make_a_message_larger_than_allowed() {
        let mut stack = open(Fragmentation::new(CHUNK_LEN, 10));
        assert_eq!(receive(&mut stack, Payload::text("fragmentation_start_binary")), None);
        assert_eq!(receive(&mut stack, Payload::binary(vec![1; 10])), None);
        assert_eq!(stack.failure(), None);
        assert_eq!(receive(&mut stack, Payload::binary(vec![1])), None);
        let failure = stack.failure().map(|failure| failure.error.0.as_str());
        assert_eq!(failure, Some("Fragmented message is larger than 10 bytes."));
        // The limit is for what is put together; a message in one piece was bounded by the socket.
        let mut stack = open(Fragmentation::new(CHUNK_LEN, 10));
        let whole = Payload::binary(vec![1; 11]);
        assert_eq!(receive(&mut stack, whole.clone()), Some(Incoming::Message(whole)));
    }

    #[test]
    fn chunks_are_never_too_small_to_get_on() {
        let mut stack = open(Fragmentation::new(0, MAX_MESSAGE_LEN));
        stack.send(Instant::now(), Payload::binary(vec![1; 9])).unwrap();
        let len = |event| match event {
            Outgoing::Message(message) => message.len(),
            Outgoing::Close(request) => panic!("{}", request.reason()),
        };
        let sent: Vec<_> = std::iter::from_fn(|| stack.poll_transmit()).map(len).collect();
        assert_eq!(sent, [START_BINARY.0.len(), 4, 4, 1, END.0.len()]);
    }
}
