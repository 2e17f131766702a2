//! What llama.cpp says goes to standard error, where the engine reads it, and its last complaint becomes the reason of a failure.

use std::fmt::Write;
use std::io::Write as _;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Characters of a complaint that are kept.
const KEPT: usize = 300;

/// The first thing that went wrong since somebody asked.
static COMPLAINT: Mutex<Option<String>> = Mutex::new(None);

/// Sends llama.cpp's warnings and errors to standard error.
pub(super) fn start() {
    // Fails if somebody has set another: then the lines go there.
    let _ = tracing::subscriber::set_global_default(Lines);
    llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
}

/// Forgets what llama.cpp complained about so far.
pub(super) fn forget() {
    reason("");
}

/// What llama.cpp complained about first, or `otherwise`. It is forgotten then.
pub(super) fn reason(otherwise: &str) -> String {
    let complaint = COMPLAINT.lock().ok().and_then(|mut complaint| complaint.take());
    complaint.unwrap_or_else(|| otherwise.to_owned())
}

/// Writes events as lines. It has no spans.
struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let text: String = line.0.trim().chars().take(KEPT).collect();
        if text.is_empty() {
            return;
        }
        if *event.metadata().level() == Level::ERROR
            && let Ok(mut complaint) = COMPLAINT.lock()
        {
            complaint.get_or_insert_with(|| text.clone());
        }
        // Nobody is left to be told that standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}: {text}", event.metadata().level());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message of an event.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
