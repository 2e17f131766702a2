//! How the tasks learn that the relay stops.

use tokio::sync::watch;

/// What the relay is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Everything.
    Running,
    /// Nothing new; pairs may finish.
    Draining,
    /// Nothing any more.
    Stopping,
}

/// A view of the stage. A relay whose handle is gone counts as stopping.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Stage>);

impl Stop {
    pub(crate) fn new() -> (watch::Sender<Stage>, Self) {
        let (sender, receiver) = watch::channel(Stage::Running);
        (sender, Self(receiver))
    }

    /// Resolves when the relay drains or stops.
    pub(crate) async fn draining(&mut self) {
        let _ = self.0.wait_for(|stage| *stage >= Stage::Draining).await;
    }

    /// Whether the relay drains or stops. A relay whose handle is gone does.
    pub(crate) fn is_draining(&self) -> bool {
        *self.0.borrow() >= Stage::Draining || self.0.has_changed().is_err()
    }

    /// Resolves when the relay stops.
    pub(crate) async fn stopping(&mut self) {
        let _ = self.0.wait_for(|stage| *stage >= Stage::Stopping).await;
    }
}
