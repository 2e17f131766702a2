//! CHUM: a script of lines, each a message of the peer, or something that is short to say.
//!
//! The first byte chooses the bounds. `!a` answers our oldest open request as an honest peer would, `!A` all of them, `!l` and JSON
//! answers it with any data, `!e` with an error, `!f` and hex sends a part of a BLOB for it, `!z` ends that stream, `!x` and hex is a
//! binary message, `!q` and a number asks for that service with the newest hash that we named, `!t` and a number lets so many
//! milliseconds pass, `!p` posts something of ours, `!d` writes a piece of a draft, `!o` leaves what we have to say where it is; every other line is a text message. What
//! it promises beside not panicking: nothing is stored without what it needs, nothing is said after the end, few requests wait, and
//! time moves on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ratatosk_chum::memory::{Shared, Shelf};
use ratatosk_chum::message::{BinaryFrame, Message, answer_data, answer_error, parse, stream_end};
use ratatosk_chum::{AnswerId, Chum, Draft, DraftState, Input, Output, Root, Settings, children};
use ratatosk_objects::typed::{
    ChannelInfo, ChatMessage, CreationTime, LinkedListEntry, Person, Topic, Typed, VersionNodeEdge, Versioned,
};
use ratatosk_objects::{
    BlobHash, IdHash, Microdata, Object, ObjectHash, Objects, ObjectsMut, PersonId, Recipes, Reference, Value,
};
use ratatosk_protocol::message::Payload;
use ratatosk_versions::store_version;

/// Milliseconds since 1970.
const NOW: u64 = 1_800_000_000_000;
/// Lines that are looked at.
const MAX_LINES: usize = 200;

/// What the honest peer has.
struct Cast {
    person: Microdata,
    objects: Vec<Microdata>,
    roots: String,
    /// What the version node and the topic need.
    lists: Vec<(Reference, Vec<Reference>)>,
    blob: BlobHash,
    channel: IdHash,
}

const BLOB: &[u8] = b"some bytes";

static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let person = Person { email: "b@peer.test".to_owned(), name: None }.id_microdata().unwrap();
    let sender = PersonId::from(person.id_hash().unwrap());
    let blob = Shelf::new().put_blob(BLOB);
    let file = Object::new("BlobDescriptor")
        .with("data", Value::Reference(Reference::Blob(blob)))
        .with("lastModified", Value::Number(0.0))
        .with("name", Value::String("x".to_owned()))
        .with("size", Value::Number(10.0))
        .with("type", Value::String("text/plain".to_owned()));
    let file = Recipes::standard().write(&file).unwrap();
    let message = ChatMessage { text: "hi".to_owned(), attachments: Some(vec![file.hash()]), sender, thumbnails: None };
    let message = message.microdata().unwrap();
    let time = CreationTime { timestamp: NOW - 5, data: message.hash() }.microdata().unwrap();
    let entry = LinkedListEntry { data: time.hash(), metadata: None, previous: None }.microdata().unwrap();
    let channel = ChannelInfo { id: "chat".to_owned(), owner: None, head: Some(entry.hash()) };
    let (id_object, channel) = (channel.id_microdata().unwrap(), channel.microdata().unwrap());
    let id = id_object.id_hash().unwrap();
    let node = VersionNodeEdge { data: channel.hash(), depth: 0, creation_time: NOW }.microdata().unwrap();
    let topic = Topic { name: None, id: "chat".to_owned(), channel: id }.microdata().unwrap();
    let roots = Root::write_list(&[
        Root::Unversioned { hash: topic.hash(), one_type: "Topic".to_owned() },
        Root::Id { id, one_type: "ChannelInfo".to_owned() },
        Root::VersionNode { node: node.hash(), id, one_type: "ChannelInfo".to_owned() },
    ]);
    let object = |microdata: &Microdata| Reference::Object(microdata.hash());
    let below = [&channel, &entry, &time, &message, &file].map(object);
    let below = below.into_iter().chain([Reference::Blob(blob), Reference::Id(sender.id())]).collect();
    let lists =
        vec![(object(&node), below), (object(&topic), vec![Reference::Id(id)]), (Reference::Id(id), Vec::new())];
    let objects = vec![message, time, entry, channel, node, topic, file, id_object, person.clone()];
    Cast { person, objects, roots, lists, blob, channel: id }
});

struct Asked {
    id: i64,
    service: i64,
    argument: String,
}

struct World {
    chum: Chum,
    shelf: Shelf,
    peer: PersonId,
    start: Instant,
    now: Instant,
    open: VecDeque<Asked>,
    /// The last hash that we named to the peer.
    named: String,
    requests: i64,
    posts: u64,
    /// How long our drafts are.
    written: BTreeMap<u8, u64>,
    is_closed: bool,
    holds: bool,
}

