//! A hand in the virtual network, to see whether the simulation notices: what a broken relay or peer would do is done to
//! the bytes and the calls between the real ones.

use super::pipe::Way;

/// Changes what passes. The methods leave everything as it is unless they are implemented.
pub trait Meddler {
    /// A whole WebSocket frame from the relay to a peer, of a pair whose listener has been told. Gives what arrives instead.
    fn relayed(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        vec![frame]
    }

    /// Whether frames are to be shown to [`Self::relayed`].
    fn wants_frames(&self) -> bool {
        false
    }

    /// A text that a peer sends to the relay.
    fn says(&mut self, text: String) -> String {
        text
    }

    /// Whether a deadline of a peer's machine is told to it.
    fn times_out(&mut self) -> bool {
        true
    }

    /// Whether a peer that closes says so.
    fn closes(&mut self) -> bool {
        true
    }

    /// Whether the end of a TCP connection is told to the other end, at last.
    fn ends(&mut self, _way: Direction) -> bool {
        true
    }

    /// Whether the older of two spares is handed over in place of the newest.
    fn takes_the_oldest(&mut self) -> bool {
        false
    }

    /// Whether a listener's pool hears that a spare was lost.
    fn pool_hears(&mut self) -> bool {
        true
    }
}

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A peer has ended, the relay is told.
    ToRelay,
    /// The relay has ended, the peer is told.
    ToPeer,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Up => Self::ToRelay,
            Way::Down => Self::ToPeer,
        }
    }
}

/// Changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Meddler for Honest {}
