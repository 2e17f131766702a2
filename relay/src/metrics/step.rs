//! The steps in the life of a connection as operators see them.
//!
//! Each step that is entered is left exactly once, with one [`Outcome`]: [`crate::switchboard::Seat`] is the guard.

use super::labels::{Labels, label};
use crate::registry::Phase;
use crate::session::Cause;

label! {
    /// What a connection is, as far as is known.
    pub(crate) enum Role: "role" {
        /// It has not said.
        Unknown = "unknown",
        /// It registers a key, or has.
        Listener = "listener",
        /// It asks for a key.
        Connector = "connector",
    }
}

label! {
    /// The name of a step, which listeners and connectors share.
    pub(crate) enum StepName: "phase" {
        /// TCP accept to the end of the TLS handshake.
        Tls = "tls",
        /// TCP accept to 101; behind the TLS handshake if there is one.
        Upgrade = "upgrade",
        /// 101 to the first message.
        FirstMessage = "first_message",
        /// Challenge to its answer.
        Authentication = "authentication",
        /// A proven key to its place in the registry.
        Registration = "registration",
        /// Registered, unclaimed.
        Spare = "spare",
        /// A claim to a pair: the reserved spare on one side, the waiting requester on the other.
        Handover = "handover",
        /// Half of a relayed pair.
        Paired = "paired",
        /// The closing handshake.
        Closing = "closing",
    }
}

label! {
    /// How a step was left.
    pub(crate) enum Outcome: "outcome" {
        /// As it should: on to the next, or the end of a pair that one side has closed.
        Ok = "ok",
        /// A deadline ran out.
        Timeout = "timeout",
        /// The relay refused.
        Rejected = "rejected",
        /// The connection broke, or the client left before its time.
        Error = "error",
    }
}

/// Where a connection is: a name and a role, in the combinations that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// [`StepName::Tls`]
    Tls,
    /// [`StepName::Upgrade`]
    Upgrade,
    /// [`StepName::FirstMessage`]
    FirstMessage,
    /// [`StepName::Authentication`] of a listener.
    Authentication,
    /// [`StepName::Registration`] of a listener.
    Registration,
    /// [`StepName::Spare`] of a listener.
    Spare,
    /// [`StepName::Handover`] of a listener.
    Reserved,
    /// [`StepName::Handover`] of a connector.
    Requesting,
    /// [`StepName::Paired`] of a listener.
    PairedListener,
    /// [`StepName::Paired`] of a connector.
    PairedConnector,
    /// [`StepName::Closing`] of who never said.
    ClosingUnknown,
    /// [`StepName::Closing`] of a listener.
    ClosingListener,
    /// [`StepName::Closing`] of a connector.
    ClosingConnector,
}

impl Step {
    const ALL: [Self; 13] = [
        Self::Tls,
        Self::Upgrade,
        Self::FirstMessage,
        Self::Authentication,
        Self::Registration,
        Self::Spare,
        Self::Reserved,
        Self::Requesting,
        Self::PairedListener,
        Self::PairedConnector,
        Self::ClosingUnknown,
        Self::ClosingListener,
        Self::ClosingConnector,
    ];

    /// The name, the role, and the phase that it belongs to in the counts.
    const fn facts(self) -> (StepName, Role, Phase) {
        match self {
            Self::Tls => (StepName::Tls, Role::Unknown, Phase::Handshaking),
            Self::Upgrade => (StepName::Upgrade, Role::Unknown, Phase::Handshaking),
            Self::FirstMessage => (StepName::FirstMessage, Role::Unknown, Phase::Handshaking),
            Self::Authentication => (StepName::Authentication, Role::Listener, Phase::Handshaking),
            Self::Registration => (StepName::Registration, Role::Listener, Phase::Handshaking),
            Self::Spare => (StepName::Spare, Role::Listener, Phase::Spare),
            Self::Reserved => (StepName::Handover, Role::Listener, Phase::Spare),
            Self::Requesting => (StepName::Handover, Role::Connector, Phase::Handshaking),
            Self::PairedListener => (StepName::Paired, Role::Listener, Phase::Paired),
            Self::PairedConnector => (StepName::Paired, Role::Connector, Phase::Paired),
            Self::ClosingUnknown => (StepName::Closing, Role::Unknown, Phase::Closing),
            Self::ClosingListener => (StepName::Closing, Role::Listener, Phase::Closing),
            Self::ClosingConnector => (StepName::Closing, Role::Connector, Phase::Closing),
        }
    }

    pub(crate) fn name(self) -> StepName {
        self.facts().0
    }

    /// What the connection is counted as.
    pub(crate) fn phase(self) -> Phase {
        self.facts().2
    }

    pub(crate) fn is_closing(self) -> bool {
        self.phase() == Phase::Closing
    }

    /// The last step of a connection that is at this one.
    pub(crate) fn closing(self) -> Self {
        match self.facts().1 {
            Role::Unknown => Self::ClosingUnknown,
            Role::Listener => Self::ClosingListener,
            Role::Connector => Self::ClosingConnector,
        }
    }

    /// How a step is left that ends for `cause`.
    pub(crate) fn outcome(self, cause: Cause) -> Outcome {
        match cause {
            Cause::Partner | Cause::ClientClosed if self.phase() == Phase::Paired => Outcome::Ok,
            Cause::Timeout | Cause::Stalled => Outcome::Timeout,
            Cause::Malformed
            | Cause::Unauthenticated
            | Cause::NoListener
            | Cause::Limit
            | Cause::Denied
            | Cause::Shutdown
            | Cause::Tls
            | Cause::Violation => Outcome::Rejected,
            Cause::Partner | Cause::ClientClosed | Cause::Aborted | Cause::Dropped => Outcome::Error,
        }
    }
}

impl Labels for Step {
    const COUNT: usize = Self::ALL.len();

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        self as usize
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        let (name, role, _) = self.facts();
        [role.pairs(), name.pairs()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::labels::tests::check;

    #[test]
    fn every_step_has_a_place_of_its_own() {
        check::<Step>();
        check::<(Step, Outcome)>();
        check::<(StepName, Cause)>();
    }

    #[test]
    fn every_step_ends_in_closing_with_its_role() {
        for step in Step::ALL {
            assert!(step.closing().is_closing());
            assert_eq!(step.closing().facts().1, step.facts().1);
        }
    }

    #[test]
    fn who_leaves_a_pair_did_well_and_who_leaves_before_did_not() {
        assert_eq!(Step::PairedListener.outcome(Cause::ClientClosed), Outcome::Ok);
        assert_eq!(Step::Requesting.outcome(Cause::ClientClosed), Outcome::Error);
        assert_eq!(Step::PairedConnector.outcome(Cause::Partner), Outcome::Ok);
        assert_eq!(Step::Requesting.outcome(Cause::Partner), Outcome::Error);
        assert_eq!(Step::PairedListener.outcome(Cause::Stalled), Outcome::Timeout);
    }
}
