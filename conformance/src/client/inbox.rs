//! What happened and was not looked at yet, in order.

use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::timeout_at;

/// How much may wait. Whoever fills an inbox waits while it is full.
const LEN: usize = 1024;

/// The way into an [`Inbox`].
pub(super) type Filler<T> = mpsc::Sender<(Instant, T)>;

/// A queue that shows what is first before it is taken.
pub(super) struct Inbox<T> {
    queue: mpsc::Receiver<(Instant, T)>,
    first: Option<(Instant, T)>,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> (Filler<T>, Self) {
        let (sender, queue) = mpsc::channel(LEN);
        (sender, Self { queue, first: None })
    }

    /// Waits until something is there; says whether that was so by `deadline`.
    pub(super) async fn wait(&mut self, deadline: Instant) -> bool {
        if self.first.is_none() {
            // Nothing comes from a filler that is gone, so that waiting ends by the deadline as well.
            let next = async {
                match self.queue.recv().await {
                    Some(next) => next,
                    None => std::future::pending().await,
                }
            };
            self.first = timeout_at(deadline.into(), next).await.ok();
        }
        self.first.is_some()
    }

    /// What is first, if something is there.
    pub(super) fn first(&mut self) -> Option<&mut (Instant, T)> {
        if self.first.is_none() {
            self.first = self.queue.try_recv().ok();
        }
        self.first.as_mut()
    }

    /// Takes what is first.
    pub(super) fn take(&mut self) -> Option<(Instant, T)> {
        self.first();
        self.first.take()
    }
}
