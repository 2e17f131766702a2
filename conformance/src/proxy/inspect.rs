//! What a frame means: a pure machine that follows one connection, and puts other keys into it where it has one.

use std::sync::Arc;

use ratatosk_protocol::message::{CommunicationRequest, Envelope, MAX_CONTROL_LEN, Payload};

use super::Direction;
use super::frame::{Frame, MAX_PAYLOAD};
use super::keys::Keys;
use super::rekey::{End, Rekey, Unreadable};

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
/// The first opcode of control frames.
pub(super) const CLOSE: u8 = 8;

/// What a held frame costs beside its payload.
const FRAME_COST: u64 = 64;

/// Commands of the protocol (`spec/wire.md §2` and `§3`).
const COMMANDS: [&str; 11] = [
    "register",
    "authentication_request",
    "authentication_response",
    "authentication_success",
    "ping",
    "pong",
    "comm_ping",
    "comm_pong",
    "connection_handover",
    "communication_request",
    "communication_ready",
];

/// What is known of the message that a frame ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing: part of a message, a control frame, or data of others.
    None,
    /// A control message of the network.
    Command(&'static str),
    /// A temporary key.
    Key {
        /// The receiver gets one of the proxy's.
        replaced: bool,
    },
    /// What was encrypted.
    Plain(Payload),
    /// What should have been.
    Unreadable(Unreadable),
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passing {
    /// What is passed on.
    pub(super) frame: Frame,
    /// The content as it came, without mask.
    pub(super) content: Vec<u8>,
    pub(super) meaning: Meaning,
}

/// The message that arrives in one direction.
#[derive(Default)]
struct Lane {
    /// Text or binary, while it is incomplete.
    opcode: Option<u8>,
    /// Frames that wait for the last one, which is needed to encrypt them again.
    held: Vec<Frame>,
    /// What they cost.
    held_cost: u64,
    /// The beginning of a message that is not held.
    beginning: Vec<u8>,
    /// It is passed on unread.
    given_up: bool,
}

/// What has been said so far.
enum Stage {
    First,
    /// The client registers or is a spare.
    Listener,
    /// The peers speak with each other.
    Peers {
        /// The direction in which the connector speaks.
        connector: Direction,
        /// Whether connector and acceptor have sent their temporary key.
        keys: [bool; 2],
        rekey: Option<Box<Rekey>>,
    },
    /// Nothing that this protocol knows.
    Foreign,
}

/// Follows one connection.
pub(super) struct Inspector {
    keys: Arc<Keys>,
    stage: Stage,
    up: Lane,
    down: Lane,
}

impl Inspector {
    pub(super) fn new(keys: Arc<Keys>) -> Self {
        Self { keys, stage: Stage::First, up: Lane::default(), down: Lane::default() }
    }

    fn lane(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    /// What to pass on now that a frame has come.
    pub(super) fn frame(&mut self, direction: Direction, frame: Frame) -> Vec<Passing> {
        let as_it_is = |frame: Frame| {
            let content = frame.content();
            vec![Passing { frame, content, meaning: Meaning::None }]
        };
        let opcode = match (frame.opcode(), self.lane(direction).opcode) {
            // Compressed, or what RFC 6455 §5.5 allows between the fragments of a message.
            _ if frame.reserved() != 0 => return as_it_is(frame),
            (first @ (TEXT | BINARY), None) => first,
            (CONTINUATION, Some(first)) => first,
            _ => return as_it_is(frame),
        };
        let holds = opcode == BINARY && matches!(self.stage, Stage::Peers { rekey: Some(_), .. });
        let lane = self.lane(direction);
        if !frame.is_final() {
            lane.opcode = Some(opcode);
            if holds && !lane.given_up {
                return lane.hold(frame);
            }
            lane.begin(&frame);
            return as_it_is(frame);
        }
        let lane = std::mem::take(lane);
        let frames: Vec<_> = lane.held.into_iter().chain([frame]).collect();
        let contents: Vec<_> = frames.iter().map(Frame::content).collect();
        let (replaced, meaning) = if lane.given_up {
            (None, Meaning::None)
        } else {
            match (&lane.beginning[..], &contents[..]) {
                // The usual case, and the one in which it can be long.
                ([], [content]) => self.message(direction, opcode, content),
                _ => self.message(direction, opcode, &[lane.beginning, contents.concat()].concat()),
            }
        };
        pass(frames, contents, replaced.as_deref(), meaning)
    }

    /// A whole message: what to send in its place, and what it means.
    fn message(&mut self, direction: Direction, opcode: u8, content: &[u8]) -> (Option<Vec<u8>>, Meaning) {
        if opcode == TEXT {
            let command = command(content);
            if let Some(command) = command {
                self.command(direction, command, content);
            } else if matches!(self.stage, Stage::First) {
                self.stage = Stage::Foreign;
            }
            return (None, command.map_or(Meaning::None, Meaning::Command));
        }
        let Stage::Peers { connector, keys, rekey } = &mut self.stage else { return (None, Meaning::None) };
        let (end, sent) = if direction == *connector { (End::Connector, 0) } else { (End::Acceptor, 1) };
        let Some(seen) = keys.get_mut(sent) else { return (None, Meaning::None) };
        if !std::mem::replace(seen, true) {
            let replaced = rekey.as_mut().and_then(|rekey| rekey.key_message(end, content));
            let meaning = Meaning::Key { replaced: replaced.is_some() };
            return (replaced, meaning);
        }
        let Some(rekey) = rekey else { return (None, Meaning::None) };
        let (replaced, plain) = rekey.message(end, content);
        (replaced, plain.map_or_else(Meaning::Unreadable, Meaning::Plain))
    }

    fn command(&mut self, direction: Direction, command: &'static str, content: &[u8]) {
        match (&self.stage, direction, command) {
            (Stage::First, Direction::Up, "register") => self.stage = Stage::Listener,
            (Stage::First, Direction::Up, "communication_request")
            | (Stage::Listener, Direction::Down, "communication_request") => {
                let payload = Payload::text(String::from_utf8_lossy(content));
                let request = CommunicationRequest::parse(&payload).ok();
                let long_term = request.and_then(|request| self.keys.long_term(&request));
                let rekey = long_term.map(|long_term| Box::new(Rekey::new(long_term)));
                self.stage = Stage::Peers { connector: direction, keys: [false; 2], rekey };
            }
            _ => {}
        }
    }
}

impl Lane {
    fn hold(&mut self, frame: Frame) -> Vec<Passing> {
        self.held_cost += frame.len() as u64 + FRAME_COST;
        self.held.push(frame);
        if self.held_cost <= MAX_PAYLOAD {
            return Vec::new();
        }
        self.given_up = true;
        self.held_cost = 0;
        let frames = std::mem::take(&mut self.held);
        let contents = frames.iter().map(Frame::content).collect();
        pass(frames, contents, None, Meaning::None)
    }

    fn begin(&mut self, frame: &Frame) {
        if self.given_up {
            return;
        }
        self.beginning.extend(frame.content());
        // What is longer is none of the messages that matter.
        if self.beginning.len() > MAX_CONTROL_LEN {
            self.beginning = Vec::new();
            self.given_up = true;
        }
    }
}

/// Frames with their contents, or with others of the same length. The last one carries the meaning.
fn pass(frames: Vec<Frame>, contents: Vec<Vec<u8>>, mut replaced: Option<&[u8]>, meaning: Meaning) -> Vec<Passing> {
    let mut passing: Vec<_> = frames
        .into_iter()
        .zip(contents)
        .map(|(frame, content)| {
            let other = replaced.and_then(|bytes| bytes.split_at_checked(content.len()));
            let frame = match other {
                Some((this, rest)) => {
                    replaced = Some(rest);
                    frame.with_content(this)
                }
                None => frame,
            };
            Passing { frame, content, meaning: Meaning::None }
        })
        .collect();
    if let Some(last) = passing.last_mut() {
        last.meaning = meaning;
    }
    passing
}

/// The command of a control message, if the protocol knows it.
fn command(content: &[u8]) -> Option<&'static str> {
    if content.len() > MAX_CONTROL_LEN {
        return None;
    }
    let envelope = Envelope::parse(&Payload::text(str::from_utf8(content).ok()?)).ok()?;
    let command = envelope.command()?;
    COMMANDS.into_iter().find(|known| *known == command)
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::crypto::{SharedKey, boxed};
    use ratatosk_protocol::entropy::OsEntropy;
    use ratatosk_protocol::key::KeyPair;
    use ratatosk_protocol::message;

    use super::*;

    const MASK: Option<[u8; 4]> = Some([9, 8, 7, 6]);

    struct Scene {
        inspector: Inspector,
        connector: KeyPair,
        listener: KeyPair,
    }

    impl Scene {
        fn new(with_keys: bool) -> Self {
            let [connector, listener] = std::array::from_fn(|_| KeyPair::generate(&mut OsEntropy));
            let keys = if with_keys { Keys::from(vec![listener.clone()]) } else { Keys::default() };
            Self { inspector: Inspector::new(Arc::new(keys)), connector, listener }
        }

        fn request(&self) -> Vec<u8> {
            match message::communication_request(self.connector.public(), self.listener.public()) {
                Payload::Text(text) => text.as_bytes().to_vec(),
                Payload::Binary(data) => data.to_vec(),
            }
        }

        fn key_message(&self) -> Vec<u8> {
            let long_term = SharedKey::between(self.connector.secret(), self.listener.public());
            boxed::seal(&long_term, KeyPair::generate(&mut OsEntropy).public().as_bytes(), &mut OsEntropy)
        }

        fn one(&mut self, direction: Direction, opcode: u8, content: &[u8]) -> Passing {
            let frame = Frame::new(opcode, true, content, MASK);
            let mut passing = self.inspector.frame(direction, frame);
            assert_eq!(passing.len(), 1);
            passing.remove(0)
        }
    }

    #[test]
    fn without_keys_everything_passes_as_it_is() {
        let mut scene = Scene::new(false);
        let request = scene.request();
        for (direction, opcode, content, meaning) in [
            (Direction::Up, TEXT, request, Meaning::Command("communication_request")),
            (Direction::Up, 9, b"ping".to_vec(), Meaning::None),
            (
                Direction::Down,
                TEXT,
                br#"{"command":"communication_ready"}"#.to_vec(),
                Meaning::Command("communication_ready"),
            ),
            (Direction::Up, BINARY, vec![1; 72], Meaning::Key { replaced: false }),
            (Direction::Down, BINARY, vec![2; 72], Meaning::Key { replaced: false }),
            (Direction::Up, BINARY, vec![3; 20], Meaning::None),
            (Direction::Up, CLOSE, vec![3, 232], Meaning::None),
            (Direction::Up, 11, vec![1], Meaning::None),
        ] {
            let passing = scene.one(direction, opcode, &content);
            assert_eq!(passing.meaning, meaning);
            assert_eq!((&passing.frame, &passing.content), (&Frame::new(opcode, true, &content, MASK), &content));
        }
    }

    #[test]
    fn a_command_in_fragments_is_read_and_not_held() {
        let mut scene = Scene::new(true);
        let request = scene.request();
        let (first, second) = request.split_at(50);
        let passed = scene.inspector.frame(Direction::Up, Frame::new(TEXT, false, first, MASK));
        assert_eq!((passed.len(), &passed[0].meaning), (1, &Meaning::None));
        let passed = scene.one(Direction::Up, CONTINUATION, second);
        assert_eq!(passed.meaning, Meaning::Command("communication_request"));
        assert!(matches!(scene.inspector.stage, Stage::Peers { rekey: Some(_), .. }));
    }

    #[test]
    fn a_listener_s_connection_is_followed_after_the_handover() {
        let mut scene = Scene::new(true);
        let request = scene.request();
        let register = br#"{"command":"register","publicKey":"00"}"#;
        assert_eq!(scene.one(Direction::Up, TEXT, register).meaning, Meaning::Command("register"));
        scene.one(Direction::Down, TEXT, &request);
        let key = scene.key_message();
        let passed = scene.one(Direction::Down, BINARY, &key);
        assert_eq!(passed.meaning, Meaning::Key { replaced: true });
        assert_ne!(passed.frame.content(), key);
        assert_eq!(passed.content, key);
    }

    #[test]
    fn a_key_in_fragments_is_held_and_cut_again() {
        let mut scene = Scene::new(true);
        let request = scene.request();
        scene.one(Direction::Up, TEXT, &request);
        let key = scene.key_message();
        assert_eq!(scene.inspector.frame(Direction::Up, Frame::new(BINARY, false, &key[..10], MASK)), []);
        assert_eq!(scene.one(Direction::Up, 9, b"x").frame, Frame::new(9, true, b"x", MASK));
        let passed = scene.inspector.frame(Direction::Up, Frame::new(CONTINUATION, true, &key[10..], MASK));
        assert_eq!(passed.len(), 2);
        assert_eq!(passed.iter().map(|passing| passing.frame.len()).collect::<Vec<_>>(), [10, 62]);
        let sent: Vec<u8> = passed.iter().flat_map(|passing| passing.frame.content()).collect();
        let long_term = SharedKey::between(scene.connector.secret(), scene.listener.public());
        assert_eq!(boxed::open(&long_term, &sent).unwrap().len(), 32);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut scene = Scene::new(true);
        let request = scene.request();
        scene.one(Direction::Up, TEXT, &request);
        let frame = |first: bool| Frame::new(if first { BINARY } else { CONTINUATION }, false, &[7; 8 << 20], MASK);
        let mut passed = 0;
        for number in 0..20 {
            passed += scene.inspector.frame(Direction::Up, frame(number == 0)).len();
        }
        assert_eq!(passed, 20);
        let last = scene.one(Direction::Up, CONTINUATION, b"end");
        assert_eq!(last.meaning, Meaning::None);
        assert_eq!(scene.inspector.up.held.len(), 0);
    }
}
