//! Counts what connections go through, by role and phase (`spec/phases.md`; the names are those of the relay's metrics).

use std::time::Duration;

use crate::connection::Event;
use crate::phase::{Outcome, Phase, Role};

/// Upper bounds of the duration buckets, in milliseconds; the last bucket has none.
pub const BUCKETS_MS: [u64; 9] = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000];

/// The numbers of one phase in one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseMetrics {
    /// How often the phase was entered.
    pub entries: u64,
    /// How often it was left, by outcome, in the order of [`Outcome::ALL`].
    pub exits: [u64; 4],
    /// How often it took so long, in the order of [`BUCKETS_MS`], longer ones last.
    pub durations: [u64; BUCKETS_MS.len() + 1],
    /// Time spent in it by connections that have left it.
    pub total: Duration,
}

impl PhaseMetrics {
    /// Connections that are in the phase now.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.entries - self.exits.iter().sum::<u64>()
    }
}

/// The numbers of all connections of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    phases: [[PhaseMetrics; 6]; 2],
    retries: [[u64; 6]; 2],
    pairings: [u64; 2],
}

impl Metrics {
    /// Counts what a connection tells.
    pub fn observe(&mut self, role: Role, event: &Event) {
        match event {
            Event::PhaseEntered(phase) => self.phase_mut(role, *phase).entries += 1,
            Event::PhaseExited { phase, outcome, duration } => {
                let numbers = self.phase_mut(role, *phase);
                numbers.exits[position(&Outcome::ALL, outcome)] += 1;
                let bucket = BUCKETS_MS.iter().take_while(|&&bound| duration.as_millis() > u128::from(bound)).count();
                numbers.durations[bucket] += 1;
                numbers.total += *duration;
            }
            Event::PairingSucceeded { .. } => self.pairings[role as usize] += 1,
            _ => {}
        }
    }

    /// Counts an attempt that was put off because a phase had failed.
    pub fn retrying(&mut self, role: Role, failed: Phase) {
        self.retries[role as usize][position(&Phase::ALL, &failed)] += 1;
    }

    /// Attempts that were put off because this phase had failed.
    #[must_use]
    pub fn retries(&self, role: Role, failed: Phase) -> u64 {
        self.retries[role as usize][position(&Phase::ALL, &failed)]
    }

    /// Peers that have become contacts.
    #[must_use]
    pub fn pairings(&self, role: Role) -> u64 {
        self.pairings[role as usize]
    }

    /// The numbers of one phase.
    #[must_use]
    pub fn phase(&self, role: Role, phase: Phase) -> &PhaseMetrics {
        &self.phases[role as usize][position(&Phase::ALL, &phase)]
    }

    fn phase_mut(&mut self, role: Role, phase: Phase) -> &mut PhaseMetrics {
        &mut self.phases[role as usize][position(&Phase::ALL, &phase)]
    }
}

fn position<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|candidate| candidate == one).unwrap_or_default()
}
