//! What happens, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{self, KeepAlive};
use futures_util::{Stream, stream};

use super::Daemon;
use crate::api::types::{ErrorBody, Event};
use crate::daemon::Listening;

/// How often something is sent if nothing happens.
const ALIVE: Duration = Duration::from_secs(15);

/// What happens, from `ready` on: `event:` is the type, `data:` an Event as JSON. Nothing is repeated after an interruption, and who
/// is too slow is told `lagged`: what matters then has to be fetched again.
#[utoipa::path(
    get, path = "/v1/events", tag = "daemon",
    responses(
        (status = 200, content_type = "text/event-stream", body = Event),
        (status = "default", description = "why not", body = ErrorBody),
    ),
)]
pub(in super::super) async fn events(State(core): Daemon) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let first = Some(Arc::new(Event::Ready));
    let stream = stream::unfold((first, Some(core.hub.listen())), next);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE))
}

type Place = (Option<Arc<Event>>, Option<Listening>);

async fn next((first, listening): Place) -> Option<(Result<sse::Event, Infallible>, Place)> {
    let mut listening = listening?;
    let event = match first {
        Some(event) => event,
        None => listening.next().await?,
    };
    // JSON has no line ends that could end the event.
    let data = serde_json::to_string(&*event).unwrap_or_default();
    let told = sse::Event::default().event(event.name()).data(data);
    let more = (*event != Event::Stopping).then_some(listening);
    Some((Ok(told), (None, more)))
}
