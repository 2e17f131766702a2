//! The whole stack: raw frames, frames with the right key but any plaintext, well-formed messages, time, and an
//! application that sends and closes.
//!
//! Input: chunk length less 4, then operations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{
    Counters, Encryption, Fragmentation, Incoming, KeepAlive, NonceParity, Origin, Stack, Statistics, nonce,
};

use super::input::{Counter, Input};
use super::watch::{Watch, delivered};

/// Largest message from chunks here, in bytes: small, so that an input can reach it.
const MAX_MESSAGE_LEN: usize = 4096;

/// Largest message that one operation can make: 16 times 255 bytes, each of which may become three of U+FFFD.
const MAX_DELIVERED: usize = 3 * if MAX_MESSAGE_LEN > 16 * 255 { MAX_MESSAGE_LEN } else { 16 * 255 };

const WORDS: [&str; 5] =
    ["keepalive", "fragmentation_start_string", "fragmentation_start_binary", "fragmentation_end", "\u{FEFF}"];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let chunk_len = usize::from(input.byte().unwrap_or(0)) + 4;
    let mut end = End::open(chunk_len);
    while let Some(operation) = input.byte() {
        match operation % 12 {
            0 => end.receive(Payload::binary(input.content())),
            1 => end.receive(Payload::text(input.text())),
            2 => end.receive_plaintext(input.bytes()),
            3 => end.receive_message(1, input.text().as_bytes()),
            4 => end.receive_message(1, WORDS[usize::from(operation / 12) % WORDS.len()].as_bytes()),
            5 => end.receive_message(
                1,
                (WORDS[usize::from(operation / 12) % WORDS.len()].to_owned() + &input.text()).as_bytes(),
            ),
            6 => end.receive_message((operation / 12) & 0x0e, &input.content()),
            7 => end.advance(Duration::from_millis(u64::from(input.byte().unwrap_or(0)) * 3)),
            8 => end.send(Payload::text(input.text())),
            9 => end.send(Payload::binary(input.content())),
            10 => end.close(input.text()),
            _ => end.closed(),
        }
    }
}

/// The end under test, and what its peer needs to speak to it.
struct End {
    stack: Stack,
    watch: Watch,
    counters: Arc<Counters>,
    now: Instant,
    open: bool,
    peer_counter: u64,
    received: u64,
}

fn key() -> SharedKey {
    SharedKey::from_bytes([7; 32])
}

impl End {
    fn open(chunk_len: usize) -> Self {
        let counters = Arc::new(Counters::default());
        let millis = Duration::from_millis;
        let plugins = vec![
            Box::new(Statistics::new(Arc::clone(&counters))) as _,
            Box::new(Encryption::new(&key(), NonceParity::Even)) as _,
            Box::new(KeepAlive::new(millis(100), millis(250))) as _,
            Box::new(Fragmentation::new(chunk_len, MAX_MESSAGE_LEN)) as _,
        ];
        let mut stack = Stack::new(plugins, Box::new(Counter::default())).expect("the usual order");
        let now = Instant::now();
        stack.handle_incoming(now, Incoming::Opened);
        assert_eq!(stack.poll_event(), Some(Incoming::Opened));
        Self { stack, watch: Watch::default(), counters, now, open: true, peer_counter: 1, received: 0 }
    }

    fn receive(&mut self, message: Payload) {
        // The counter moves on with each frame that the encryption plugin looks at, good or bad.
        if self.open && matches!(message, Payload::Binary(_)) {
            self.peer_counter += 2;
        }
        self.received += u64::from(self.open);
        self.stack.handle_incoming(self.now, Incoming::Message(message));
        self.check();
        assert_eq!(self.counters.messages_received(), self.received);
    }

    /// A frame that decrypts, with any plaintext in it.
    fn receive_plaintext(&mut self, plaintext: &[u8]) {
        let nonce = nonce(self.peer_counter).expect("few frames");
        let frame = boxed::seal(&key(), plaintext, &mut Nonce(nonce));
        self.receive(Payload::binary(frame[nonce.len()..].to_vec()));
    }

    /// A frame that holds this value without padding.
    fn receive_message(&mut self, flags: u8, value: &[u8]) {
        self.receive_plaintext(&[&[flags << 4], value].concat());
    }

    fn send(&mut self, message: Payload) {
        let closed = self.watch.is_closed() || !self.open;
        assert_eq!(self.stack.send(self.now, message).is_err(), closed);
        self.check();
    }

    fn close(&mut self, reason: String) {
        self.stack.close(self.now, CloseRequest::because(reason));
        self.check();
        assert!(self.watch.is_closed() || !self.open);
    }

    fn closed(&mut self) {
        self.open = false;
        self.stack.handle_incoming(self.now, Incoming::Closed { reason: String::new(), origin: Origin::Remote });
        self.check();
        assert_eq!(self.stack.poll_timeout(), None);
    }

    fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.stack.poll_timeout().filter(|&deadline| deadline <= until) {
            self.now = self.now.max(deadline);
            self.stack.handle_timeout(self.now);
            self.check();
            assert!(self.stack.poll_timeout().is_none_or(|next| next > self.now), "a timer does not move on");
        }
        self.now = until;
    }

    fn check(&mut self) {
        self.watch.sent(&mut self.stack);
        for message in delivered(&mut self.stack) {
            assert!(message.len() <= MAX_DELIVERED, "{} bytes were delivered", message.len());
        }
    }
}

/// The nonce of a frame, in place of a random one.
struct Nonce([u8; 24]);

impl Entropy for Nonce {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}
