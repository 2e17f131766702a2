//! The three plugins that every connection has, linked (`spec/wire.md §4`). Their sources are in `plugins/`.

use std::time::Duration;

use ratatosk_plugin_encryption as encryption;
use ratatosk_plugin_fragmentation as fragmentation;
use ratatosk_plugin_keepalive as keepalive;

use super::{Layer, Linked};
use crate::crypto::SharedKey;
use encryption::NonceParity;
use fragmentation::{CHUNK_LEN, MAX_MESSAGE_LEN};
use keepalive::Settings;

/// Encryption: XSalsa20-Poly1305 with counter nonces, random padding, text flag.
pub type Encryption = Linked<encryption::Encryption>;

/// Fragmentation: long messages travel as keyword, chunks, keyword.
pub type Fragmentation = Linked<fragmentation::Fragmentation>;

/// Keepalive: a pulse when nothing was sent, a close when nothing was received.
pub type KeepAlive = Linked<keepalive::KeepAlive>;

impl Encryption {
    /// Starts both counters. The copy of the key is wiped when the plugin is dropped.
    #[must_use]
    pub fn new(key: &SharedKey, sends: NonceParity) -> Self {
        Self::from_plugin("encryption", Layer::Encryption, encryption::Encryption::new(key.expose(), sends))
    }
}

impl Fragmentation {
    /// With these sizes, in bytes. `max_message_len` bounds what one peer can make this end keep.
    #[must_use]
    pub fn new(chunk_len: usize, max_message_len: usize) -> Self {
        let plugin = fragmentation::Fragmentation::new(chunk_len, max_message_len);
        Self::from_plugin("fragmentation", Layer::Fragmentation, plugin)
    }
}

impl Default for Fragmentation {
    fn default() -> Self {
        Self::new(CHUNK_LEN, MAX_MESSAGE_LEN)
    }
}

impl KeepAlive {
    /// With these times, in whole milliseconds: a pulse is due after `send_after` without sending, and at least 1 ms, the end
    /// after `close_after` without receiving.
    #[must_use]
    pub fn new(send_after: Duration, close_after: Duration) -> Self {
        Self::with_settings(Settings::new(send_after, close_after))
    }

