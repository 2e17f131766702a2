//! A peer with an identity: phase 6, contacts, topics, messages. A peer is one if it has an e-mail address.

mod command;
mod folder;
mod obey;
mod queue;
mod tell;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_node::model::{Change, NewPerson, Node};
use ratatosk_node::service::{self, Ear, News, Service};
use ratatosk_objects::PersonId;
use ratatosk_protocol::connection;
use ratatosk_protocol::driver::{Environment, Events, check_url};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::spare::SparePolicy;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use self::folder::Folder;
use self::queue::Queue;
use super::input::{Input, InputError};
use super::output::Output;
use super::transcript::Transcript;
use super::{Options, TIMED_OUT, next_line, until};
use crate::plugins::Plugins;

/// How long the end waits for commands that are under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until it is told to quit, its input ends or its time is over.
pub(super) async fn run(options: &Options, email: &str, output: &Output) -> Result<ExitCode, String> {
    check_url(&options.comm_server_url).map_err(|error| error.to_string())?;
    let plugins = Plugins::start(&options.plugins)?;
    let config = connection::Config { plugins: plugins.factory(), ..connection::Config::default() };
    let environment = Environment { config: Arc::new(config), events: Events::default() };
    let transcript = Transcript::open(options.transcript.as_deref())?;
    let folder = Arc::new(Folder::new(options.dir.as_deref(), options.keep_dir));
    let person = NewPerson {
        email: email.to_owned(),
        instance: options.instance.clone().unwrap_or_else(|| format!("instance of {email}")),
        name: options.name.clone().unwrap_or_else(|| email.to_owned()),
    };
    let opening = folder.clone();
    let node = tokio::task::spawn_blocking(move || opening.open(&person).map(Arc::new));
    let node = node.await.map_err(|error| error.to_string())??;
    let mut peer = Peer::new(options, environment, output.clone(), transcript, node);
    peer.output.event(&with_event("ready", peer.info()));
    peer.connect().await?;
    let code = peer.run(options).await;
    // It is closed by now.
    drop(folder);
    Ok(code)
}

struct Peer {
    node: Arc<Node>,
    environment: Environment,
    config: service::Config,
    output: Output,
    transcript: Transcript,
    makes_topics: bool,
    running: Option<Running>,
    queue: Queue,
    /// Commands that wait for the network.
    jobs: JoinSet<()>,
    /// What was last told of the connections.
    connections: Vec<Value>,
}

/// A service that runs, and what it tells.
struct Running {
    service: Arc<Service>,
    news: mpsc::Receiver<News>,
}

impl Peer {
    fn new(
        options: &Options,
        environment: Environment,
        output: Output,
        transcript: Transcript,
        node: Arc<Node>,
    ) -> Self {
        let mut config = service::Config::new(options.comm_server_url.clone());
        config.spares = std::num::NonZeroUsize::new(options.spares).map_or(SparePolicy::Sequential, SparePolicy::Limit);
        if let Some(millis) = options.invite_expiry_ms {
            config.invitation_life = Duration::from_millis(millis);
        }
        let queue = Queue::start(node.clone());
        Self {
            node,
            environment,
            config,
            output,
            transcript,
            makes_topics: options.auto_topic != "0",
            running: None,
            queue,
            jobs: JoinSet::new(),
            connections: Vec::new(),
        }
    }

    fn info(&self) -> Value {
        let me = self.node.me();
        json!({
            "phases": 6,
            "personId": me.person,
            "instanceId": me.instance,
            "publicKey": me.identity.instance_key.to_hex(),
            "personPublicKey": me.identity.person_key.to_hex(),
            "personPublicSignKey": hex::encode(me.identity.person_sign_key.as_bytes()),
        })
    }

    async fn run(mut self, options: &Options) -> ExitCode {
        let end = options.timeout_ms.map(|millis| Instant::now() + Duration::from_millis(millis));
        let mut input = Input::new();
        let mut listening_to_input = true;
        let code = loop {
            tokio::select! {
                (seat, line) = next_line(&self.output, &mut input), if listening_to_input => match line {
                    Ok(Some(line)) => if let Some(code) = self.obey(&line, seat).await { break code },
                    Ok(None) if options.stay => listening_to_input = false,
                    Ok(None) => break ExitCode::SUCCESS,
                    Err(error @ InputError::TooLong) => self.answer(seat, "input", None).error(&error.to_string()),
                    Err(error) => {
                        self.output.problem("input", &error.to_string());
                        break ExitCode::FAILURE;
                    }
                },
                news = next_news(self.running.as_mut()) => self.tell(news).await,
                Some(_) = self.jobs.join_next() => {}
                () = until(end) => break ExitCode::from(TIMED_OUT),
            }
        };
        self.finish().await;
        code
    }

