//! What is known of each end of a connection from outside of its machine, to hold the machine to its promises.

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::phase::{Outcome, Phase};
use ratatosk_protocol::spare::SpareId;

use super::pipe::{LinkId, Millis};

/// Whose end it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A listener's connection.
    Spare { listener: usize, spare: SpareId },
    /// A connector's.
    Slot(usize),
    /// One that has to work: everything is well.
    Probe { listener: usize },
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) owner: Owner,
    pub(super) host: usize,
    /// The key that it registers or asks for.
    pub(super) wanted: PublicKey,
    pub(super) link: Option<LinkId>,
    pub(super) wake_at: Option<Millis>,
    /// The phase that is open, since when.
    phase: Option<(Phase, Millis)>,
    entered: Vec<Phase>,
    /// Since when it is a spare, or was last pinged.
    pub(super) spare_since: Option<Millis>,
    pub(super) handed_over: bool,
    pub(super) established: bool,
    pub(super) closed: bool,
    /// When a slow reader may read as it likes again, and so many bytes a second until then.
    pub(super) slow: Option<(Millis, usize)>,
}

impl Record {
    pub(super) fn new(owner: Owner, host: usize, wanted: PublicKey) -> Self {
        Self {
            owner,
            host,
            wanted,
            link: None,
            wake_at: None,
            phase: None,
            entered: Vec::new(),
            spare_since: None,
            handed_over: false,
            established: false,
            closed: false,
            slow: None,
        }
    }

    /// A phase begins: once, in order, and after the one before has ended.
    pub(super) fn enter(&mut self, phase: Phase, now: Millis) -> Result<(), String> {
        if let Some((open, _)) = self.phase {
            return Err(format!("{phase} is entered while {open} is open"));
        }
        if self.entered.last().is_some_and(|last| *last >= phase) {
            return Err(format!("{phase} is entered again, or too late"));
        }
        self.entered.push(phase);
        self.phase = Some((phase, now));
        Ok(())
    }

    /// A phase ends, the one that is open.
    pub(super) fn leave(&mut self, phase: Phase, _outcome: Outcome) -> Result<(), String> {
        match self.phase.take() {
            Some((open, _)) if open == phase => Ok(()),
            Some((open, _)) => Err(format!("{phase} is left while {open} is open")),
            None => Err(format!("{phase} is left twice")),
        }
    }

    /// The phase that is open, since when. Waiting as a spare is none.
    pub(super) fn open_phase(&self) -> Option<(Phase, Millis)> {
        self.phase
    }

    /// The end of a connection: no phase stays open.
    pub(super) fn close(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.closed, true) {
            return Err("it closed twice".to_owned());
        }
        match self.phase {
            Some((open, _)) => Err(format!("{open} was never left")),
            None => Ok(()),
        }
    }

    /// The spare is handed over: the deadline of the request counts from here.
    pub(super) fn resume(&mut self, now: Millis) {
        if let Some((_, since)) = &mut self.phase {
            *since = now;
        }
        self.spare_since = None;
        self.handed_over = true;
    }

    /// Whether it is one of the spares of its listener: from the beginning of its opening to its hand-over.
    pub(super) fn counts_as_spare(&self) -> bool {
        matches!(self.owner, Owner::Spare { .. }) && !self.handed_over && !self.closed
    }
}