    /// With everything that can be set.
    #[must_use]
    pub fn with_settings(settings: Settings) -> Self {
        Self::from_plugin("keepalive", Layer::KeepAlive, keepalive::KeepAlive::new(settings))
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::with_settings(Settings::default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::close::CloseRequest;
    use crate::message::Payload;
    use crate::plugin::testing::open;
    use crate::plugin::{CLOSE_AFTER_SILENCE, Incoming, Outgoing, SEND_AFTER_IDLE, Stack};

    fn keepalive(settings: Settings) -> (Stack, Instant) {
        open(vec![Box::new(KeepAlive::with_settings(settings))])
    }

    fn encryption(sends: NonceParity) -> Encryption {
        Encryption::new(&SharedKey::from_bytes([5; 32]), sends)
    }

    fn pulse() -> Option<Outgoing> {
        Some(Outgoing::Message(Payload::text("keepalive")))
    }

    #[test]
    fn equal_messages_make_different_frames() {
        let (mut stack, now) = open(vec![Box::new(encryption(NonceParity::Even))]);
        let frames = [(); 2].map(|()| {
            stack.send(now, Payload::text("same")).unwrap();
            stack.poll_transmit()
        });
        assert_ne!(frames[0], frames[1]);
    }

    #[test]
    fn what_one_end_seals_the_other_opens() {
        let (mut from, now) = open(vec![Box::new(encryption(NonceParity::Even))]);
        let (mut to, _) = open(vec![Box::new(encryption(NonceParity::Odd))]);
        from.send(now, Payload::text("hello")).unwrap();
        let Some(Outgoing::Message(frame)) = from.poll_transmit() else { panic!("no frame") };
        to.handle_incoming(now, Incoming::Message(frame.clone()));
        assert_eq!(to.poll_event(), Some(Incoming::Message(Payload::text("hello"))));
        // The same frame again has the wrong nonce.
        to.handle_incoming(now, Incoming::Message(frame));
        let close = CloseRequest::because("Decryption of message failed.");
        assert_eq!((to.poll_event(), to.poll_transmit()), (None, Some(Outgoing::Close(close))));
    }

    #[test]
    fn the_first_pulse_comes_at_once_if_wanted() {
        let (mut stack, _) = keepalive(Settings { first_pulse: true, ..Settings::default() });
        assert_eq!(stack.poll_transmit(), pulse());
        let (mut stack, _) = keepalive(Settings::default());
        assert_eq!(stack.poll_transmit(), None);
    }

    #[test]
    fn a_pulse_is_swallowed_and_counts_as_a_sign_of_life() {
        let (mut stack, start) = keepalive(Settings::default());
        let later = start + Duration::from_secs(10);
        stack.handle_incoming(later, Incoming::Message(Payload::text("keepalive")));
        assert_eq!(stack.poll_event(), None);
        stack.handle_timeout(start + SEND_AFTER_IDLE);
        assert_eq!(stack.poll_transmit(), pulse());
        assert_eq!(stack.poll_timeout(), Some(later + CLOSE_AFTER_SILENCE));
        // The same bytes as binary are data.
        let data = Payload::binary(&b"keepalive"[..]);
        stack.handle_incoming(later, Incoming::Message(data.clone()));
        assert_eq!(stack.poll_event(), Some(Incoming::Message(data)));
    }

    #[test]
    fn pulses_without_any_time_between_them_do_not_keep_the_driver_busy() {
        let (mut stack, start) = keepalive(Settings::new(Duration::ZERO, CLOSE_AFTER_SILENCE));
        let due = stack.poll_timeout().unwrap();
        stack.handle_timeout(due);
        assert_eq!(stack.poll_transmit(), pulse());
        assert!(due > start && stack.poll_timeout().unwrap() > due);
    }

    fn fragmenting(plugin: Fragmentation) -> Stack {
        open(vec![Box::new(plugin)]).0
    }

    fn receive(stack: &mut Stack, message: Payload) -> Option<Incoming> {
        stack.handle_incoming(Instant::now(), Incoming::Message(message));
        stack.poll_event()
    }

    #[test]
    fn a_peer_cannot_make_a_message_larger_than_allowed() {
        let mut stack = fragmenting(Fragmentation::new(CHUNK_LEN, 10));
        assert_eq!(receive(&mut stack, Payload::text("fragmentation_start_binary")), None);
        assert_eq!(receive(&mut stack, Payload::binary(vec![1; 10])), None);
        assert_eq!(stack.failure(), None);
        assert_eq!(receive(&mut stack, Payload::binary(vec![1])), None);
        let failure = stack.failure().map(|failure| failure.error.text.as_str());
        assert_eq!(failure, Some("Fragmented message is larger than 10 bytes."));
        // The limit is for what is put together; a message in one piece was bounded by the socket.
        let mut stack = fragmenting(Fragmentation::new(CHUNK_LEN, 10));
        let whole = Payload::binary(vec![1; 11]);
        assert_eq!(receive(&mut stack, whole.clone()), Some(Incoming::Message(whole)));
    }

    #[test]
    fn chunks_are_never_too_small_to_get_on() {
        let mut stack = fragmenting(Fragmentation::new(0, MAX_MESSAGE_LEN));
        stack.send(Instant::now(), Payload::binary(vec![1; 9])).unwrap();
        let len = |event| match event {
            Outgoing::Message(message) => message.len(),
            Outgoing::Close(request) => panic!("{}", request.reason()),
        };
        let sent: Vec<_> = std::iter::from_fn(|| stack.poll_transmit()).map(len).collect();
        assert_eq!(sent, ["fragmentation_start_binary".len(), 4, 4, 1, "fragmentation_end".len()]);
    }
}