    /// Lets what was asked for be done, and leaves the network.
    async fn finish(mut self) {
        self.disconnect().await;
        let work = async {
            while self.jobs.join_next().await.is_some() {}
            self.queue.finish().await;
        };
        if timeout(PATIENCE, work).await.is_err() {
            tracing::warn!("not every command was done in time");
        }
    }

    /// Goes on the network, if it is not there.
    async fn connect(&mut self) -> Result<(), String> {
        if self.running.is_none() {
            let ear: Arc<dyn Ear> = Arc::new(self.transcript.clone());
            let started = Service::start(self.node.clone(), self.environment.clone(), self.config.clone(), Some(ear));
            let (service, news) = started.await.map_err(|error| error.to_string())?;
            self.running = Some(Running { service: Arc::new(service), news });
        }
        Ok(())
    }

    async fn disconnect(&mut self) {
        let Some(Running { service, mut news }) = self.running.take() else { return };
        {
            let stop = service.stop();
            tokio::pin!(stop);
            loop {
                tokio::select! {
                    () = &mut stop => break,
                    Some(told) = news.recv() => self.tell(told).await,
                }
            }
        }
        while let Ok(told) = news.try_recv() {
            self.tell(told).await;
        }
        self.tell_connections(Vec::new());
    }

    async fn tell(&mut self, news: News) {
        match news {
            News::Online(state) => self.output.event(&json!({"event": "online", "state": state})),
            News::Paired { person, instance, initiated } => {
                self.output.event(&json!({
                    "event": "pairing",
                    "remotePersonId": person,
                    "remoteInstanceId": instance,
                    "initiatedLocally": initiated,
                }));
                if self.makes_topics {
                    self.make_topic(person);
                }
            }
            News::ProtocolStart { person, instance, protocol, initiated } => self.output.event(&json!({
                "event": "protocolStart",
                "protocol": protocol,
                "remotePersonId": person,
                "remoteInstanceId": instance,
                "initiatedLocally": initiated,
            })),
            News::Connection(_) => {
                let connections = self.running.as_ref().map(|running| running.service.connections());
                self.tell_connections(connections.unwrap_or_default().iter().map(tell::connection).collect());
            }
            News::Changed(change) => self.tell_change(change).await,
            News::Trouble { place, text } => self.output.problem(place, &text),
            _ => {}
        }
    }

    fn tell_connections(&mut self, connections: Vec<Value>) {
        if self.connections != connections {
            self.output.event(&json!({"event": "connections", "connections": connections}));
            self.connections = connections;
        }
    }

    /// The 1:1 topic with a new contact, as every peer makes it.
    fn make_topic(&mut self, person: PersonId) {
        let (node, output) = (self.node.clone(), self.output.clone());
        let service = self.running.as_ref().map(|running| running.service.clone());
        self.jobs.spawn_blocking(move || match obey::topic_with(&node, &output, person) {
            Ok(_) => service.iter().for_each(|service| service.changed()),
            Err(problem) => output.problem("topic", &problem),
        });
    }

    async fn tell_change(&mut self, change: Change) {
        for line in obey::events_of(&change) {
            let line = line.to_string();
            // A reader that is slow slows down the peers.
            let room = self.output.room(line.len()).await;
            self.output.tell(line, room);
        }
    }
}

impl Ear for Transcript {
    fn message(&self, direction: &'static str, connection: u64, message: &Payload) {
        Self::message(self, direction, connection, message);
    }
}

fn with_event(event: &str, mut fields: Value) -> Value {
    fields["event"] = json!(event);
    fields
}

async fn next_news(running: Option<&mut Running>) -> News {
    if let Some(running) = running
        && let Some(news) = running.news.recv().await
    {
        return news;
    }
    std::future::pending().await
}
