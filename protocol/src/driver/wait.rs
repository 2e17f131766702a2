//! Waiting for what may never come.

use std::future::pending;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::sleep_until;

/// Waits until then, or for ever.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// The next value; waits for ever where none can come.
pub(super) async fn receive<T>(channel: Option<&mut mpsc::Receiver<T>>) -> T {
    if let Some(channel) = channel
        && let Some(value) = channel.recv().await
    {
        return value;
    }
    pending().await
}

/// Room for one value, none if nobody reads any more; waits for ever where there is no channel.
pub(super) async fn reserve<T>(channel: Option<&mpsc::Sender<T>>) -> Option<mpsc::Permit<'_, T>> {
    match channel {
        Some(channel) => channel.reserve().await.ok(),
        None => pending().await,
    }
}
