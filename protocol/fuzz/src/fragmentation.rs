//! Fragmentation: any sequence of keywords, texts and chunks, compared with a second, simpler implementation.
//!
//! Input: chunk length less 4, largest message in units of 16 bytes, then operations.

use std::time::Instant;

use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Fragmentation, Incoming, MAX_MESSAGE_LEN, Stack};
use ratatosk_protocol::text;

use super::input::{Counter, Input};
use super::watch::{Watch, delivered};

const START_STRING: &str = "fragmentation_start_string";
const START_BINARY: &str = "fragmentation_start_binary";
const END: &str = "fragmentation_end";
const KEYWORDS: [&str; 3] = [START_STRING, START_BINARY, END];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let chunk_len = usize::from(input.byte().unwrap_or(0)) + 4;
    let max_message_len = usize::from(input.byte().unwrap_or(0)) * 16;
    let now = Instant::now();
    let mut stack = open(now, Fragmentation::new(chunk_len, max_message_len));
    let mut watch = Watch::default();
    let mut model = Model { max_message_len, receiving: None };
    let mut first_failure = None;
    while let Some(operation) = input.byte() {
        let message = match operation % 8 {
            keyword @ 0..3 => Payload::text(KEYWORDS[usize::from(keyword)]),
            3 => Payload::text(format!("{}{}", KEYWORDS[usize::from(operation / 8 % 3)], input.text())),
            4 => Payload::text(input.text()),
            5 => Payload::binary(input.content()),
            6 => {
                round_trip(now, chunk_len, Payload::text(input.text()));
                continue;
            }
            _ => {
                round_trip(now, chunk_len, Payload::binary(input.content()));
                continue;
            }
        };
        let expected = model.receive(message.clone());
        stack.handle_incoming(now, Incoming::Message(message));
        assert!(watch.sent(&mut stack).is_empty(), "receiving sends nothing");
        let delivered = delivered(&mut stack);
        match expected {
            Ok(expected) => assert_eq!(delivered, Vec::from_iter(expected)),
            Err(text) => {
                assert!(delivered.is_empty());
                first_failure.get_or_insert(text);
            }
        }
        // The first failure closes; what comes after it is taken all the same.
        assert_eq!(stack.failure().map(|failure| &failure.error.text), first_failure.as_ref());
    }
}

fn open(now: Instant, plugin: Fragmentation) -> Stack {
    let mut stack = Stack::of_one(Box::new(plugin), Box::new(Counter::default()));
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

/// What one end sends, the other gets; of a text that begins with a byte order mark, all but that. Chunks lose it when they are
/// put together; short texts in the encryption, which is not here: its part is done in its place.
fn round_trip(now: Instant, chunk_len: usize, message: Payload) {
    let plugin = || Fragmentation::new(chunk_len, MAX_MESSAGE_LEN);
    let (mut sender, mut receiver) = (open(now, plugin()), open(now, plugin()));
    assert_eq!(sender.send(now, message.clone()), Ok(()));
    let frames = Watch::default().sent(&mut sender);
    for frame in frames {
        assert!(!matches!(&frame, Payload::Binary(chunk) if chunk.len() > chunk_len), "a chunk is too long");
        receiver.handle_incoming(now, Incoming::Message(decoded(frame)));
    }
    assert_eq!(delivered(&mut receiver), [decoded(message)]);
    assert_eq!(receiver.failure(), None);
}

/// A text as it is read from bytes.
fn decoded(message: Payload) -> Payload {
    match message {
        Payload::Text(text) => Payload::Text(text::decode(text.as_bytes())),
        other => other,
    }
}

/// The receiving half, written down once more from the specification.
struct Model {
    max_message_len: usize,
    receiving: Option<(&'static str, Vec<u8>)>,
}

impl Model {
    fn receive(&mut self, message: Payload) -> Result<Option<Payload>, String> {
        match message {
            Payload::Binary(data) => match &mut self.receiving {
                None => Ok(Some(Payload::Binary(data))),
                Some((_, so_far)) if so_far.len() + data.len() > self.max_message_len => {
                    Err(format!("Fragmented message is larger than {} bytes.", self.max_message_len))
                }
                Some((_, so_far)) => {
                    so_far.extend(data);
                    Ok(None)
                }
            },
            Payload::Text(text) => match (text.as_str(), self.receiving.take()) {
                (START_STRING, None) => self.begin("string"),
                (START_BINARY, None) => self.begin("binary"),
                (START_STRING | START_BINARY, Some(current)) => {
                    let word = current.0;
                    self.receiving = Some(current);
                    Err(format!("Already processing {word} chunks. {text} message not allowed."))
                }
                (END, None) => {
                    Err("No chunks processing in progress. fragmentation_end message not allowed.".to_owned())
                }
                (END, Some(("string", data))) => Ok(Some(Payload::Text(text::decode(&data)))),
                (END, Some((_, data))) => Ok(Some(Payload::binary(data))),
                (_, Some(current)) => {
                    let word = current.0;
                    self.receiving = Some(current);
                    Err(format!(
                        "Currently processing {word} chunks. No string messages allowed except the {END} message."
                    ))
                }
                (_, None) => {
                    let mut text = text;
                    if KEYWORDS.iter().any(|keyword| text.starts_with(keyword)) {
                        text::drop_last_unit(&mut text);
                    }
                    Ok(Some(Payload::Text(text)))
                }
            },
        }
    }

    fn begin(&mut self, word: &'static str) -> Result<Option<Payload>, String> {
        self.receiving = Some((word, Vec::new()));
        Ok(None)
    }
}