/// Runs a script.
pub fn run(data: &[u8]) {
    let Some((first, script)) = data.split_first() else { return };
    let small = |bit: u8, small: usize, large: usize| if first & bit == 0 { large } else { small };
    let settings = Settings {
        window: small(1, 1, 64),
        step: small(2, 3, 4_096),
        max_children: small(4, 4, 1_000),
        max_blob: small(8, 9, 1_000) as u64,
        batch: small(16, 1, 100),
        chunk: small(32, 4, 100),
        max_announced: small(64, 8, 1_000),
        max_requests: small(128, 3, 50),
        max_roots: 10,
        max_draft: 20,
        max_message: 4_000,
        max_list_message: 4_000,
        window_bytes: 500,
        ..Settings::default()
    };
    let mut world = World::new(settings);
    let script = String::from_utf8_lossy(script);
    for line in script.split('\n').take(MAX_LINES) {
        world.line(line);
        if !world.holds {
            world.drain();
        }
        world.check();
        if world.is_closed {
            break;
        }
    }
    world.holds = false;
    world.drain();
    world.pass(Duration::from_secs(1_000));
    world.check();
}

impl World {
    fn new(settings: Settings) -> Self {
        let start = Instant::now();
        let mut shelf = Shelf::new();
        let me = Person { email: "a@peer.test".to_owned(), name: None }.id_microdata().unwrap();
        shelf.put_id(&me).unwrap();
        let peer = PersonId::from(CAST.person.id_hash().unwrap());
        shelf.share(peer, Shared::Id(CAST.channel));
        let mut world = Self {
            chum: Chum::new(settings, start),
            shelf,
            peer,
            start,
            now: start,
            open: VecDeque::new(),
            named: String::new(),
            requests: 0,
            posts: 0,
            written: BTreeMap::new(),
            is_closed: false,
            holds: false,
        };
        world.hand(Input::Message(Payload::text("synchronisation")));
        world.drain();
        world.pass(Duration::from_millis(300));
        world
    }

    fn hand(&mut self, input: Input) {
        let mut library = self.shelf.seen_by(self.peer);
        self.chum.handle(input, &mut library, self.now).unwrap();
    }

    fn say(&mut self, text: String) {
        self.hand(Input::Message(Payload::Text(text)));
    }

