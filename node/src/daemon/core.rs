//! What everybody in a daemon shares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::files::Waiting;
use super::fleet::Fleet;
use super::tracer::Tracer;
use super::{Config, Failure, Hub, Kind};
use crate::model::{ModelError, Node};
use crate::service::Service;

/// What everybody in a daemon shares.
pub(crate) struct Core {
    /// The owner's node.
    pub(crate) node: Arc<Node>,
    /// Where it is on the network, if it is.
    pub(crate) network: Option<Network>,
    /// The settings.
    pub(crate) config: Config,
    /// Where the relay inside this process listens.
    pub(crate) embedded: Option<SocketAddr>,
    /// What happened on the owner's connections.
    pub(crate) tracer: Tracer,
    /// Files that wait for their message.
    pub(crate) files: Waiting,
    /// What happens.
    pub(crate) hub: Hub,
    /// The AIs.
    pub(crate) fleet: Fleet,
    /// When the daemon started, in milliseconds since 1970.
    pub(crate) started: u64,
    stop: watch::Sender<bool>,
}

/// The owner's node on the network.
pub(crate) struct Network {
    /// The CommServer.
    pub(crate) url: String,
    /// The owner's service.
    pub(crate) service: Arc<Service>,
}

/// What it takes to make a [`Core`].
pub(super) struct Parts {
    pub(super) node: Arc<Node>,
    pub(super) network: Option<Network>,
    pub(super) config: Config,
    pub(super) embedded: Option<SocketAddr>,
    pub(super) tracer: Tracer,
    pub(super) files: Waiting,
    pub(super) hub: Hub,
    pub(super) fleet: Fleet,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { node, network, config, embedded, tracer, files, hub, fleet } = parts;
        let stop = watch::channel(false).0;
        Self { node, network, config, embedded, tracer, files, hub, fleet, started: now(), stop }
    }

    /// The owner's service.
    ///
    /// # Errors
    ///
    /// That the node is not on the network.
    pub(crate) fn service(&self) -> Result<&Arc<Service>, Failure> {
        let network = self.network.as_ref().ok_or_else(|| {
            Failure::new(
                Kind::Unavailable,
                "the node is not on the network: it has no CommServer",
                "name one with --relay wss://… or --embedded-relay",
            )
        })?;
        Ok(&network.service)
    }

    /// Something of the owner's was changed: whoever it is shared with gets it.
    pub(crate) fn changed(&self) {
        if let Some(network) = &self.network {
            network.service.changed();
        }
    }

    /// The owner knows somebody else than before, or is called otherwise: the AIs follow.
    pub(crate) fn acquainted(&self) {
        self.fleet.acquainted();
    }

    /// What happened on the connections of the owner, and of each AI by its slug.
    pub(crate) fn tracers(&self) -> Vec<(Option<String>, Tracer)> {
        let agents = self.fleet.tracers().into_iter().map(|(slug, tracer)| (Some(slug), tracer));
        std::iter::once((None, self.tracer.clone())).chain(agents).collect()
    }

    /// Does something with the owner's node on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, Failure> {
        let node = self.node.clone();
        blocking(move || work(&node).map_err(Failure::from)).await
    }

    /// Asks the daemon to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether somebody has asked for that.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

/// Does something on a thread that may wait. What was begun goes on to its end even if nobody waits for it any more.
///
/// # Errors
///
/// Those of `work`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::broken)?
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
