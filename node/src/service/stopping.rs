//! A wish that everything ends, which many wait for.

use tokio::sync::watch;

/// The one that wishes.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<bool>);

/// One that is to hear of it. The end of [`Stop`] is the same wish.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new() -> (Self, Stopping) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stopping(receiver))
    }

    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Waits for the wish. Safe to cancel.
    pub(super) async fn wait(&mut self) {
        // An error means that nobody is left who could wish anything else.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
