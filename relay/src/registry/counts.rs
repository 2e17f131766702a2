//! How many connections are in which phase.

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
    /// One more connection.
    pub fn enter(&mut self, phase: Phase) {
        *self.slot(phase) += 1;
    }

    /// A connection goes from one phase to another.
    pub fn shift(&mut self, from: Phase, to: Phase) {
        self.leave(from);
        self.enter(to);
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
