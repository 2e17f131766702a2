//! Whatever one end sends, the other one gets: the same messages, in the same order, in both directions at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{
    CHUNK_LEN, Counters, Encryption, Fragmentation, Incoming, KeepAlive, MAX_MESSAGE_LEN, NonceParity, Outgoing,
    SEND_AFTER_IDLE, Stack, Statistics,
};

/// Padding of every length, one after the other.
struct Rising(u8);

impl Entropy for Rising {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

/// One end, and the frames that are on their way to it.
struct End {
    stack: Stack,
    counters: Arc<Counters>,
    arriving: VecDeque<Payload>,
    received: Vec<Payload>,
}

impl End {
    fn open(now: Instant, chunk_len: usize, sends: NonceParity) -> Self {
        let counters = Arc::new(Counters::default());
        let plugins = vec![
            Box::new(Statistics::new(Arc::clone(&counters))) as _,
            Box::new(Encryption::new(&SharedKey::from_bytes([9; 32]), sends)) as _,
            Box::new(KeepAlive::default()) as _,
            Box::new(Fragmentation::new(chunk_len, MAX_MESSAGE_LEN)) as _,
        ];
        let mut stack = Stack::new(plugins, Box::new(Rising(0))).unwrap();
        stack.handle_incoming(now, Incoming::Opened);
        assert_eq!(stack.poll_event(), Some(Incoming::Opened));
        Self { stack, counters, arriving: VecDeque::new(), received: Vec::new() }
    }

    fn frames(&mut self) -> Vec<Payload> {
        let frame = |event| match event {
            Outgoing::Message(frame @ Payload::Binary(_)) => frame,
            other => panic!("{other:?} goes to the socket"),
        };
        std::iter::from_fn(|| self.stack.poll_transmit()).map(frame).collect()
    }

    fn deliver(&mut self, now: Instant, frames: usize) {
        for frame in self.arriving.drain(..frames.min(self.arriving.len())) {
            self.stack.handle_incoming(now, Incoming::Message(frame));
        }
        while let Some(event) = self.stack.poll_event() {
            let Incoming::Message(message) = event else { panic!("{event:?} reaches the application") };
            self.received.push(message);
        }
        assert_eq!(self.stack.failure(), None);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(bool, Payload),
    /// Some frames arrive at one end, the others stay on their way.
    Deliver(bool, usize),
    /// Everything arrives, then nobody says anything until both keepalives do.
    Idle,
}

fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "",
        "",
        "",
        "keepalive",
        "keepaliv",
        "fragmentation_start_string",
        "fragmentation_start_binary",
        "fragmentation_end",
        "fragmentation_",
        "a\u{FEFF}",
    ]);
    let rest = (vec(any::<char>(), 0..12), 0_usize..60).prop_map(|(unit, times)| String::from_iter(unit).repeat(times));
    (word, rest).prop_map(|(word, rest)| word.to_owned() + &rest)
}

fn message() -> impl Strategy<Value = Payload> {
    prop_oneof![
        4 => text().prop_map(Payload::Text),
        3 => (vec(any::<u8>(), 0..20), 0_usize..60).prop_map(|(unit, times)| Payload::binary(unit.repeat(times))),
        1 => text().prop_map(|text| Payload::text(format!("\u{FEFF}\u{FEFF}{text}"))),
        1 => text().prop_map(|text| Payload::text(format!("\u{FEFF}{text}"))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), message()).prop_map(|(from, message)| Step::Send(from, message)),
        4 => (any::<bool>(), 0_usize..8).prop_map(|(to, frames)| Step::Deliver(to, frames)),
        1 => Just(Step::Idle),
    ]
}

/// What arrives: all of it, but for one leading byte order mark of a text.
fn arrives(message: &Payload) -> Payload {
    match message {
        Payload::Text(text) => Payload::text(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        binary @ Payload::Binary(_) => binary.clone(),
    }
}

fn run(chunk_len: usize, steps: Vec<Step>) {
    let mut now = Instant::now();
    let mut ends = [NonceParity::Even, NonceParity::Odd].map(|sends| End::open(now, chunk_len, sends));
    let mut expected = [Vec::new(), Vec::new()];
    for step in steps.into_iter().chain([Step::Idle]) {
        match step {
            Step::Send(from, message) => {
                let (from, to) = (usize::from(from), usize::from(!from));
                expected[to].push(arrives(&message));
                assert_eq!(ends[from].stack.send(now, message), Ok(()));
                let frames = ends[from].frames();
                ends[to].arriving.extend(frames);
            }
            Step::Deliver(to, frames) => ends[usize::from(to)].deliver(now, frames),
            Step::Idle => {
                for end in &mut ends {
                    end.deliver(now, usize::MAX);
                }
                now += SEND_AFTER_IDLE;
                for (from, to) in [(0, 1), (1, 0)] {
                    ends[from].stack.handle_timeout(now);
                    let pulse = ends[from].frames();
                    assert_eq!(pulse.len(), 1);
                    ends[to].arriving.extend(pulse);
                    ends[to].deliver(now, usize::MAX);
                }
            }
        }
        now += Duration::from_millis(1);
    }
    for (end, expected) in ends.iter().zip(expected) {
        assert!(end.received == expected, "received {:?}, expected {expected:?}", end.received);
    }
    for (from, to) in [(0, 1), (1, 0)] {
        let (sent, received) = (&ends[from].counters, &ends[to].counters);
        assert_eq!(sent.bytes_sent(), received.bytes_received());
        assert_eq!(sent.messages_sent(), received.messages_received());
    }
}

proptest! {
    #[test]
    fn everything_arrives(chunk_len in 4_usize..300, steps in vec(step(), 0..40)) {
        run(chunk_len, steps);
    }
}

/// Around the sizes at which the reference's stack begins to fragment, and at which a chunk is full.
#[test]
fn everything_arrives_at_the_borders() {
    let texts = ["a", "€", "🎉"].into_iter().flat_map(|unit| {
        let around = |border: usize| {
            [border - 1, border, border + 1].map(|len| len / unit.chars().map(char::len_utf16).sum::<usize>())
        };
        [around(CHUNK_LEN / 4), around(CHUNK_LEN), around(2 * CHUNK_LEN)]
            .into_iter()
            .flatten()
            .map(move |times| unit.repeat(times))
    });
    let lengths = [CHUNK_LEN, 2 * CHUNK_LEN].into_iter().flat_map(|border| [border - 1, border, border + 1]);
    let binaries = lengths.map(|len| Payload::binary(vec![0xef; len]));
    let messages: Vec<_> = texts.map(Payload::Text).chain(binaries).collect();
    let steps = messages.into_iter().enumerate().map(|(index, message)| Step::Send(index % 2 == 0, message));
    run(CHUNK_LEN, steps.collect());
}

/// The receiver drops the mark before it looks for keywords, so the sender has to look behind it.
#[test]
fn a_byte_order_mark_does_not_hide_a_keyword() {
    let texts =
        ["keepalive", "keepalive!", "fragmentation_end", "fragmentation_start_string", "fragmentation_start_binary"];
    let send = |text: &str| Step::Send(true, Payload::text(format!("\u{FEFF}{text}")));
    run(CHUNK_LEN, texts.into_iter().map(send).collect());
}
