//! Much data, and clients that do not read.

use std::time::{Duration, Instant};

use super::play::Scene;
use crate::play::{Played, difference};
use crate::report::Verdict;
use crate::scenario::Expected;
use crate::scenario::reason::Reason;

/// How long a write has to stand still to count as slowed down.
const STALL: Duration = Duration::from_millis(1500);

impl Scene<'_> {
    /// Sends to a client that does not read from now on, until it is enough or nothing more is taken.
    pub(super) async fn fill(&mut self, from: &str, to: &str, count: usize, size: usize) -> Played {
        self.session.pause(to, true);
        for _ in 0..count {
            let message = self.numbered(from, size);
            if !self.session.send(from, vec![message], false, Instant::now() + STALL).await {
                self.observation.note(Verdict::Better, Some(Reason::BackPressure));
                break;
            }
        }
        Ok(())
    }

    /// Reads again; everything that was sent is there, in order.
    pub(super) async fn drain(&mut self, to: &str, from: &str, size: usize) -> Played {
        self.session.pause(to, false);
        let expected = Expected::Numbered { size, from: from.to_owned() };
        loop {
            let sent = self.session.client(from).sent;
            let got = self.session.client(to).got.get(from).copied().unwrap_or_default();
            if got == sent {
                return Ok(());
            }
            if got > sent {
                return Err(difference(to, format!("{sent} messages of {from}"), format!("{got}")));
            }
            if self.session.front(to).is_none() {
                // The rest of what the server did not take.
                self.transmit(from, Vec::new(), false).await?;
            }
            self.expect(to, &expected).await?;
        }
    }

    /// Sends as the receiver makes room, until it has got `count` messages in all.
    pub(super) async fn flood(&mut self, from: &str, to: &str, count: usize, size: usize) -> Played {
        self.session.pause(to, false);
        let expected = Expected::Numbered { size, from: from.to_owned() };
        for _ in 0..count {
            if self.session.client(from).sent < count && self.session.front(to).is_none() {
                let message = self.numbered(from, size);
                self.transmit(from, vec![message], false).await?;
            }
            self.expect(to, &expected).await?;
        }
        Ok(())
    }
}
