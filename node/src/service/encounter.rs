//! One encrypted connection, from phase 6 to its end.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_objects::{InstanceId, PersonId};
use ratatosk_pairing::{Completion, Paired, Verified};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::driver::Session;
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::phase::Role;
use tokio::time::timeout;

use super::completion::{self, Completed, NotCompleted};
use super::exchange;
use super::news::{News, Status};
use super::registry::{DROPPED, REPLACED};
use super::shared::{Arrival, Shared};
use super::stopping::Stopping;
use super::wire::Wire;

/// How long an acceptor waits until the initiator has closed a connection on which they have paired.
const PARTING: Duration = Duration::from_secs(2);

/// What a peer is told when we end.
const LEAVING: &str = "The peer stops";

/// Runs a connection to its end; `arrival` is its place in phase 6, if it needs one. Says who became a contact on it, or why nobody did.
pub(super) async fn run(
    shared: &Arc<Shared>,
    mut session: Session,
    role: Role,
    machine: Completion,
    arrival: Option<Arrival>,
    stopping: &mut Stopping,
) -> Result<Option<Box<Paired>>, String> {
    let completed = tokio::select! {
        completed = completion::run(shared, &mut session, machine) => completed,
        () = stopping.wait() => {
            session.close(CloseRequest::because(LEAVING)).await;
            return Err("this node stops".to_owned());
        }
    };
    // Phase 6 is over, well or not.
    drop(arrival);
    match completed {
        Ok(Completed::Paired(paired)) => {
            part(shared, session, role).await;
            celebrate(shared, &paired, role).await;
            Ok(Some(paired))
        }
        Ok(Completed::Verified(verified)) => {
            let partner = Partner::of(&session, role, &verified);
            synchronise(shared, Wire::Session(Box::new(session)), partner, stopping.wait()).await;
            Ok(None)
        }
        Err((error, close)) => Err(fail(shared, session, error, close).await),
    }
}

/// The initiator closes when it has sent its identity; the acceptor only helps.
async fn part(shared: &Shared, mut session: Session, role: Role) {
    if role == Role::Listener {
        // If it does not, we do.
        let _ = timeout(PARTING, session.closed()).await;
    }
    let id = session.id();
    let (_, timeline) = session.close(CloseRequest::Close(None)).await;
    shared.ended(id, timeline);
}

async fn celebrate(shared: &Arc<Shared>, paired: &Paired, role: Role) {
    shared.contacts_changed();
    shared.changed();
    let initiated = role == Role::Initiator;
    shared.tell(News::Paired { person: paired.person, instance: paired.instance, initiated }).await;
}

/// Whom a connection leads to, and how it came about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partner {
    /// The number of the connection.
    pub(super) id: u64,
    /// Our key on it.
    pub(super) local: PublicKey,
    /// The other end's.
    pub(super) remote: PublicKey,
    /// Whether we dialled.
    pub(super) initiated: bool,
    pub(super) person: PersonId,
    pub(super) instance: InstanceId,
    /// What is spoken.
    pub(super) protocol: &'static str,
}

impl Partner {
    fn of(session: &Session, role: Role, verified: &Verified) -> Self {
        Self {
            id: session.id(),
            local: *session.local(),
            remote: *session.remote(),
            initiated: role == Role::Initiator,
            person: verified.person,
            instance: verified.instance,
            protocol: verified.group.name(),
        }
    }
}

/// Puts a connection to use, unless there is a better one, until it ends or `leave` comes.
pub(super) async fn synchronise(shared: &Arc<Shared>, wire: Wire, partner: Partner, leave: impl Future<Output = ()>) {
    let Some(admitted) = shared.admit(&wire, &partner) else {
        tracing::debug!(connection = partner.id, "a duplicate connection is dropped");
        wire.close(CloseRequest::because(DROPPED)).await;
        return;
    };
    let Partner { person, instance, protocol, initiated, .. } = partner;
    shared.tell(News::ProtocolStart { person, instance, protocol, initiated }).await;
    shared.tell(News::Connection(admitted.info)).await;
    let (info, drafts, mut wire) = (admitted.info, admitted.drafts.clone(), wire);
    let close = {
        let mut admitted = admitted;
        let over = async {
            tokio::select! {
                // The other end lives in the registry until then.
                _ = &mut admitted.replaced => CloseRequest::because(REPLACED),
                () = leave => CloseRequest::because(LEAVING),
            }
        };
        let close = exchange::run(shared, &mut wire, info, &drafts, over).await.unwrap_or(CloseRequest::Close(None));
        admitted.is_told = true;
        close
    };
    if let Some(timeline) = wire.close(close).await {
        shared.ended(info.id, timeline);
    }
    shared.tell(News::Connection(super::news::ConnectionInfo { status: Status::Closed, ..info })).await;
}

/// Closes, and says why there was no contact: the other end's reason, if it was faster.
async fn fail(shared: &Shared, session: Session, error: NotCompleted, close: CloseRequest) -> String {
    let id = session.id();
    let (closed, timeline) = session.close(close).await;
    shared.ended(id, timeline);
    let text = match &error {
        NotCompleted::Ended => closed.error.to_string(),
        other => other.to_string(),
    };
    tracing::debug!(connection = id, error = ?text, "phase 6 failed");
    text
}
