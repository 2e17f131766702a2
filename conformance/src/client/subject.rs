//! The peer under test: a listener, connector or acceptor of this project, and what it reports.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Config, Connector, Event, KeyRing};
use ratatosk_protocol::driver::{
    ConnectorConfig, DirectListener, DriverError, Environment, Listener, ListenerConfig, NoticeKind, Session,
    Subscription, connect, connect_until_successful,
};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::Origin;
use ratatosk_protocol::spare::SparePolicy;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::cipher::Keys;
use super::inbox::{Filler, Inbox};
use super::script::{Start, Tell};

/// Something that the peer under test reports.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reported {
    Connected,
    Message(Payload),
    Failed(String),
    Ended { here: bool, reason: String },
    Refused(String),
}

impl Reported {
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Ended { .. } | Self::Refused(_))
    }

    /// For people. Not escaped.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Connected => "a connection".to_owned(),
            Self::Message(Payload::Text(text)) => format!("text {text}"),
            Self::Message(Payload::Binary(data)) => format!("binary of {} bytes", data.len()),
            Self::Failed(error) => format!("failed {error}"),
            Self::Ended { here, reason } => ended_text(*here, reason),
            Self::Refused(error) => format!("refused {error}"),
        }
    }
}

/// How the end of an established connection is written in reports and lists of deviations.
pub(super) fn ended_text(here: bool, reason: &str) -> String {
    format!("ended {} {reason}", if here { "here" } else { "there" }).trim_end().to_owned()
}

/// The peer under test, running.
pub(super) struct Subject {
    pub(super) reports: Inbox<Reported>,
    pub(super) retries: Inbox<Duration>,
    pub(super) ready: watch::Receiver<usize>,
    /// Where it accepts direct connections.
    pub(super) address: Option<SocketAddr>,
    /// Whether it accepts connections by being handed over as a spare.
    pub(super) is_spare: bool,
    orders: mpsc::Sender<Order>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What the script wants of the application, with texts filled in.
pub(super) enum Order {
    Send(String),
    Close(String),
    Pause(bool),
    Stop,
}

impl Subject {
    /// Begins. `server` is the address of the scripted side.
    ///
    /// # Errors
    ///
    /// What went wrong, for people.
    pub(super) async fn start(
        start: &Start,
        config: Config,
        keys: &Keys,
        server: SocketAddr,
    ) -> Result<Self, DriverError> {
        let environment = Environment { config: Arc::new(config), ..Environment::default() };
        let notices = environment.events.subscribe();
        let (filler, reports) = Inbox::new();
        let (retried, retries) = Inbox::new();
        let (orders, orders_end) = mpsc::channel(16);
        let (_, mut ready) = watch::channel(0);
        let mut address = None;
        let url = format!("ws://{server}");
        let ring = KeyRing::new(keys.listener.clone());
        let dial = |url: String| {
            let connector = Connector { local: keys.connector.clone(), remote: *keys.listener.public() };
            ConnectorConfig { url, connector }
        };
        let app = App { reports: filler.clone(), orders: orders_end, sessions: JoinSet::new(), newest: None };
        let task = match start {
            Start::Listen { spares, backoff } => {
                let spares = spares.map_or(SparePolicy::Sequential, SparePolicy::Limit);
                let config = ListenerConfig { url, keys: ring, spares, backoff: Backoff::new(&[*backoff]) };
                let listener = Listener::start(&environment, config)?;
                ready = listener.ready();
                tokio::spawn(app.listen(listener))
            }
            Start::Accept => {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let listener = DirectListener::bind(&environment, any, ring).await?;
                address = Some(listener.address());
                tokio::spawn(app.accept(listener))
            }
            Start::Connect => tokio::spawn(app.connect(environment, dial(url), None)),
            Start::ConnectUntilSuccessful(steps) => {
                tokio::spawn(app.connect(environment, dial(url), Some(Backoff::new(steps))))
            }
            // A port below 1024 that is reserved and that no server uses.
            Start::ConnectNowhere => tokio::spawn(app.connect(environment, dial("ws://127.0.0.1:1".to_owned()), None)),
        };
        let tasks = vec![task, tokio::spawn(watch_notices(notices, filler, retried))];
        Ok(Self { reports, retries, ready, address, is_spare: false, orders, tasks })
    }

    /// One that is played by somebody else: `task` obeys `orders` and fills the rest.
    pub(super) fn played(
        reports: Inbox<Reported>,
        ready: watch::Receiver<usize>,
        is_spare: bool,
        orders: mpsc::Sender<Order>,
        task: JoinHandle<()>,
    ) -> Self {
        let (_, retries) = Inbox::new();
        Self { reports, retries, ready, address: None, is_spare, orders, tasks: vec![task] }
    }

