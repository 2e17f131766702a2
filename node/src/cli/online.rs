//! A node on the network, for as long as a command runs.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_node::model::{Contact, ModelError, Node};
use ratatosk_node::service::{Config, News, Service};
use ratatosk_objects::PersonId;
use ratatosk_pairing::Invitation;
use ratatosk_protocol::connection::Event;
use ratatosk_protocol::driver::{Environment, NoticeKind, Subscription};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;
use super::text;

/// How long a command waits for the CommServer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A node and its service.
pub(super) struct Online {
    pub(super) node: Arc<Node>,
    pub(super) service: Arc<Service>,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) relay: String,
    notices: Subscription,
}

impl Online {
    /// Goes on the network. An invitation lives as long as `life` says, if it says so.
    ///
    /// # Errors
    ///
    /// What is wrong with the node or the address.
    pub(super) async fn start(node: Node, relay: String, life: Option<Duration>) -> Result<Self, Problem> {
        let (node, environment) = (Arc::new(node), Environment::default());
        let notices = environment.events.subscribe();
        let mut config = Config::new(relay.clone());
        config.invitation_life = life.unwrap_or(config.invitation_life);
        let (service, news) = Service::start(node.clone(), environment, config, None).await?;
        Ok(Self { node, service: Arc::new(service), news, relay, notices })
    }

    /// Waits until the CommServer has us.
    ///
    /// # Errors
    ///
    /// That it does not, and why as far as that can be told.
    pub(super) async fn reach(&mut self) -> Result<(), Problem> {
        let mut online = self.service.online();
        let deadline = Instant::now() + PATIENCE;
        let reached =
            self.while_told(async move { timeout_at(deadline, online.wait_for(|online| *online)).await.is_ok() });
        if reached.await { Ok(()) } else { Err(self.unreachable()) }
    }

    /// That the CommServer has not us, and why as far as that can be told.
    pub(super) fn unreachable(&mut self) -> Problem {
        let why = self.last_failure().unwrap_or_else(|| "it does not answer".to_owned());
        let relay = text::line(&self.relay);
        Problem::new(
            format!("the CommServer {relay} cannot be reached: {why}"),
            "check the address and your network, or name another one with --relay",
        )
    }

    /// Waits for something while what is told meanwhile is taken and left out.
    pub(super) async fn while_told<T>(&mut self, future: impl Future<Output = T>) -> T {
        tokio::pin!(future);
        loop {
            tokio::select! {
                result = &mut future => return result,
                Some(_) = self.news.recv() => {}
            }
        }
    }

    /// Somebody who should be a contact.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub(super) async fn contact(&self, person: PersonId) -> Result<Contact, Problem> {
        let contact = on_disk(&self.node, move |node| node.contact(person)).await?;
        Ok(contact.ok_or(ModelError::UnknownContact(person))?)
    }

    /// Leaves the network.
    pub(super) async fn stop(mut self) {
        let service = self.service.clone();
        self.while_told(service.stop()).await;
    }

    /// Why the last attempt failed. Texts of the other end are escaped in it.
    fn last_failure(&mut self) -> Option<String> {
        let mut failure = None;
        while let Some(notice) = self.notices.try_next() {
            if let NoticeKind::Connection(Event::Closed(closed)) = notice.kind {
                failure = Some(closed.error.to_string());
            }
        }
        failure
    }
}

/// Does something with the node on a thread that may wait for the disk.
///
/// # Errors
///
/// Those of `work`.
pub(super) async fn on_disk<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Node) -> Result<T, ModelError> + Send + 'static,
) -> Result<T, Problem> {
    let node = node.clone();
    match tokio::task::spawn_blocking(move || work(&node)).await {
        Ok(result) => Ok(result?),
        Err(error) => {
            Err(Problem::new(format!("something failed that must not: {error}"), "look into the log and tell us"))
        }
    }
}

/// Accepts an invitation, in words for people.
///
/// # Errors
///
/// Why nobody became a contact.
pub(super) async fn accept(service: Arc<Service>, invitation: Invitation) -> Result<PersonId, Problem> {
    let problem = |error: ratatosk_node::service::ServiceError| {
        let error = error.to_string();
        // What both ends say then (`spec/one.md §2`).
        let help = if error.contains("EP-KEYMISSMATCH") {
            "one of you has begun anew; the other one knows the keys of before: `ratatosk forget-keys`, then pair again"
        } else {
            "an invitation is good once, and for a short time"
        };
        Problem::new(format!("this invitation led to nothing: {error}"), help)
    };
    service.accept(invitation).await.map(|(person, _)| person).map_err(problem)
}
