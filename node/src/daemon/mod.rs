//! A daemon: the node of a person and the nodes of their AIs on the network, in one process, with an HTTP API.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `config` | the settings |
//! | `core` | what everybody here shares |
//! | `hub` | what happens, told to whoever listens |
//! | `news` | what the owner's service tells, as events |
//! | `view` | what the model has, as the API shows it |
//! | `fleet` | the nodes of the AIs: opened, linked, kept informed of the owner's contacts |
//! | `embedded` | a CommServer inside this process |
//! | `tracer` | what happens on connections, phase by phase |
//! | `files` | files that wait for their message |
//! | `doctor` | what is wrong with a node and with what it needs |
//! | `worker` | whether a worker process starts |
//! | `backups` | backups while everything goes on |
//! | `notify` | what the service manager hears |
//! | `failure` | why something could not be done |
//!
//! [`Daemon::start`] brings all of it up, [`Daemon::stop`] ends it in order. No task outlives the [`Daemon`].

mod agents;
pub(crate) mod backups;
pub mod config;
mod core;
pub(crate) mod doctor;
mod embedded;
mod engines;
mod failure;
mod files;
mod fleet;
mod hub;
mod news;
mod notify;
mod rules;
mod tracer;
pub(crate) mod view;
mod worker;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_protocol::driver::{Environment, check_url};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use self::config::Config;
pub(crate) use self::core::{Core, blocking, now};
use self::core::{Network, Parts};
use self::embedded::Embedded;
use self::engines::Engines;
pub use self::failure::{Failure, Kind};
use self::files::Waiting;
use self::fleet::Fleet;
pub use self::hub::{Hub, Listening};
use self::tracer::Tracer;
use crate::api::Server;
use crate::api::types::Event;
use crate::model::Node;
use crate::models::Catalogue;
use crate::service::{self, Service};

/// How long a stop waits for each of the parts.
const STOPPING: Duration = Duration::from_secs(15);

/// What a daemon is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve: others must be able to reach it.
    Serve,
    /// For one command that needs others, if a CommServer is known.
    Talk,
    /// For one command that needs nobody else: nothing goes on the network.
    Local,
}

/// A daemon that runs. Dropping it ends everything at once, which loses nothing; [`Self::stop`] is the polite way.
pub struct Daemon {
    core: Arc<Core>,
    tasks: JoinSet<()>,
    server: Option<Server>,
    relay: Option<Embedded>,
}

impl Daemon {
    /// Starts a daemon of this node.
    ///
    /// # Errors
    ///
    /// What keeps it from starting, for a person. That a CommServer cannot be reached does not.
    pub async fn start(node: Node, config: Config, purpose: Purpose) -> Result<Self, Failure> {
        let node = Arc::new(node);
        let relay = match config.relay.embedded {
            Some(listen) if purpose == Purpose::Serve => Some(Embedded::start(listen).await?),
            _ => None,
        };
        let url = address(&node, &config, relay.as_ref()).await?;
        if url.is_none() && purpose == Purpose::Serve {
            return Err(no_relay());
        }
        let environment = Environment::default();
        let tracer = Tracer::new(&environment);
        let (network, told) = match url.filter(|_| purpose != Purpose::Local) {
            Some(url) => {
                let settings = service::Config::new(url.clone());
                let (service, news) = Service::start(node.clone(), environment, settings, None).await?;
                (Some(Network { url, service: Arc::new(service) }), Some(news))
            }
            None => (None, None),
        };
        let (hub, dir) = (Hub::default(), node.dir().to_owned());
        let catalogue = Arc::new(blocking(move || prepare(&dir)).await?);
        let engines = Arc::new(Engines::new(catalogue.clone(), &config.agents, hub.clone()));
        let core = Arc::new(Core::new(Parts {
            node,
            network,
            config,
            hub,
            fleet: Fleet::new(catalogue, engines),
            embedded: relay.as_ref().map(Embedded::address),
            tracer: tracer.clone(),
            files: Waiting::default(),
        }));
        let mut tasks = JoinSet::new();
        tasks.spawn(tracer.run());
        if let Some(told) = told {
            tasks.spawn(news::pump(core.clone(), told));
        }
        core.fleet.start(&core).await?;
        tasks.spawn(Fleet::keep_acquainted(core.clone()));
        // What takes a moment ends before others would be through; they wait for the folder instead.
        let server = Server::start(core.clone(), purpose != Purpose::Local).await?;
        if purpose == Purpose::Serve {
            notify::notify("READY=1");
        }
        Ok(Self { core, tasks, server: Some(server), relay })
    }

    /// Where its API listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(Server::address)
    }

    /// What its API asks for.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.server.as_ref().map(Server::token)
    }

    /// The CommServer, if it has one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.core.network.as_ref().map(|network| network.url.as_str())
    }

    /// What happens.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.core.hub
    }

    /// Whether somebody has asked it to stop.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.core.stopping()
    }

    /// Ends everything in order: nobody comes in any more, answers end, connections close.
    pub async fn stop(mut self) {
        self.core.stop();
        notify::notify("STOPPING=1");
        self.core.hub.tell(Event::Stopping);
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        self.core.fleet.stop().await;
        if let Some(network) = &self.core.network
            && timeout(STOPPING, network.service.stop()).await.is_err()
        {
            tracing::warn!("connections took too long to close");
        }
        self.tasks.shutdown().await;
        if let Some(relay) = self.relay.take() {
            relay.stop().await;
        }
    }
}

/// Removes what an end at a bad moment has left, and opens the catalogue.
fn prepare(dir: &Path) -> Result<Catalogue, Failure> {
    if let Err(error) = crate::backup::sweep(dir) {
        tracing::warn!(%error, "what a backup has left cannot be removed");
    }
    Ok(Catalogue::open(dir)?)
}

/// The CommServer of the node: the one that was named, else its relay, else the one that it has used before.
async fn address(node: &Arc<Node>, config: &Config, relay: Option<&Embedded>) -> Result<Option<String>, Failure> {
    if let Some(url) = &config.relay.url {
        check_url(url)
            .map_err(|error| Failure::invalid(error.to_string(), "an address is like ws://host:8000 or wss://host"))?;
        return Ok(Some(url.clone()));
    }
    if let Some(relay) = relay {
        return relay.url().map(Some);
    }
    let node = node.clone();
    let known = tokio::task::spawn_blocking(move || node.comm_server()).await.map_err(Failure::broken)?;
    Ok(known?)
}

fn no_relay() -> Failure {
    Failure::new(
        Kind::Unavailable,
        "your node has no CommServer, over which others could reach it",
        "name one with --relay wss://…; or accept an invitation, and use the inviter's; or run one in the same process with \
         --embedded-relay",
    )
}
