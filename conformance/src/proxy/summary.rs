//! What a proxy has seen and done.

use std::collections::BTreeMap;
use std::fmt;

use super::Direction;
use super::faults::{Decision, Kind};

/// Most injected faults that are listed one by one.
const MAX_LISTED: usize = 200;

/// What a proxy has seen and done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Connections that were accepted.
    pub connections: u64,
    /// Those that were turned away because there were too many.
    pub turned_away: u64,
    /// Frames and bytes of payload from clients.
    pub up: (u64, u64),
    /// Frames and bytes of payload to clients.
    pub down: (u64, u64),
    /// Frames that were held on purpose.
    pub delayed: u64,
    /// How often each fault was injected.
    pub injected: BTreeMap<Kind, u64>,
    /// Where: connection, direction, number of the frame, and what.
    pub where_injected: Vec<(u64, Direction, u64, String)>,
    /// Bytes of the transcript.
    pub recorded: u64,
    /// Why the transcript ended early.
    pub record_ended: Option<String>,
}

impl Summary {
    pub(super) fn frame(
        &mut self,
        connection: u64,
        direction: Direction,
        number: u64,
        bytes: usize,
        decision: &Decision,
    ) {
        let (frames, total) = match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        };
        *frames += 1;
        *total += bytes as u64;
        self.delayed += u64::from(!decision.delay.is_zero());
        if let Some(action) = decision.action {
            *self.injected.entry(action.kind()).or_default() += 1;
            if self.where_injected.len() < MAX_LISTED {
                self.where_injected.push((connection, direction, number, action.to_string()));
            }
        }
    }
}

/// For a terminal.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections", self.connections)?;
        if self.turned_away > 0 {
            write!(f, " ({} more turned away)", self.turned_away)?;
        }
        writeln!(
            f,
            ", up {} frames with {} B, down {} frames with {} B",
            self.up.0, self.up.1, self.down.0, self.down.1
        )?;
        if let Some(why) = &self.record_ended {
            writeln!(f, "the transcript ended early, after {} B: {why}", self.recorded)?;
        }
        if self.delayed > 0 {
            writeln!(f, "delayed: {} frames", self.delayed)?;
        }
        for (kind, count) in &self.injected {
            writeln!(f, "{}: {count}", kind.name())?;
        }
        for (connection, direction, frame, what) in &self.where_injected {
            writeln!(f, "  connection {connection} {} frame {frame}: {what}", direction.name())?;
        }
        let listed: u64 = self.where_injected.len() as u64;
        let more = self.injected.values().sum::<u64>() - listed;
        if more > 0 {
            writeln!(f, "  … and {more} more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::faults::Action;

    #[test]
    fn what_was_injected_can_be_found_again() {
        let mut summary = Summary::default();
        let decision = Decision { action: Some(Action::Cut(5)), ..Decision::default() };
        for frame in 0..300 {
            summary.frame(2, Direction::Down, frame, 10, &decision);
        }
        let text = summary.to_string();
        assert!(text.contains("cut: 300\n") && text.contains("  … and 100 more\n"), "{text}");
        assert!(text.contains("  connection 2 down frame 7: cut after 5 bytes\n"), "{text}");
    }
}
