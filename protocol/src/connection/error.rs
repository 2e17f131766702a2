//! Why a connection failed, where, and whose fault it was.

use std::fmt;

use super::CloseFrame;
use crate::close::CloseRequest;
use crate::crypto::BoxError;
use crate::key::PublicKey;
use crate::message::{HexTextError, MessageError};
use crate::phase::{Outcome, Phase};
use crate::plugin::{OrderError, PluginFailure};

/// The beginning of the reason with which a CommServer refuses a key for good.
const REFUSED_KEY: &str = "Close called: CYENC-ENSPUB";
/// The beginning of the reason with which a CommServer says that nobody listens.
const NO_LISTENER: &str = "Close called: No listening connection for the specified publicKey.";

/// A connection that ended before, or otherwise than, it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionError {
    /// The phase in which it happened; none once the connection was established.
    pub phase: Option<Phase>,
    /// What happened.
    pub cause: Cause,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Some(phase) => write!(f, "{phase}: {}", self.cause)?,
            None => write!(f, "established connection: {}", self.cause)?,
        }
        match self.cause.fault() {
            Fault::PeerMisbehaved => f.write_str(" (the other end broke the protocol)"),
            Fault::PeerClosed | Fault::Network | Fault::Local => Ok(()),
        }
    }
}

impl std::error::Error for ConnectionError {}

/// What ended a connection.
///
/// Texts that come from the other end stand in quotes and escaped, so that they can be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// A phase took longer than its deadline.
    #[error("the other end did not answer in time")]
    PhaseTimeout(Phase),
    /// All phases together took longer than the total deadline.
    #[error("all phases together took too long")]
    TotalTimeout,
    /// A spare connection was not pinged, or an established one sent no sign of life; the text is the close reason.
    #[error("the other end has gone silent ({reason:?})")]
    Silence {
        /// The close reason that was sent.
        reason: String,
    },
    /// The other end sent something else than what was due.
    #[error("the other end sent an unexpected message: {:?}", .0.to_string())]
    Message(#[from] MessageError),
    /// A box that does not open: the other end does not own the key that it named, or bytes were changed.
    #[error("the other end could not prove its key: {0}")]
    Box(#[from] BoxError),
    /// The temporary key of the other end is none.
    #[error("the other end sent a temporary key that is not usable")]
    EphemeralKey {
        /// Whether its length was wrong; otherwise it is a low-order point, or our own key sent back to us.
        wrong_length: bool,
    },
    /// Somebody asked for a key that is not ours.
    #[error("a peer asked for a key that is not ours (key #{})", .0.fingerprint())]
    NotOurKey(PublicKey),
    /// The policy did not want the peer.
    #[error("the request was refused (peer #{})", .0.fingerprint())]
    Refused(PublicKey),
    /// A plugin gave the connection up.
    #[error("plugin {:?} gave up: {:?}", .0.plugin, .0.error.text)]
    Plugin(PluginFailure),
    /// A plugin of this end could not be set up.
    #[error("plugin {:?} could not be set up: {:?}", .0.plugin, .0.error.text)]
    PluginSetup(PluginFailure),
    /// The plugins of this end do not fit together.
    #[error("the plugins do not fit together: {0}")]
    PluginOrder(#[from] OrderError),
    /// The other end closed, or vanished without a close frame.
    #[error("{}", describe(.0.as_ref()))]
    ClosedByPeer(Option<CloseFrame>),
    /// This end closed.
    #[error("closed here ({reason:?})")]
    ClosedHere {
        /// The close reason that was sent.
        reason: String,
    },
    /// The socket could not be opened or broke.
    #[error("{0}")]
    Io(String),
}

fn describe(frame: Option<&CloseFrame>) -> String {
    match frame {
        Some(frame) if frame.reason.starts_with(NO_LISTENER) => {
            "the CommServer has no listener for this key; the peer is offline or registered elsewhere".to_owned()
        }
        Some(frame) => format!("the other end closed with code {} and reason {:?}", frame.code, frame.reason),
        None => "the connection was lost".to_owned(),
    }
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The other end broke the protocol.
    PeerMisbehaved,
    /// The other end closed: it does not want us, has no listener, or is done.
    PeerClosed,
    /// The network, or silence that may be the network's.
    Network,
    /// This end decided so.
    Local,
}

impl Cause {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Plugin(failure) if failure.error.broken => Fault::Local,
            Self::Message(_) | Self::Box(_) | Self::EphemeralKey { .. } | Self::Plugin(_) => Fault::PeerMisbehaved,
            Self::ClosedByPeer(Some(_)) => Fault::PeerClosed,
            Self::PhaseTimeout(_) | Self::TotalTimeout | Self::Silence { .. } | Self::ClosedByPeer(None) => {
                Fault::Network
            }
            Self::Io(_) => Fault::Network,
            Self::NotOurKey(_)
            | Self::Refused(_)
            | Self::ClosedHere { .. }
            | Self::PluginSetup(_)
            | Self::PluginOrder(_) => Fault::Local,
        }
    }

    /// Whether the CommServer said that nobody listens to the key: worth another try.
    #[must_use]
    pub fn is_no_listener(&self) -> bool {
        matches!(self, Self::ClosedByPeer(Some(frame)) if frame.reason.starts_with(NO_LISTENER))
    }

    /// Whether another try would end the same way: the CommServer refuses our key, or we were told to stop.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::ClosedByPeer(Some(frame)) => frame.reason.starts_with(REFUSED_KEY),
            Self::ClosedHere { .. } => true,
            _ => false,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::PhaseTimeout(_) | Self::TotalTimeout | Self::Silence { .. } => Outcome::Timeout,
            Self::NotOurKey(_) | Self::Refused(_) | Self::ClosedByPeer(Some(_)) => Outcome::Rejected,
            _ => Outcome::Error,
        }
    }

    /// What the other end is told (`spec/wire.md §6`, client and acceptor texts).
    pub(super) fn close_request(&self) -> CloseRequest {
        match self {
            Self::PhaseTimeout(phase) => CloseRequest::Terminate(format!("{}: Connection timed out", phase.name())),
            Self::TotalTimeout => CloseRequest::Terminate("Connection establishment timed out".to_owned()),
            Self::Message(error) => CloseRequest::because(error.client_text()),
            Self::Box(error) => CloseRequest::because(format!("Error: {error}")),
            Self::EphemeralKey { wrong_length: true } => CloseRequest::because("Error: bad public key size"),
            Self::EphemeralKey { wrong_length: false } => {
                CloseRequest::because(MessageError::Hex(HexTextError::LowOrder).client_text())
            }
            Self::NotOurKey(_) | Self::Refused(_) => {
                CloseRequest::because("Error: We do not accept connections for this target public key")
            }
            Self::Plugin(failure) => CloseRequest::because(failure.told()),
            Self::Silence { .. }
            | Self::ClosedByPeer(_)
            | Self::ClosedHere { .. }
            | Self::PluginSetup(_)
            | Self::PluginOrder(_)
            | Self::Io(_) => CloseRequest::Close(None),
        }
    }
}
