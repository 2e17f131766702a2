//! Our listener's spare connections at our relay: never too many, never too many attempts, under bursts and restarts.
//!
//! Everything runs on one thread, so that the order of the notices is the order of what happened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod census;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::future::join_all;
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::connection::{Connector, KeyRing};
use ratatosk_protocol::driver::{
    ConnectorConfig, DriverError, Environment, Listener, ListenerConfig, Session, connect, connect_until_successful,
};
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::{Phase, Role};
use ratatosk_protocol::spare::SparePolicy;
use ratatosk_relay::registry::Limits;
use ratatosk_relay::{Config, Server, Snapshot};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use census::{Census, count, most_spares};

/// What none of this may come near to.
const PATIENCE: Duration = Duration::from_secs(120);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

fn key(number: u16) -> KeyPair {
    let mut bytes = [7; 32];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(bytes).into()
}

fn limit(limit: usize) -> SparePolicy {
    SparePolicy::Limit(NonZeroUsize::new(limit).unwrap())
}

/// A relay that refuses a key more spares than its listener may have, so that one too many is a failure of the listener.
fn config(listen: SocketAddr, policy: SparePolicy) -> Config {
    let default = Config::default();
    Config { listen: Some(listen), limits: Limits { spares_per_key: most_spares(policy), ..default.limits }, ..default }
}

async fn relay(policy: SparePolicy) -> Server {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server::bind(config(listen, policy)).await.unwrap()
}

