//! Two nodes of one process that synchronise without a network: CHUM over channels in memory, and otherwise a connection as any other.
//!
//! Nothing is proven here, because whoever holds two services holds the keys of both. What they may have of each other is decided by their
//! address books, as always: nodes that are no contacts of each other give each other nothing.

use std::sync::Arc;

use ratatosk_pairing::Group;
use ratatosk_protocol::driver::os_entropy;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::Service;
use super::contact::LASTED;
use super::encounter::{self, Partner};
use super::shared::{Order, Shared};
use super::stopping::{Stop, Stopping};
use super::wire::Wire;

/// Keeps two nodes of this process connected. Dropping it ends that, and so does the end of either service.
#[derive(Debug)]
pub struct Link {
    /// Its end is the wish that the link ends.
    _stop: Stop,
}

/// Connects two nodes of this process. From then on neither dials the other, and an end that failed begins anew.
///
/// Has to be called inside the runtime of the services.
#[must_use]
pub fn link(one: &Service, other: &Service) -> Link {
    let (stop, stopping) = Stop::new();
    tokio::spawn(keep(one.shared.clone(), other.shared.clone(), stopping));
    Link { _stop: stop }
}

async fn keep(one: Arc<Shared>, other: Arc<Shared>, wish: Stopping) {
    if one.instance.public() == other.instance.public() {
        return;
    }
    let (mut unlinked, mut stopping, mut far_stopping) = (wish.clone(), one.stopping(), other.stopping());
    let mut backoff = one.config.backoff.clone();
    loop {
        let started = Instant::now();
        let round = async {
            let (wire, far_wire) = Wire::pair();
            let ends = (begin(&one, &other, wire, true, &wish), begin(&other, &one, far_wire, false, &wish));
            let (end, far_end) = tokio::join!(ends.0, ends.1);
            // Over when both are: the next one is not to meet either.
            for end in [end, far_end].into_iter().flatten() {
                let _ = end.await;
            }
            if started.elapsed() >= LASTED {
                backoff.reset();
            }
            sleep(backoff.next(os_entropy().as_mut())).await;
        };
        tokio::select! {
            () = round => {}
            () = unlinked.wait() => return,
            () = stopping.wait() => return,
            () = far_stopping.wait() => return,
        }
    }
}

/// Begins one end as a task of its service. Gives what resolves at its end; nothing if the service takes no more tasks.
async fn begin(
    at: &Arc<Shared>,
    to: &Shared,
    wire: Wire,
    initiated: bool,
    wish: &Stopping,
) -> Option<oneshot::Receiver<()>> {
    let partner = Partner {
        id: at.environment.events.new_connection(),
        local: *at.instance.public(),
        remote: *to.instance.public(),
        initiated,
        person: to.node.person(),
        instance: to.node.me().instance,
        protocol: Group::Chum.name(),
    };
    let (ended, end) = oneshot::channel();
    let (shared, mut wish, mut stopping) = (at.clone(), wish.clone(), at.stopping());
    let task = async move {
        let _ended = ended;
        let over = async {
            tokio::select! {
                () = wish.wait() => {}
                () = stopping.wait() => {}
            }
        };
        encounter::synchronise(&shared, wire, partner, over).await;
    };
    at.orders.send(Order::Run(Box::pin(task))).await.ok()?;
    Some(end)
}
