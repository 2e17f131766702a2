//! The messages of the demo: one of every shape that has a rule of its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peer::Peer;

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Short,
    Unicode,
    EmptyText,
    EmptyBinary,
    Keyword,
    LongText,
    LongBinary,
}

impl Shape {
    pub(super) const ALL: &[Self] = &[
        Self::Short,
        Self::Unicode,
        Self::EmptyText,
        Self::EmptyBinary,
        Self::Keyword,
        Self::LongText,
        Self::LongBinary,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Short => "short text",
            Self::Unicode => "unicode text",
            Self::EmptyText => "empty text",
            Self::EmptyBinary => "empty binary",
            Self::Keyword => "a protocol keyword",
            Self::LongText => "200 kB text",
            Self::LongBinary => "200 kB binary",
        }
    }

    /// The field of the control interface and its value.
    fn content(self) -> (&'static str, String) {
        match self {
            Self::Short => ("text", "hello".to_owned()),
            Self::Unicode => ("text", "Grüße 世界 🎉 \u{0} é e\u{301}".to_owned()),
            Self::EmptyText => ("text", String::new()),
            Self::EmptyBinary => ("hex", String::new()),
            Self::Keyword => ("text", "fragmentation_end".to_owned()),
            Self::LongText => ("text", "abcdefghi ".repeat(20_000)),
            Self::LongBinary => ("hex", (0..200_000_u32).map(|index| format!("{:02x}", index * 31 % 251)).collect()),
        }
    }
}

/// Sends a message and waits until the other peer has it, unchanged.
///
/// # Errors
///
/// A sentence.
pub(super) fn one_way(from: &mut Peer, to: &mut Peer, shape: Shape) -> Result<Duration, String> {
    let (field, content) = shape.content();
    let start = Instant::now();
    from.command(&json!({"cmd": "raw", "key": to.key(), field: content}))?;
    let event = to.wait_for("raw")?;
    let elapsed = start.elapsed();
    if event[field] == Value::String(content) && event["key"] == from.key() {
        return Ok(elapsed);
    }
    Err(format!("{} from the {} arrived changed at the {}", shape.name(), from.name(), to.name()))
}