/// A relay where one was before. A connection of another test may have the port for a moment.
async fn relay_again(listen: SocketAddr, policy: SparePolicy) -> Server {
    loop {
        match Server::bind(config(listen, policy)).await {
            Ok(server) => return server,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn url(relay: &Server) -> String {
    format!("ws://{}", relay.local_addr())
}

/// Waits until the relay holds nobody.
async fn until_empty(relay: &Server) {
    let empty = async {
        while relay.snapshot() != Snapshot::default() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(empty).await;
}

/// A listener whose application answers every message with the same one, and the census of its spares.
struct Subject {
    census: watch::Receiver<Census>,
    ready: watch::Receiver<usize>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Subject {
    /// Starts, and waits until all spares are registered.
    async fn start(url: String, spares: SparePolicy, backoff: Duration) -> Self {
        let environment = Environment::default();
        let (counted, census) = watch::channel(Census::new(spares));
        tokio::spawn(count(environment.events.subscribe(), counted));
        let backoff = Backoff::new(&[backoff]);
        let config = ListenerConfig { url, keys: KeyRing::new(key(0)), spares, backoff };
        let listener = Listener::start(&environment, config).unwrap();
        let ready = listener.ready();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, stopped));
        let mut subject = Self { census, ready, stop, serving };
        subject.after(0).await;
        subject
    }

    /// What the census says when there have been so many hand-overs and all spares are registered again.
    async fn after(&mut self, handovers: usize) -> Census {
        let full = |census: &Census| census.handovers >= handovers && census.ready() == census.limit();
        let census = within(self.census.wait_for(full)).await.unwrap().clone();
        within(self.ready.wait_for(|ready| *ready == census.limit())).await.unwrap();
        census.check();
        assert_eq!(census.handovers, handovers);
        census
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        within(self.serving).await.unwrap();
    }
}

async fn serve(mut listener: Listener, mut stopped: oneshot::Receiver<()>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            session = listener.accept() => {
                let Some(mut session) = session else { break };
                sessions.spawn(async move {
                    while let Some(message) = session.recv().await {
                        session.send(message).await.unwrap();
                    }
                });
            }
        }
    }
    listener.stop().await;
}

fn to_listener(url: &str, number: u16) -> ConnectorConfig {
    ConnectorConfig { url: url.to_owned(), connector: Connector { local: key(1 + number), remote: *key(0).public() } }
}

/// Many requesters at once, each trying once.
async fn burst(url: &str, count: u16) -> Vec<Result<Session, DriverError>> {
    let environment = Environment::default();
    within(join_all((0..count).map(async |number| connect(&environment, &to_listener(url, number)).await))).await
}

/// Many requesters at once, each trying until it succeeds. How often they were refused is the second value.
async fn patient_burst(url: &str, count: u16) -> (Vec<Session>, u64) {
    let environment = Environment::default();
    let backoff = Backoff::new(&[20, 50, 100, 200].map(Duration::from_millis));
    let dial = async |number| {
        connect_until_successful(&environment, &to_listener(url, number), backoff.clone()).await.unwrap()
    };
    let sessions = within(join_all((0..count).map(dial))).await;
    let metrics = environment.events.metrics();
    (sessions, Phase::ALL.iter().map(|phase| metrics.retries(Role::Initiator, *phase)).sum())
}

/// Every session leads to the listener.
async fn check_sessions(sessions: &mut [Session]) {
    for (number, session) in sessions.iter_mut().enumerate() {
        let message = Payload::text(format!("hello from {number}"));
        session.send(message.clone()).await.unwrap();
        assert_eq!(within(session.recv()).await, Some(message));
    }
}

#[tokio::test]
async fn two_hundred_at_once_and_a_spare_for_each() {
    let relay = relay(limit(200)).await;
    let mut subject = Subject::start(url(&relay), limit(200), PATIENCE).await;
    let results = burst(&url(&relay), 200).await;
    let mut sessions: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    check_sessions(&mut sessions).await;
    let census = subject.after(200).await;
    println!(
        "limit 200, 200 at once: at most {} spares, {:.2} attempts per hand-over",
        census.most_held,
        census.attempts_per_handover()
    );
    assert_eq!((census.attempts, census.failures), (400, 0));
}

#[tokio::test]
async fn two_hundred_at_once_share_few_spares() {
    for policy in [limit(4), SparePolicy::Sequential] {
        let relay = relay(policy).await;
        let mut subject = Subject::start(url(&relay), policy, PATIENCE).await;
        let (mut sessions, refused) = patient_burst(&url(&relay), 200).await;
        check_sessions(&mut sessions).await;
        let census = subject.after(200).await;
        println!(
            "{policy:?}, 200 at once until they succeed: at most {} spares, {:.2} attempts per hand-over, \
             {refused} requests refused on the way",
            census.most_held,
            census.attempts_per_handover()
        );
        assert_eq!((census.attempts, census.failures), (200 + census.limit(), 0));
    }
}

#[tokio::test]
async fn a_burst_beyond_the_spares_is_refused_and_gets_through_in_the_end() {
    let relay = relay(limit(2)).await;
    let mut subject = Subject::start(url(&relay), limit(2), PATIENCE).await;
    let (connected, refused): (Vec<_>, Vec<_>) = burst(&url(&relay), 50).await.into_iter().partition(Result::is_ok);
    println!(
        "limit 2, 50 at once: {} connected, {} refused with \"No listening connection for the specified publicKey.\"",
        connected.len(),
        refused.len()
    );
    for error in refused.into_iter().map(Result::unwrap_err) {
        let DriverError::Connection(error) = error else { panic!("{error}") };
        assert!(error.cause.is_no_listener(), "{error}");
    }
    assert!(connected.len() >= 2, "both spares were there from the beginning");
    subject.after(connected.len()).await;
    let (mut sessions, retries) = patient_burst(&url(&relay), 50).await;
    println!("limit 2, 50 at once until they succeed: all connected, {retries} requests refused on the way");
    check_sessions(&mut sessions).await;
    let census = subject.after(connected.len() + 50).await;
    assert_eq!((census.attempts, census.failures), (census.handovers + 2, 0));
}

#[tokio::test]
async fn when_the_relay_comes_back_so_does_the_listener() {
    let first = relay(limit(2)).await;
    let (address, url) = (first.local_addr(), url(&first));
    let mut subject = Subject::start(url.clone(), limit(2), Duration::from_millis(50)).await;
    let mut before: Vec<_> = burst(&url, 1).await.into_iter().map(Result::unwrap).collect();
    check_sessions(&mut before).await;
    subject.after(1).await;

    within(first.shutdown(Duration::ZERO)).await;
    within(subject.ready.wait_for(|ready| *ready == 0)).await.unwrap();
    // Both spares are lost, and some attempts find nobody.
    within(subject.census.wait_for(|census| census.failures >= 6)).await.unwrap();
    let _second = within(relay_again(address, limit(2))).await;
    subject.after(1).await;
    let mut after: Vec<_> = burst(&url, 1).await.into_iter().map(Result::unwrap).collect();
    check_sessions(&mut after).await;
    let census = subject.after(2).await;
    println!("restart: {} attempts, {} of them in vain or lost with the relay", census.attempts, census.failures);
    assert_eq!(census.attempts, 2 + census.handovers + census.failures);
}

#[tokio::test]
async fn a_stopped_listener_leaves_no_socket() {
    for policy in [limit(1), limit(7), SparePolicy::Sequential] {
        let relay = relay(policy).await;
        let mut subject = Subject::start(url(&relay), policy, PATIENCE).await;
        assert_eq!(relay.snapshot().spares, subject.after(0).await.limit());
        subject.stop().await;
        until_empty(&relay).await;
    }
}

#[tokio::test]
async fn the_next_spare_is_ready_soon() {
    const HANDOVERS: usize = 150;
    for policy in [limit(1), limit(2), SparePolicy::Sequential] {
        let relay = relay(policy).await;
        let mut subject = Subject::start(url(&relay), policy, PATIENCE).await;
        let mut sessions = Vec::new();
        for handovers in 1..=HANDOVERS {
            sessions.extend(burst(&url(&relay), 1).await.into_iter().map(Result::unwrap));
            subject.after(handovers).await;
        }
        let mut census = subject.after(HANDOVERS).await;
        census.gaps.sort();
        assert_eq!(census.gaps.len(), HANDOVERS);
        let at = |percent: usize| census.gaps[HANDOVERS * percent / 100].as_secs_f64() * 1000.0;
        println!(
            "{policy:?}, {HANDOVERS} one after another: next spare ready after {:.2} ms (median), {:.2} ms (90 %), \
             {:.2} attempts per hand-over",
            at(50),
            at(90),
            census.attempts_per_handover()
        );
        assert_eq!((census.attempts, census.failures), (HANDOVERS + census.limit(), 0));
    }
}
