//! How many connections are in which phase.

use super::{Limit, Limits};

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between TCP accept and registered or paired.
    Handshaking,
    /// Registered, waiting for a requester.
    Spare,
    /// Half of a relayed pair.
    Paired,
    /// Its close frame was sent or received.
    Closing,
}

/// Connections by phase. Whoever counts one in has to count it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_phase: [usize; 4],
}

impl Counts {
    /// Counts a new connection in.
    ///
    /// # Errors
    ///
    /// [`Limit::Connections`] or [`Limit::Handshaking`].
    pub fn admit(&mut self, limits: &Limits) -> Result<(), Limit> {
        if self.total() >= limits.connections {
            return Err(Limit::Connections);
        }
        if self.of(Phase::Handshaking) >= limits.handshaking {
            return Err(Limit::Handshaking);
        }
        *self.slot(Phase::Handshaking) += 1;
        Ok(())
    }

    /// A connection goes from one phase to another.
    pub fn shift(&mut self, from: Phase, to: Phase) {
        self.leave(from);
        *self.slot(to) += 1;
    }

    /// A connection is gone.
    pub fn leave(&mut self, phase: Phase) {
        let slot = self.slot(phase);
        *slot = slot.saturating_sub(1);
    }

    /// Connections in one phase.
    #[must_use]
    pub fn of(&self, phase: Phase) -> usize {
        self.by_phase[phase as usize]
    }

    /// Connections in any phase.
    #[must_use]
    pub fn total(&self) -> usize {
        self.by_phase.iter().sum()
    }

    fn slot(&mut self, phase: Phase) -> &mut usize {
        &mut self.by_phase[phase as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_room_comes_back() {
        let limits = Limits { connections: 2, handshaking: 1, ..Limits::default() };
        let mut counts = Counts::default();
        assert_eq!(counts.admit(&limits), Ok(()));
        assert_eq!(counts.admit(&limits), Err(Limit::Handshaking));
        counts.shift(Phase::Handshaking, Phase::Spare);
        assert_eq!(counts.admit(&limits), Ok(()));
        assert_eq!(counts.admit(&limits), Err(Limit::Connections));
        counts.leave(Phase::Spare);
        counts.leave(Phase::Handshaking);
        assert_eq!(counts, Counts::default());
    }
}
