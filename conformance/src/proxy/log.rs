//! Where everything is told: transcript, timeline, summary.

use std::io::Write;
use std::time::Instant;

use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::Note;
use ratatosk_protocol::trace::Entry;

use super::Direction;
use super::faults::Decision;
use super::inspect::{CLOSE, Meaning, Passing};
use super::phases::Phases;
use super::record::{Event, FrameLine, Line, close, kind, short};
use super::summary::Summary;
use crate::report::escape;

/// Where to write.
#[derive(Default)]
pub struct Sinks {
    /// The transcript, see [`super::record`].
    pub record: Option<Box<dyn Write + Send>>,
    /// Most bytes of it.
    pub record_limit: u64,
    /// The timelines, line by line as things happen.
    pub timeline: Option<Box<dyn Write + Send>>,
}

/// What all connections tell.
pub(super) struct Log {
    began: Instant,
    sinks: Sinks,
    summary: Summary,
}

/// The part of one connection.
pub(super) struct Told {
    connection: u64,
    began: Instant,
    phases: Phases,
}

impl Log {
    pub(super) fn new(sinks: Sinks) -> Self {
        Self { began: Instant::now(), sinks, summary: Summary::default() }
    }

    /// The proxy begins.
    pub(super) fn proxy(&mut self, to: String, faults: String, seed: u64, keys: usize) {
        self.record(None, Event::Proxy { to, faults, seed, keys });
    }

    /// A client has dialled.
    pub(super) fn dialled(&mut self, connection: u64) -> Told {
        let began = Instant::now();
        let (phases, entry) = Phases::begin(began);
        let told = Told { connection, began, phases };
        self.summary.connections += 1;
        self.entries(&told, vec![entry]);
        told
    }

    /// The upgrade was answered.
    pub(super) fn opened(&mut self, told: &mut Told, peer: String, path: &str, status: u16) {
        if status == 101 {
            let entries = told.phases.opened(Instant::now());
            self.entries(told, entries);
        }
        self.record(Some(told.connection), Event::Open { peer, path: short(path), status });
    }

    /// A frame goes its way.
    pub(super) fn frame(
        &mut self,
        told: &mut Told,
        direction: Direction,
        number: u64,
        passing: &Passing,
        decision: &Decision,
    ) {
        let line = FrameLine::new(direction, number, passing, decision);
        self.record(Some(told.connection), Event::Frame(Box::new(line)));
        self.summary.frame(told.connection, direction, number, passing.content.len(), decision);
        let (what, bytes) = (what(passing), passing.content.len());
        let mut entries = vec![match direction {
            Direction::Up => Entry::Sent { what, bytes },
            Direction::Down => Entry::Received { what, bytes },
        }];
        if let Some(action) = decision.action {
            entries.push(Entry::Noted(Note { plugin: "fault".into(), text: action.to_string() }));
        }
        entries.extend(told.phases.message(Instant::now(), direction, &passing.meaning));
        self.entries(told, entries);
        if passing.frame.opcode() == CLOSE {
            let (code, reason) = close(&passing.content);
            let who = if direction == Direction::Up { "the client" } else { "the server" };
            self.show(told, &format!("■ closed by {who}: {code} \"{}\"", escape(&reason)));
        }
    }

    /// Bytes were passed on that are no frames.
    pub(super) fn opaque(&mut self, told: &Told, direction: Direction, bytes: u64) {
        if bytes > 0 {
            self.record(Some(told.connection), Event::Opaque { direction: direction.name(), bytes });
            self.show(told, &format!("│ {} {bytes} bytes that are no frames", direction.arrow()));
        }
    }

    /// A connection is over.
    pub(super) fn ended(&mut self, told: &mut Told, how: &str) {
        let entries = told.phases.ended(Instant::now());
        self.entries(told, entries);
        self.record(Some(told.connection), Event::End { how: short(how) });
        self.show(told, &format!("■ {}", escape(how)));
    }

    /// A client came while there were too many.
    pub(super) fn turned_away(&mut self) {
        self.summary.turned_away += 1;
    }

    /// What there is to say at the end.
    pub(super) fn summary(&mut self) -> &mut Summary {
        &mut self.summary
    }

    fn entries(&mut self, told: &Told, entries: Vec<Entry>) {
        for entry in entries {
            self.show(told, &entry.to_string());
        }
    }

    fn show(&mut self, told: &Told, text: &str) {
        let Some(out) = &mut self.sinks.timeline else { return };
        let millis = told.began.elapsed().as_secs_f64() * 1000.0;
        let line = format!("#{:<3} {millis:>9.1} ms  {text}", told.connection);
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            self.sinks.timeline = None;
        }
    }

    /// A transcript that is full, or cannot be written, ends; the summary says so.
    fn record(&mut self, connection: Option<u64>, event: Event) {
        let Some(out) = &mut self.sinks.record else { return };
        let line = Line::new(self.began.elapsed(), connection, event);
        let ended = match line.write(out) {
            Err(error) => Some(error.to_string()),
            Ok(bytes) => {
                self.summary.recorded += bytes;
                (self.summary.recorded >= self.sinks.record_limit).then(|| "it is full".to_owned())
            }
        };
        if let Some(why) = ended {
            self.sinks.record = None;
            self.summary.record_ended = Some(why);
        }
    }
}

/// What a frame is, for a timeline.
fn what(passing: &Passing) -> &'static str {
    match &passing.meaning {
        Meaning::Command(command) => command,
        Meaning::Key { replaced: true } => "temporary key (replaced)",
        Meaning::Key { replaced: false } => "temporary key",
        Meaning::Unreadable(_) => "encrypted, unreadable",
        Meaning::Plain(Payload::Binary(_)) => "encrypted binary",
        Meaning::Plain(Payload::Text(text)) => match text.as_str() {
            "keepalive" => "encrypted keepalive",
            "fragmentation_start_string" | "fragmentation_start_binary" => "encrypted fragments",
            "fragmentation_end" => "end of fragments",
            _ => "encrypted text",
        },
        Meaning::None => kind(passing.frame.opcode()),
    }
}