    /// Tells the application what is wanted of it. One that has ended needs no telling.
    pub(super) async fn tell(&self, tell: &Tell, text: String) {
        let order = match tell {
            Tell::Send(_) => Order::Send(text),
            Tell::Close(reason) => Order::Close(reason.clone()),
            Tell::Pause => Order::Pause(true),
            Tell::Read => Order::Pause(false),
            Tell::Stop => Order::Stop,
        };
        let _ = self.orders.send(order).await;
    }
}

/// The application: keeps the sessions and does as it is told.
struct App {
    reports: Filler<Reported>,
    orders: mpsc::Receiver<Order>,
    sessions: JoinSet<()>,
    newest: Option<mpsc::Sender<Order>>,
}

impl App {
    async fn listen(mut self, mut listener: Listener) {
        loop {
            tokio::select! {
                session = listener.accept() => match session {
                    Some(session) => self.take(session).await,
                    None => break,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Stop) => break listener.stop().await,
                    Some(order) => self.pass(order).await,
                    None => return,
                },
            }
        }
        self.carry_on().await;
    }

    async fn accept(mut self, mut listener: DirectListener) {
        loop {
            tokio::select! {
                session = listener.accept() => match session {
                    Some(session) => self.take(session).await,
                    None => break,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Stop) | None => break,
                    Some(order) => self.pass(order).await,
                },
            }
        }
        drop(listener);
        self.carry_on().await;
    }

    async fn connect(mut self, environment: Environment, config: ConnectorConfig, backoff: Option<Backoff>) {
        let connected = {
            let attempt = async {
                match backoff {
                    Some(backoff) => connect_until_successful(&environment, &config, backoff).await,
                    None => connect(&environment, &config).await,
                }
            };
            tokio::select! {
                connected = attempt => connected,
                // Nothing else can be wanted before there is a session.
                _ = self.orders.recv() => return,
            }
        };
        match connected {
            Ok(session) => self.take(session).await,
            Err(error) => {
                // The address differs from run to run. The driver shows it with a path.
                let error = error.to_string().replace(&format!("{}/", config.url), "URL");
                report(&self.reports, Reported::Failed(error)).await;
            }
        }
        self.carry_on().await;
    }

    async fn take(&mut self, session: Session) {
        let (newest, orders) = mpsc::channel(16);
        self.newest = Some(newest);
        report(&self.reports, Reported::Connected).await;
        self.sessions.spawn(use_session(session, self.reports.clone(), orders));
    }

    async fn pass(&mut self, order: Order) {
        if let Some(newest) = &self.newest {
            // A session that has ended says so by itself.
            let _ = newest.send(order).await;
        }
    }

    /// Goes on with the sessions that there are.
    async fn carry_on(mut self) {
        while let Some(order) = self.orders.recv().await {
            self.pass(order).await;
        }
    }
}

/// Reads and reports all messages of a session, then how it ended; what is sent afterwards is refused.
async fn use_session(mut session: Session, reports: Filler<Reported>, mut orders: mpsc::Receiver<Order>) {
    let sender = session.sender();
    let mut paused = false;
    let closed = loop {
        tokio::select! {
            message = session.recv(), if !paused => match message {
                Some(message) => report(&reports, Reported::Message(message)).await,
                None => break session.closed().await,
            },
            order = orders.recv() => match order {
                Some(Order::Send(text)) => {
                    if let Err(error) = session.send(Payload::text(text)).await {
                        report(&reports, Reported::Refused(error.to_string())).await;
                    }
                }
                Some(Order::Close(reason)) => break session.close(CloseRequest::because(reason)).await.0,
                Some(Order::Pause(pause)) => paused = pause,
                Some(Order::Stop) | None => return,
            },
        }
    };
    report(&reports, Reported::Ended { here: closed.origin == Origin::Local, reason: closed.reason }).await;
    while let Some(order) = orders.recv().await {
        if let Order::Send(text) = order
            && let Err(error) = sender.send(Payload::text(text)).await
        {
            report(&reports, Reported::Refused(error.to_string())).await;
        }
    }
}

/// Reports what only the events tell: delays before further attempts, and connections to us that were not established.
async fn watch_notices(mut notices: Subscription, reports: Filler<Reported>, retried: Filler<Duration>) {
    loop {
        let notice = notices.next().await;
        match notice.kind {
            NoticeKind::Retrying { delay, .. } => {
                // A script that is over counts no retries.
                let _ = retried.send((Instant::now(), delay)).await;
            }
            NoticeKind::Connection(Event::Closed(closed))
                if notice.role == Role::Listener && closed.error.phase.is_some() =>
            {
                report(&reports, Reported::Failed(closed.error.to_string())).await;
            }
            _ => {}
        }
    }
}

pub(super) async fn report(reports: &Filler<Reported>, what: Reported) {
    // A script that is over reads no reports.
    let _ = reports.send((Instant::now(), what)).await;
}
