//! In which phase a connection is, as its client would say (`spec/phases.md`).

use std::time::{Duration, Instant};

use ratatosk_protocol::phase::{Outcome, Phase};
use ratatosk_protocol::trace::Entry;

use super::Direction;
use super::inspect::Meaning;

/// The phase of one connection.
pub(super) struct Phases {
    current: Option<(Phase, Instant)>,
    keys: u8,
}

impl Phases {
    /// A client has dialled.
    pub(super) fn begin(now: Instant) -> (Self, Entry) {
        (Self { current: Some((Phase::Connect, now)), keys: 0 }, Entry::Entered(Phase::Connect))
    }

    /// The upgrade is through.
    pub(super) fn opened(&mut self, now: Instant) -> Vec<Entry> {
        self.leave(now, Outcome::Ok)
    }

    /// A message has passed; what ended and what began with it.
    pub(super) fn message(&mut self, now: Instant, direction: Direction, meaning: &Meaning) -> Vec<Entry> {
        let phase = self.current.map(|(phase, _)| phase);
        match (meaning, phase, direction) {
            (Meaning::Command("register"), None, Direction::Up) => self.enter(now, Phase::Registration),
            (Meaning::Command("authentication_success"), Some(Phase::Registration), Direction::Down) => {
                self.go(now, Phase::PairingRequest)
            }
            (Meaning::Command("communication_request"), None, Direction::Up) => {
                let mut entries = self.enter(now, Phase::PairingRequest);
                entries.extend(self.go(now, Phase::Handover));
                entries
            }
            (Meaning::Command("communication_request"), Some(Phase::PairingRequest), Direction::Down) => {
                self.go(now, Phase::Handover)
            }
            (Meaning::Command("communication_ready"), Some(Phase::Handover), _) => self.go(now, Phase::Encryption),
            (Meaning::Key { .. }, Some(Phase::Encryption), _) => {
                self.keys += 1;
                if self.keys == 2 { self.leave(now, Outcome::Ok) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// The connection is over; in the middle of a phase, that has failed.
    pub(super) fn ended(&mut self, now: Instant) -> Vec<Entry> {
        self.leave(now, Outcome::Error)
    }

    fn enter(&mut self, now: Instant, phase: Phase) -> Vec<Entry> {
        // Only once: a second request on the same connection is data.
        if self.keys > 0 {
            return Vec::new();
        }
        self.current = Some((phase, now));
        vec![Entry::Entered(phase)]
    }

    fn leave(&mut self, now: Instant, outcome: Outcome) -> Vec<Entry> {
        let Some((phase, since)) = self.current.take() else { return Vec::new() };
        let duration: Duration = now.saturating_duration_since(since);
        vec![Entry::Exited { phase, outcome, duration }]
    }

    fn go(&mut self, now: Instant, next: Phase) -> Vec<Entry> {
        let mut entries = self.leave(now, Outcome::Ok);
        entries.extend(self.enter(now, next));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(entries: Vec<Entry>) -> Vec<String> {
        entries.into_iter().map(|entry| entry.to_string()).collect()
    }

    fn play(said: &[(Direction, Meaning)]) -> Vec<String> {
        let now = Instant::now();
        let (mut phases, first) = Phases::begin(now);
        let mut all = names(vec![first]);
        all.extend(names(phases.opened(now)));
        for (direction, meaning) in said {
            all.extend(names(phases.message(now, *direction, meaning)));
        }
        all.extend(names(phases.ended(now)));
        all
    }

    #[test]
    fn an_initiator_goes_through_its_phases() {
        use Direction::{Down, Up};
        let key = Meaning::Key { replaced: true };
        let said = [
            (Up, Meaning::Command("communication_request")),
            (Down, Meaning::Command("communication_ready")),
            (Up, key.clone()),
            (Down, key),
            (Up, Meaning::Command("communication_request")),
        ];
        assert_eq!(
            play(&said),
            [
                "┌ phase 1 (connect)",
                "└ connected in 0.0 ms",
                "┌ phase 3 (pairing_request)",
                "└ requested in 0.0 ms",
                "┌ phase 4 (handover)",
                "└ handover_complete in 0.0 ms",
                "┌ phase 5 (encryption)",
                "└ encrypted in 0.0 ms",
            ]
        );
    }

    #[test]
    fn a_listener_waits_in_the_third_phase() {
        use Direction::{Down, Up};
        let said = [
            (Up, Meaning::Command("register")),
            (Down, Meaning::Command("authentication_success")),
            (Down, Meaning::Command("ping")),
        ];
        let all = play(&said);
        assert_eq!(all[2..5], ["┌ phase 2 (registration)", "└ authenticated in 0.0 ms", "┌ phase 3 (pairing_request)"]);
        assert!(all[5].starts_with("└ pairing_request ended with "), "{}", all[5]);
    }
}
