//! Dials a peer, through a CommServer or straight to it.

use super::events::NoticeKind;
use super::limited::Budget;
use super::news::News;
use super::session::Session;
use super::task;
use super::{DriverError, Environment, now, os_entropy, socket};
use crate::backoff::Backoff;
use crate::connection::{Connection, Connector};
use crate::phase::{Phase, Role};

/// Whom to dial, and where.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// The CommServer's URL, or the peer's own for a direct connection.
    pub url: String,
    /// Our key and the peer's.
    pub connector: Connector,
}

/// One attempt.
///
/// # Errors
///
/// [`DriverError::Url`], or [`DriverError::Connection`] with the phase and the cause.
pub async fn connect(environment: &Environment, config: &ConnectorConfig) -> Result<Session, DriverError> {
    attempt(environment, config, News::new(&environment.events, Role::Initiator)).await
}

/// Tries until it succeeds. Drop the future to stop.
///
/// # Errors
///
/// Only what another attempt cannot mend: a URL that is none, a key that is refused for good.
pub async fn connect_until_successful(
    environment: &Environment,
    config: &ConnectorConfig,
    mut backoff: Backoff,
) -> Result<Session, DriverError> {
    loop {
        let news = News::new(&environment.events, Role::Initiator);
        let connection = news.connection();
        match attempt(environment, config, news).await {
            Err(DriverError::Connection(error)) if !error.cause.is_final() => {
                let delay = backoff.next(os_entropy().as_mut());
                let failed = error.phase.unwrap_or(Phase::Connect);
                let kind = NoticeKind::Retrying { delay, failed };
                environment.events.publish(connection, Role::Initiator, &kind);
                tokio::time::sleep(delay).await;
            }
            other => return other,
        }
    }
}

async fn attempt(environment: &Environment, config: &ConnectorConfig, news: News) -> Result<Session, DriverError> {
    let target = socket::target(&config.url)?;
    let id = news.connection();
    let machine = Connection::connect(now(), config.connector.clone(), environment.config.clone(), os_entropy());
    let deadlines = environment.config.deadlines.clone();
    let budget = Budget::new();
    let mut task = task::open(machine, news, deadlines, budget.clone(), socket::open(&target, budget)).await?;
    let peers = task.establish().await?;
    Ok(Session::start(id, task, &peers))
}
