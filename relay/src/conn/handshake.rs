//! From TCP accept to a proven registration or a valid request, within one deadline.

use std::sync::Arc;

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::Payload;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::Conn;
use crate::metrics::Step;
use crate::server::Stop;
use crate::session::{
    Authenticated, Cause, Challenged, Close, First, Fresh, HANDSHAKE_TIMED_OUT, QUEUE_LEN, Register, Requesting, Timer,
};
use crate::socket::{Ended, Incoming, Socket};
use crate::switchboard::{Seat, Switchboard};
use crate::upgrade::{self, Rejection, UpgradeError};

/// What a client turns out to be.
pub(super) enum Outcome {
    /// Gone.
    Ended,
    /// A listener that owns its key.
    Listener(Box<Conn>, Authenticated),
    /// A connector with a request in order.
    Connector(Box<Conn>, Requesting),
}

pub(super) async fn run(
    board: &Arc<Switchboard>,
    mut seat: Seat,
    id: u64,
    stream: TcpStream,
    deadline: Instant,
    stop: &mut Stop,
) -> Outcome {
    let Some(socket) = upgrade(board, &mut seat, id, stream, deadline, stop).await else {
        return Outcome::Ended;
    };
    seat.enter(Step::FirstMessage);
    let config = board.config();
    let mut conn = Conn { id, socket, seat };
    match converse(board, &mut conn, deadline, stop).await {
        Ok(Who::Listener(authenticated)) => Outcome::Listener(Box::new(conn), authenticated),
        Ok(Who::Connector(requesting)) => Outcome::Connector(Box::new(conn), requesting),
        Err(Failed::Close(close)) => {
            conn.close(close, &config.timeouts).await;
            Outcome::Ended
        }
        Err(Failed::Ended(ended)) => {
            conn.finish(&ended, &config.timeouts).await;
            Outcome::Ended
        }
    }
}

async fn upgrade(
    board: &Switchboard,
    seat: &mut Seat,
    id: u64,
    mut stream: TcpStream,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Socket> {
    let (rejection, cause) = tokio::select! {
        result = upgrade::accept(&mut stream) => match result {
            Ok(rest) => return Some(Socket::new(stream, rest)),
            Err(error) => {
                tracing::debug!(conn = id, %error, "no WebSocket");
                seat.close(match error {
                    UpgradeError::Io(_) => Cause::Aborted,
                    UpgradeError::Rejected(_) => Cause::Violation,
                });
                return None;
            }
        },
        () = tokio::time::sleep_until(deadline) => (Rejection::TimedOut, Cause::Timeout),
        () = stop.draining() => (Rejection::Unavailable, Cause::Shutdown),
    };
    tracing::debug!(conn = id, ?rejection, "no WebSocket");
    seat.close(cause);
    let _ = timeout(board.config().timeouts.of(Timer::Close), upgrade::reject(&mut stream, rejection)).await;
    None
}

enum Who {
    Listener(Authenticated),
    Connector(Requesting),
}

/// Why there is nobody to serve.
enum Failed {
    /// The relay closes.
    Close(Close),
    /// The client has.
    Ended(Ended),
}

impl From<Close> for Failed {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// The client's messages up to the one that makes it a listener or a connector.
async fn converse(board: &Switchboard, conn: &mut Conn, deadline: Instant, stop: &mut Stop) -> Result<Who, Failed> {
    let first = next(conn, deadline, stop).await?;
    match Fresh.on_message(&first) {
        // What comes behind a request is for the listener, in any number.
        First::Request(requesting) => Ok(Who::Connector(requesting)),
        First::Refused(refused) => Err(refused.on_queue(queued(conn)).into()),
        First::Register(register) => {
            let challenged = challenge(board, conn, register)?;
            let answer = next(conn, deadline, stop).await?;
            Ok(Who::Listener(challenged.on_message(&answer)?))
        }
    }
}

fn challenge(board: &Switchboard, conn: &mut Conn, register: Register) -> Result<Challenged, Failed> {
    if let Err(limit) = board.may_begin_registration(&conn.seat) {
        return Err(register.on_limit(limit).into());
    }
    let (challenged, send) = register.on_queue(queued(conn), board.identity(), &mut OsEntropy)?;
    conn.seat.enter(Step::Authentication);
    conn.socket.queue(&send);
    Ok(challenged)
}

/// Counts what the client has sent behind its first message, as far as it is here already: what comes together is
/// looked at together.
fn queued(conn: &mut Conn) -> usize {
    conn.socket.read_ahead(QUEUE_LEN + 1)
}

/// The next message, unless something else comes first.
async fn next(conn: &mut Conn, deadline: Instant, stop: &mut Stop) -> Result<Payload, Failed> {
    tokio::select! {
        // The socket last: who sends WebSocket pings without a pause keeps it busy, and buys no time with that.
        biased;
        () = tokio::time::sleep_until(deadline) => Err(Close::timed_out(HANDSHAKE_TIMED_OUT).into()),
        () = stop.draining() => Err(Close::stopping().into()),
        incoming = conn.socket.recv() => match incoming {
            Incoming::Message(payload) => Ok(payload),
            Incoming::Ended(ended) => Err(Failed::Ended(ended)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::super::testing::flooded;
    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_the_deadline() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (_stage, mut stop) = Stop::new();
        let result = next(&mut conn, Instant::now() - Duration::from_secs(1), &mut stop).now_or_never();
        assert!(matches!(result, Some(Err(Failed::Close(close))) if close.reason.starts_with("Terminate called: ")));
    }

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_a_stop() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (stage, mut stop) = Stop::new();
        drop(stage);
        let result = next(&mut conn, Instant::now() + Duration::from_secs(60), &mut stop).now_or_never();
        assert!(matches!(result, Some(Err(Failed::Close(close))) if close.reason == "Close called."));
    }
}
