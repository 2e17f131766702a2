//! A relay that listens nowhere: its connections are handed to it. For simulations alone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::conn::Arrival;
pub use crate::outside::Randomness;
pub use crate::socket::Duplex;
use crate::switchboard::{Snapshot, Switchboard};
use crate::{Config, Server};

/// Connections that wait to be taken.
const BACKLOG: usize = 1024;

/// A relay, and the way into it. Dropping it ends all its connections without a word.
#[derive(Debug)]
pub struct Handed {
    server: Server,
    arrivals: mpsc::Sender<Arrival>,
}

impl Handed {
    /// Starts a relay on the runtime of the moment. Where `config` would have it listen does not matter.
    #[must_use]
    pub fn start(config: Config, randomness: Randomness) -> Self {
        let (arrivals, queue) = mpsc::channel(BACKLOG);
        let server = Server::fed(&Switchboard::with_randomness(config, randomness), queue);
        Self { server, arrivals }
    }

    /// A client has connected from `peer`. `false` if the relay takes nobody.
    pub fn connect(&self, stream: impl Duplex + 'static, peer: IpAddr) -> bool {
        let stream: Box<dyn Duplex> = Box::new(stream);
        self.arrivals.try_send(Arrival { stream: stream.into(), peer, tls: None }).is_ok()
    }

    /// How many of everything there are.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.server.snapshot()
    }

    /// Looks at the counts after the relay has gone, too.
    #[must_use]
    pub fn counts(&self) -> Arc<dyn Fn() -> Snapshot> {
        let view = self.server.view();
        Arc::new(move || view.snapshot())
    }

    /// As [`Server::shutdown`].
    pub async fn shutdown(self, drain: Duration) {
        self.server.shutdown(drain).await;
    }
}
