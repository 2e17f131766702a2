//! What happens at a daemon, for as long as one listens.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::time::{Instant, sleep};

use super::sse::{Parser, Raw};
use super::transport::{Answer, PATIENCE, whole};
use super::{Client, ClientError};
use crate::api::types::Event;

/// A stream on which nothing has come for so long is no stream any more: the daemon sends something every few seconds.
const QUIET: Duration = Duration::from_secs(90);
/// How long a daemon that has gone is looked for, and how often.
const SEARCH: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(250);

/// The events of a daemon. After an interruption it listens again by itself, and [`Event::Ready`] comes once more: then
/// whatever matters has to be fetched again.
pub struct Events {
    client: Client,
    stream: Option<Answer>,
    parser: Parser,
    waiting: VecDeque<Event>,
}

impl Client {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// If the daemon is not there, or does not want to.
    pub async fn events(&self) -> Result<Events, ClientError> {
        let stream = Some(self.listen().await?);
        Ok(Events { client: self.clone(), stream, parser: Parser::default(), waiting: VecDeque::new() })
    }

    async fn listen(&self) -> Result<Answer, ClientError> {
        let nothing = whole(Bytes::new());
        self.transport.begin(Method::GET, "/v1/events", "application/json", None, nothing, PATIENCE).await
    }
}

impl Events {
    /// The next one. Nothing is lost if this is not waited for to the end.
    ///
    /// # Errors
    ///
    /// That the daemon has gone and did not come back, or says what no daemon says.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            let Some(stream) = &mut self.stream else {
                self.stream = Some(self.again().await?);
                self.parser = Parser::default();
                continue;
            };
            match stream.piece(QUIET).await {
                Ok(Some(bytes)) => self.waiting.extend(self.parser.push(&bytes)?.iter().filter_map(understand)),
                Ok(None) | Err(ClientError::Gone(_) | ClientError::Silent) => self.stream = None,
                Err(error) => return Err(error),
            }
        }
    }

    async fn again(&self) -> Result<Answer, ClientError> {
        let end = Instant::now() + SEARCH;
        loop {
            match self.client.listen().await {
                Err(ClientError::Gone(_) | ClientError::Silent) if Instant::now() < end => sleep(PAUSE).await,
                done => return done,
            }
        }
    }
}

/// An event that this version knows; a newer daemon may tell others as well.
fn understand(raw: &Raw) -> Option<Event> {
    let event = serde_json::from_str(&raw.data);
    if let Err(error) = &event {
        tracing::debug!(%error, name = ?raw.name, "an event that is not understood");
    }
    event.ok()
}
