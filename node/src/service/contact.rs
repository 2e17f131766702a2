//! The way to one contact's instance: dials it whenever there is no connection to it.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_pairing::Purpose;
use ratatosk_protocol::connection::Connector;
use ratatosk_protocol::driver::{ConnectorConfig, Session, connect, os_entropy};
use ratatosk_protocol::phase::Role;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::shared::Shared;
use super::stopping::Stopping;
use super::{completion, encounter};
use crate::model::Endpoint;

/// The side with the larger key waits so long with its first attempt: the other one's is most likely through by then, and
/// two connections that cross are the exception.
const COURTESY: Duration = Duration::from_millis(700);

/// A connection that was in use for so long has worked: the delays begin anew.
pub(super) const LASTED: Duration = Duration::from_secs(5);

/// Keeps a connection to this instance, until everything stops.
pub(super) async fn keep(shared: Arc<Shared>, endpoint: Endpoint, mut stopping: Stopping) {
    let (mut traffic, mut online) = (shared.traffic.subscribe(), shared.online.subscribe());
    let mut backoff = shared.config.backoff.clone();
    let courtesy = if *shared.instance.public() > endpoint.key { COURTESY } else { Duration::ZERO };
    let mut delay = courtesy;
    loop {
        let waits = Instant::now();
        tokio::select! {
            () = disconnected(&shared, &endpoint, &mut traffic) => {}
            () = stopping.wait() => return,
        }
        if waits.elapsed() >= LASTED {
            backoff.reset();
            delay = backoff.next(os_entropy().as_mut());
        }
        tokio::select! {
            () = sleep(delay) => {}
            // Whatever kept us off the CommServer is over, and most likely what kept us from the contact as well.
            () = back_online(&mut online, courtesy) => backoff.reset(),
            () = stopping.wait() => return,
        }
        if shared.is_connected(&endpoint.key) {
            continue;
        }
        let started = Instant::now();
        tokio::select! {
            session = dial(&shared, &endpoint) => if let Some(session) = session {
                let machine = completion::initiate(&shared, &session, Purpose::Chum);
                // Why it failed stands in the log; the next attempt comes later.
                let _ = encounter::run(&shared, session, Role::Initiator, machine, None, &mut stopping).await;
            },
            // The contact was faster.
            () = connected(&shared, &endpoint, &mut traffic) => {}
            () = stopping.wait() => return,
        }
        if started.elapsed() >= LASTED {
            backoff.reset();
        }
        delay = backoff.next(os_entropy().as_mut());
    }
}

async fn dial(shared: &Shared, endpoint: &Endpoint) -> Option<Session> {
    // The semaphore is never closed.
    let _place = shared.dialling.acquire().await.ok();
    let connector = Connector { local: shared.instance.clone(), remote: endpoint.key };
    let url = endpoint.url.clone().unwrap_or_else(|| shared.config.url.clone());
    let result = connect(&shared.environment, &ConnectorConfig { url, connector }).await;
    // Most of the time the contact is simply not there.
    let log = |error: &_| tracing::debug!(contact = endpoint.key.fingerprint(), %error, "a contact cannot be reached");
    result.inspect_err(log).ok()
}

async fn disconnected(shared: &Shared, endpoint: &Endpoint, traffic: &mut watch::Receiver<u64>) {
    // The sender lives as long as what is shared.
    let _ = traffic.wait_for(|_| !shared.is_connected(&endpoint.key)).await;
}

async fn connected(shared: &Shared, endpoint: &Endpoint, traffic: &mut watch::Receiver<u64>) {
    let _ = traffic.wait_for(|_| shared.is_connected(&endpoint.key)).await;
}

/// Waits until the listener is registered again after it was not, and then for the other side's attempt.
async fn back_online(online: &mut watch::Receiver<bool>, courtesy: Duration) {
    let _ = online.wait_for(|online| !online).await;
    let _ = online.wait_for(|online| *online).await;
    sleep(courtesy).await;
}
