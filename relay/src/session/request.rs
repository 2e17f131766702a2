//! A connector that wants a listener (`spec/wire.md §3`).

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::{CONNECTION_HANDOVER, CommunicationRequest, Payload, communication_request};

use super::{Cause, Close};
use crate::registry::{Limit, NoSpare};

const NO_LISTENER: &str = "No listening connection for the specified publicKey.";
const JUST_LOST: &str = "No listening connection for the specified publicKey. This error should never happen!";
const SPARE_LOST: &str = "This connection is closed. It will never be opened again.";

/// A connector whose request is in order and that waits for a spare of its target.
#[derive(Debug)]
pub struct Requesting {
    source: PublicKey,
    target: PublicKey,
    lost: Option<Lost>,
}

/// How the spare was lost that was reserved for it last.
#[derive(Clone, Copy, Debug)]
enum Lost {
    /// Before it was told of the request.
    Reserved,
    /// After that, without a word: to the reference they were a pair.
    Told,
}

impl Requesting {
    /// Takes a request that was read without an error.
    ///
    /// # Errors
    ///
    /// The close for a target that nobody can have registered.
    pub(super) fn new(request: &CommunicationRequest) -> Result<Self, Close> {
        let target = request.target.as_ref().map_err(|_| no_listener(NO_LISTENER))?;
        Ok(Self { source: request.source, target: *target, lost: None })
    }

    /// Whose spare to reserve.
    #[must_use]
    pub fn target(&self) -> &PublicKey {
        &self.target
    }

    /// Who it says that it is.
    #[must_use]
    pub fn source(&self) -> &PublicKey {
        &self.source
    }

    /// It is not wanted, or its target is not. It is told what it would be told if nobody listened, so that nobody can
    /// find out who is on a list.
    #[must_use]
    pub fn on_denied(self) -> Close {
        no_listener(NO_LISTENER).caused_by(Cause::Denied)
    }

    /// A reserved spare was dead or died before it could be handed over: try the next.
    #[must_use]
    pub fn on_spare_lost(self) -> Self {
        Self { lost: Some(Lost::Reserved), ..self }
    }

    /// A spare was told of the request and has vanished before it said anything: try the next.
    #[must_use]
    pub fn on_listener_lost(self) -> Self {
        Self { lost: Some(Lost::Told), ..self }
    }

    /// There is no spare (any more).
    #[must_use]
    pub fn on_no_spare(self, none: NoSpare) -> Close {
        match (self.lost, none) {
            (Some(Lost::Told), _) => Close::relayed(""),
            (Some(Lost::Reserved), _) => no_listener(SPARE_LOST),
            (None, NoSpare::NoListener) => no_listener(NO_LISTENER),
            (None, NoSpare::JustLost) => no_listener(JUST_LOST),
        }
    }

    /// It may not ask now.
    #[must_use]
    pub fn on_limit(self, limit: Limit) -> Close {
        Close::because(limit).caused_by(Cause::Limit)
    }

    /// What the spare is told, in this order. The request is rebuilt: three fields, lower case.
    #[must_use]
    pub fn hand_over(&self) -> [Payload; 2] {
        [Payload::text(CONNECTION_HANDOVER), communication_request(&self.source, &self.target)]
    }
}

fn no_listener(text: &str) -> Close {
    Close::because(text).caused_by(Cause::NoListener)
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::key::SecretKey;

    use super::*;

    fn requesting() -> Requesting {
        let key = SecretKey::from_bytes([5; 32]).public_key();
        Requesting::new(&CommunicationRequest { source: key, target: Ok(key) }).unwrap()
    }

    #[test]
    fn every_way_of_finding_nobody_has_its_text() {
        assert_eq!(requesting().on_no_spare(NoSpare::NoListener), no_listener(NO_LISTENER));
        assert_eq!(requesting().on_no_spare(NoSpare::JustLost), no_listener(JUST_LOST));
        assert_eq!(requesting().on_denied().reason, no_listener(NO_LISTENER).reason);
        for none in [NoSpare::NoListener, NoSpare::JustLost] {
            assert_eq!(requesting().on_spare_lost().on_no_spare(none), no_listener(SPARE_LOST));
            assert_eq!(requesting().on_listener_lost().on_no_spare(none), Close::relayed(""));
        }
    }

    #[test]
    fn the_handover_comes_before_the_request() {
        let key = SecretKey::from_bytes([5; 32]).public_key();
        assert_eq!(
            requesting().hand_over(),
            [
                Payload::text(r#"{"command":"connection_handover"}"#),
                Payload::text(format!(
                    r#"{{"command":"communication_request","sourcePublicKey":"{key}","targetPublicKey":"{key}"}}"#
                )),
            ]
        );
    }
}