    fn line(&mut self, line: &str) {
        let rest = line.get(2..).unwrap_or_default();
        match line.get(..2).unwrap_or_default() {
            "!a" => self.answer(),
            "!A" => (0..self.open.len()).for_each(|_| self.answer()),
            "!l" => {
                if let Some(asked) = self.open.pop_front() {
                    self.say(format!(r#"{{"responseId":{},"type":"data","data":{rest}}}"#, asked.id));
                }
            }
            "!e" => {
                if let Some(asked) = self.open.pop_front() {
                    self.say(answer_error(asked.id, "Error", rest, "made up"));
                }
            }
            "!f" => {
                if let Some(Asked { id, .. }) = self.open.front() {
                    let frame = BinaryFrame { id: *id, data: unhex(rest) };
                    self.hand(Input::Message(Payload::Binary(frame.encode())));
                }
            }
            "!z" => {
                if let Some(asked) = self.open.pop_front() {
                    self.say(stream_end(asked.id));
                }
            }
            "!x" => self.hand(Input::Message(Payload::Binary(unhex(rest)))),
            "!q" => {
                self.requests += 1;
                let service = rest.trim().parse::<u32>().unwrap_or(0);
                let (id, hash) = (self.requests, self.named.clone());
                self.say(format!(r#"{{"requestId":{id},"type":"request","serviceId":{service},"args":["{hash}"]}}"#));
            }
            "!t" => self.pass(Duration::from_millis(rest.trim().parse().unwrap_or(0).min(100_000))),
            "!p" => self.post(),
            "!d" => self.write(rest),
            "!o" => self.holds = !self.holds,
            _ => self.say(line.to_owned()),
        }
    }

    /// What an honest peer answers to the oldest open request.
    fn answer(&mut self) {
        let Some(Asked { id, service, argument }) = self.open.pop_front() else { return };
        let is_asked = |hash: &[u8; 32]| ObjectHash::from_bytes(*hash).to_string() == argument;
        let answer = match service {
            1 => answer_data(id, 8),
            2 => answer_data(id, &CAST.roots),
            3 => answer_data(id, "$__undefined$"),
            100 => answer_data(id, true),
            4 | 5 => match CAST.lists.iter().find(|(root, _)| is_asked(root.hash_bytes())) {
                Some((_, list)) => answer_data(id, children::write(list.iter())),
                None => answer_error(id, "Error", "CES-GOC1", ""),
            },
            6 | 7 => match CAST.objects.iter().find(|object| is_asked(object.hash().as_bytes())) {
                Some(object) => answer_data(id, object.as_str()),
                None => answer_error(id, "Error", "CES-GO1", ""),
            },
            _ => {
                if is_asked(CAST.blob.as_bytes()) {
                    let frame = BinaryFrame { id, data: Bytes::from_static(BLOB) };
                    self.hand(Input::Message(Payload::Binary(frame.encode())));
                }
                stream_end(id)
            }
        };
        self.say(answer);
    }

    fn post(&mut self) {
        self.posts += 1;
        let sender = self.peer;
        let text = format!("{}", self.posts);
        let message = ChatMessage { text, attachments: None, sender, thumbnails: None }.microdata().unwrap();
        self.shelf.put_id(&CAST.person).unwrap();
        let time = CreationTime { timestamp: NOW + self.posts, data: message.hash() }.microdata().unwrap();
        let entry = LinkedListEntry { data: time.hash(), metadata: None, previous: None }.microdata().unwrap();
        for object in [&message, &time, &entry] {
            self.shelf.put(object).unwrap();
        }
        let channel = ChannelInfo { id: "chat".to_owned(), owner: None, head: Some(entry.hash()) };
        store_version(&mut self.shelf, Recipes::standard(), &channel.to_object(), NOW + self.posts).unwrap();
        self.hand(Input::RootsChanged);
    }

    /// The first byte is the answer, and where the draft goes on is what it has, or anew after `!`.
    fn write(&mut self, rest: &str) {
        let answer = rest.bytes().next().unwrap_or_default();
        let written = self.written.entry(answer).or_default();
        if rest.contains('!') {
            *written = 0;
        }
        let offset = std::mem::replace(written, *written + rest.len() as u64);
        let state = if rest.contains('.') { DraftState::Done } else { DraftState::Writing };
        let answer = AnswerId::from_bytes([answer; 16]);
        let draft = Draft { topic: "chat".to_owned(), answer, offset, text: rest.to_owned(), state };
        self.hand(Input::Draft(draft));
    }

    fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        for _ in 0..100_000 {
            match self.chum.poll_timeout() {
                Some(at) if at <= until && !self.is_closed => {
                    self.now = self.now.max(at);
                    self.hand(Input::Timeout);
                    self.drain();
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("timers that do not move on");
    }

    fn drain(&mut self) {
        for _ in 0..100_000 {
            let mut library = self.shelf.seen_by(self.peer);
            let output = match self.chum.poll_output(&mut library, self.now).unwrap() {
                Some(output) => output,
                // More to do at once, or nothing to do.
                None if self.chum.poll_timeout().is_some_and(|at| at <= self.now) => {
                    self.hand(Input::Timeout);
                    continue;
                }
                None => return,
            };
            assert!(!self.is_closed, "something came after the end: {output:?}");
            match output {
                Output::Send(Payload::Text(text)) => self.hear(&text),
                Output::Send(Payload::Binary(_)) | Output::Event(_) => {}
                Output::Close(_) => self.is_closed = true,
            }
        }
        panic!("there is always something to do");
    }

    fn hear(&mut self, text: &str) {
        if let Ok(Message::Request { id, service, arguments }) = parse(text) {
            let argument = arguments.first().unwrap_or_default().to_owned();
            self.open.push_back(Asked { id, service, argument });
        } else if let Some((_, hash)) = text.rsplit_once(r#"node\":\""#) {
            self.named = hash.get(..64).unwrap_or_default().to_owned();
        } else if let Some((_, hash)) = text.rsplit_once(r#"hash\":\""#) {
            self.named = hash.get(..64).unwrap_or_default().to_owned();
        }
    }

    fn check(&self) {
        assert!(self.chum.owed() <= 64 + 20, "{} requests are open", self.chum.owed());
        assert!(!self.is_closed || self.chum.poll_timeout().is_none());
        for object in self.shelf.memory().objects() {
            for reference in object.references() {
                let is_bytes = matches!(reference, Reference::Blob(_) | Reference::Clob(_));
                assert!(
                    is_bytes || self.shelf.contains(&reference).unwrap(),
                    "{object:?} is stored without {reference:?}"
                );
            }
        }
        assert!(self.shelf.blob(&CAST.blob).is_none_or(|bytes| bytes == BLOB));
        assert!(self.now >= self.start);
    }
}

fn unhex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.chars().filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
