//! How a command gets to its node: through the daemon that runs on the folder, or else through one that runs inside the command
//! for as long as it takes. Either way the command speaks to it by the API alone.

use std::path::Path;
use std::time::Duration;

use ratatosk_node::api::types::{Event, Status};
use ratatosk_node::client::{Client, Record};
use ratatosk_node::daemon::{Config, Daemon, Purpose};
use ratatosk_node::model::{HomeError, ModelError, Node};
use tokio::time::{Instant, sleep, timeout_at};

use super::folder::Place;
use super::problem::Problem;
use super::text;

/// How long a daemon may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a folder may be in use by somebody who does not say where to be found: who starts, or ends, just now.
const TURNOVER: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);
/// How long a command waits for the CommServer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A way to a node.
pub(super) struct Attached {
    pub(super) client: Client,
    /// The daemon, if it is inside this process.
    inside: Option<Daemon>,
}

impl Attached {
    /// Finds the daemon of this folder, or starts one inside this process, which asks for the passphrase if there is one.
    /// Commands that need nobody else start one that does not go on the network.
    ///
    /// # Errors
    ///
    /// What is wrong with the folder or the node.
    pub(super) async fn open(place: &Place, purpose: Purpose) -> Result<Self, Problem> {
        Self::open_at(place, purpose, None).await
    }

    /// The same, for a node that may have no CommServer yet: then it is this one.
    ///
    /// # Errors
    ///
    /// What is wrong with the folder or the node.
    pub(super) async fn open_at(place: &Place, purpose: Purpose, relay: Option<String>) -> Result<Self, Problem> {
        let (dir, end) = (place.dir()?, Instant::now() + TURNOVER);
        let mut protection = None;
        loop {
            if let Some(client) = running(&dir).await? {
                let attached = Self::of(client);
                attached.agree(place).await?;
                return Ok(attached);
            }
            let protection = match &mut protection {
                Some(protection) => protection,
                // Asked for once, however often it is tried.
                none => none.insert(place.protection()?),
            };
            match Node::open(&dir, protection) {
                Ok(node) => {
                    let mut config = Config::load(&dir, None)?;
                    config.api.port = 0;
                    if let Some(named) = place.named_relay()? {
                        config.relay.url = Some(named);
                    } else if config.relay.url.is_none() && node.comm_server()?.is_none() {
                        config.relay.url = relay;
                    }
                    let daemon = Daemon::start(node, config, purpose).await?;
                    return Ok(Self { client: client_of(&daemon)?, inside: Some(daemon) });
                }
                // Who ends leaves the folder and its database one after the other.
                Err(ModelError::Home(HomeError::Busy(_)) | ModelError::Store(ratatosk_store::Error::InUse(_)))
                    if Instant::now() < end =>
                {
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The way to a daemon that runs by itself.
    pub(super) fn of(client: Client) -> Self {
        Self { client, inside: None }
    }

    /// Whether the daemon ends with this command.
    pub(super) fn is_inside(&self) -> bool {
        self.inside.is_some()
    }

    /// Ends the daemon if it is inside this process, and waits for that.
    pub(super) async fn close(self) {
        if let Some(daemon) = self.inside {
            daemon.stop().await;
        }
    }

    /// A daemon that runs has its CommServer already.
    async fn agree(&self, place: &Place) -> Result<(), Problem> {
        let Some(wanted) = place.named_relay()? else { return Ok(()) };
        let relay = self.client.status().await?.relay.url;
        if relay == wanted {
            return Ok(());
        }
        let what = format!("your node runs already, with the CommServer {}", text::line(&relay));
        Err(Problem::new(
            what,
            "leave --relay out, or stop the node and start it with this one: ratatosk serve --relay URL",
        ))
    }
}

/// Does something with a node that needs nobody else.
///
/// # Errors
///
/// Those of the way there, and those of `work`.
pub(super) async fn with<T>(
    place: &Place,
    work: impl AsyncFnOnce(&Client) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let attached = Attached::open(place, Purpose::Local).await?;
    let result = work(&attached.client).await;
    attached.close().await;
    result
}

/// A client of a daemon inside this process.
///
/// # Errors
///
/// If it does not listen.
pub(super) fn client_of(daemon: &Daemon) -> Result<Client, Problem> {
    match (daemon.address(), daemon.token()) {
        (Some(address), Some(token)) => Ok(Client::new(address.port(), token)),
        _ => Err(Problem::new("the node does not listen", "look into the log: RATATOSK_LOG=info")),
    }
}

/// The daemon that runs on this folder, if one does. A record that one has left behind means nothing.
///
/// # Errors
///
/// If what is there cannot be read.
pub(super) async fn running(dir: &Path) -> Result<Option<Client>, Problem> {
    let record = Record::read(dir).map_err(|error| {
        let what = format!("cannot read {}: {error}", text::line(&dir.join("daemon.json").to_string_lossy()));
        Problem::new(
            what,
            "the folder of a node belongs to one user alone: use that one, or name another folder with --dir",
        )
    })?;
    let Some(record) = record else { return Ok(None) };
    let client = record.client();
    match client.status_within(ANSWER).await {
        // Another program may have got the port since, and another folder's daemon as well.
        Ok(status) if status.pid == record.pid => Ok(Some(client)),
        _ => Ok(None),
    }
}

/// Waits until the CommServer has us.
///
/// # Errors
///
/// That it does not, and why as far as that can be told.
pub(super) async fn reach(client: &Client) -> Result<(), Problem> {
    let mut events = client.events().await?;
    let mut why = None;
    let end = Instant::now() + PATIENCE;
    loop {
        let status = client.status().await?;
        if status.relay.online {
            return Ok(());
        }
        if status.relay.url.is_empty() {
            return Err(unreachable(&status, None));
        }
        loop {
            match timeout_at(end, events.next()).await {
                Err(_) => return Err(unreachable(&client.status().await?, why)),
                Ok(event) => match event? {
                    Event::Online { .. } | Event::Ready | Event::Lagged { .. } => break,
                    Event::Trouble(trouble) => why = Some(text::line(&trouble.text)),
                    _ => {}
                },
            }
        }
    }
}

/// That the CommServer has not us.
pub(super) fn unreachable(status: &Status, why: Option<String>) -> Problem {
    if status.relay.url.is_empty() {
        let help = "name one with --relay wss://…, or run one in the same process: ratatosk serve --embedded-relay";
        return Problem::new("your node has no CommServer, over which others could reach it", help);
    }
    let (relay, help) = (
        text::line(&status.relay.url),
        "check the address and your network, or name another one with --relay; one inside your node runs with \
         `ratatosk serve --embedded-relay`",
    );
    // The daemon knows best; its problems name what they are about.
    let of_relay = status.problems.iter().find(|problem| problem.contains(&status.relay.url));
    let what = of_relay.map(|problem| text::line(problem)).unwrap_or_else(|| {
        let why = why.unwrap_or_else(|| "it does not answer".to_owned());
        format!("the CommServer {relay} cannot be reached: {why}")
    });
    Problem::new(what, help).meaning("nobody can reach you, and you reach nobody, until it is there")
}
