//! `ratatosk serve`: the node, running by itself until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ratatosk_node::api::types::{Event, Status};
use ratatosk_node::daemon::{Config, Daemon, Purpose, config};
use ratatosk_node::model::Node;
use tokio::sync::watch;

use super::attach::{client_of, running};
use super::folder::Place;
use super::problem::Problem;
use super::{say, text};

/// Where the CommServer of a household listens, unless it is said.
const HOUSEHOLD: &str = "0.0.0.0:8000";

/// That others can reach the node.
const HAS_US: &str = "The CommServer has us: others can reach this node.";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The settings [default: config.toml in the folder of your node, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run a CommServer inside the node, for a household that has none; others reach it at this machine's address, or at the one
    /// of --relay
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, require_equals = true, default_missing_value = HOUSEHOLD)]
    embedded_relay: Option<SocketAddr>,
    /// Where the API listens on the loopback interface [default: a free port]
    #[arg(long, value_name = "PORT")]
    api_port: Option<u16>,
    /// Show all settings with what they mean, and end
    #[arg(long)]
    print_config: bool,
}

impl Options {
    /// What is logged, if the settings say so.
    pub(super) fn log_filter(&self) -> Option<String> {
        Some(self.settings().ok()?.log.filter)
    }

    fn settings(&self) -> Result<Config, Problem> {
        let mut settings = Config::load(&self.place.dir()?, self.config.as_deref())?;
        if let Some(url) = self.place.named_relay()? {
            settings.relay.url = Some(url);
        }
        if let Some(listen) = self.embedded_relay {
            settings.relay.embedded = Some(listen);
        }
        if let Some(port) = self.api_port {
            settings.api.port = port;
        }
        Ok(settings)
    }
}

/// Serves until somebody stops it.
///
/// # Errors
///
/// Why it cannot.
pub(super) async fn run(options: &Options) -> Result<(), Problem> {
    let settings = options.settings()?;
    if options.print_config {
        say(config::sample(&settings));
        return Ok(());
    }
    let dir = options.place.dir()?;
    if let Some(client) = running(&dir).await? {
        let pid = client.status().await?.pid;
        let what = format!("your node runs already, as process {pid}");
        let help = "use it: ratatosk status; or stop it first: kill its process, or Ctrl-C where it runs";
        return Err(Problem::new(what, help));
    }
    // A signal that comes while it starts is one, too.
    let mut asked = Asked::new()?;
    let node = Node::open(&dir, &options.place.protection()?)?;
    let daemon = Daemon::start(node, settings, Purpose::Serve).await?;
    let mut listening = daemon.hub().listen();
    let mut is_online = match client_of(&daemon)?.status().await {
        Ok(status) => {
            introduce(&status, &daemon);
            status.relay.online
        }
        Err(error) => {
            daemon.stop().await;
            return Err(error.into());
        }
    };
    if is_online {
        say(HAS_US);
    }
    let mut stopping = daemon.stopping();
    loop {
        tokio::select! {
            event = listening.next() => match event {
                // What the introduction has said already.
                Some(event) if matches!(*event, Event::Online { online } if online == is_online) => {}
                Some(event) => {
                    if let Event::Online { online } = *event {
                        is_online = online;
                    }
                    tell(&event);
                }
                None => break,
            },
            () = asked.wait() => break,
            () = is_set(&mut stopping) => break,
        }
    }
    say("Stopping: what was said is kept.");
    daemon.stop().await;
    Ok(())
}

/// Waits until it is set; a sender that has gone sets nothing any more.
async fn is_set(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|is_set| *is_set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Says who it is, where it listens, and what comes next.
fn introduce(status: &Status, daemon: &Daemon) {
    let (name, email) = (text::name(&status.me.name), text::line(&status.me.email));
    say(format_args!("{name} <{email}> is up, from {}.", text::line(&status.folder)));
    say(format_args!("CommServer {}", text::line(&status.relay.url)));
    if let Some(embedded) = &status.relay.embedded {
        say(format_args!("  it is inside this node, and listens at {}", text::line(embedded)));
    }
    if let Some(address) = daemon.address() {
        say(format_args!("API http://{address}, for this machine alone; its token is in daemon.json"));
    }
    for agent in &status.agents {
        let (name, slug, model) = (text::name(&agent.name), text::line(&agent.slug), text::line(&agent.model));
        say(format_args!("AI {name} ({slug}), model {model}"));
    }
    status.problems.iter().for_each(|problem| say(format_args!("Problem: {}", text::line(problem))));
    say(next_step(status));
}

fn next_step(status: &Status) -> &'static str {
    match (status.contacts, status.agents.len()) {
        (0, 0) => {
            "Next, in another terminal: ratatosk invite, to meet somebody; ratatosk model import FILE.gguf, for an AI of yours. \
             Ctrl-C stops the node."
        }
        _ => "Next, in another terminal: ratatosk chat. Ctrl-C stops the node.",
    }
}

/// What somebody who looks at it should know. What is said in conversations is not of it.
fn tell(event: &Event) {
    match event {
        Event::Online { online: true } => say(HAS_US),
        Event::Online { online: false } => say("The CommServer cannot be reached; it is tried again."),
        Event::Paired(paired) => {
            say(format_args!("A new contact: {}", text::line(&paired.contact.email)));
        }
        Event::Trouble(trouble) => {
            let agent = trouble.agent.as_deref().map(|agent| format!("{}, ", text::line(agent))).unwrap_or_default();
            say(format_args!("Trouble: {agent}{}: {}", text::line(&trouble.place), text::line(&trouble.text)));
        }
        _ => {}
    }
}

/// Somebody at the terminal, or the system, asks it to stop.
struct Asked {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Asked {
    fn new() -> Result<Self, Problem> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| {
                Problem::new(format!("cannot listen to signals: {error}"), "the system is out of resources; try again")
            })?,
        })
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
