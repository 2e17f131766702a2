//! From TCP accept to a proven registration or a valid request, within one deadline.

use std::net::IpAddr;
use std::sync::Arc;

use ratatosk_protocol::message::Payload;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::arrival::{Announced, announced, gate};
use super::{Arrival, Conn};
use crate::admission;
use crate::metrics::Step;
use crate::server::Stop;
use crate::session::{
    Authenticated, Cause, Challenged, Close, First, Fresh, HANDSHAKE_TIMED_OUT, QUEUE_LEN, Register, Requesting, Timer,
};
use crate::socket::{Ended, Incoming, Socket, Stream};
use crate::switchboard::{Seat, Switchboard};
use crate::tls::Acceptor;
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
    arrival: Arrival,
    deadline: Instant,
    stop: &mut Stop,
) -> Outcome {
    let Arrival { mut stream, peer, tls } = arrival;
    match announced(board, &mut seat, &mut stream, peer, deadline, stop).await {
        Announced::Go => {}
        Announced::Ended => return Outcome::Ended,
        Announced::Refused(rejection) if tls.is_some() => {
            // Nobody has begun to speak TLS, and without it there are no words.
            seat.close(rejection.cause());
            return Outcome::Ended;
        }
        Announced::Refused(rejection) => {
            turn_away(board, &mut seat, id, &mut stream, rejection, rejection.cause()).await;
            return Outcome::Ended;
        }
    }
    let Some(stream) = secure(board, &mut seat, id, stream, tls, deadline, stop).await else {
        return Outcome::Ended;
    };
    let Some(socket) = upgrade(board, &mut seat, id, stream, peer, deadline, stop).await else {
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

/// The TLS handshake, if there is to be one.
async fn secure(
    board: &Switchboard,
    seat: &mut Seat,
    id: u64,
    stream: Stream,
    tls: Option<Acceptor>,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Stream> {
    let (acceptor, wire) = match (tls, stream) {
        (Some(acceptor), Stream::Plain(wire)) => (acceptor, wire),
        (_, stream) => return Some(stream),
    };
    let cause = tokio::select! {
        result = acceptor.accept(wire) => match result {
            Ok(stream) => {
                seat.enter(Step::Upgrade);
                return Some(stream);
            }
            Err(failure) => {
                tracing::debug!(conn = id, %failure, "no TLS");
                seat.close(failure.cause());
                let _ = timeout(board.config().timeouts.of(Timer::Close), failure.finish()).await;
                return None;
            }
        },
        () = tokio::time::sleep_until(deadline) => Cause::Timeout,
        () = stop.draining() => Cause::Shutdown,
    };
    seat.close(cause);
    None
}

async fn upgrade(
    board: &Switchboard,
    seat: &mut Seat,
    id: u64,
    mut stream: Stream,
    peer: IpAddr,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Socket> {
    let (rejection, cause) = tokio::select! {
        biased;
        result = upgrade::accept(&mut stream, |fields| gate(board, seat, peer, fields)) => match result {
            Ok(rest) => return Some(Socket::new(stream, rest)),
            Err(UpgradeError::Rejected(rejection)) => (rejection, rejection.cause()),
            Err(error) => {
                tracing::debug!(conn = id, %error, "no WebSocket");
                seat.close(Cause::Aborted);
                return None;
            }
        },
        () = tokio::time::sleep_until(deadline) => (Rejection::TimedOut, Cause::Timeout),
        () = stop.draining() => (Rejection::Unavailable, Cause::Shutdown),
    };
    turn_away(board, seat, id, &mut stream, rejection, cause).await;
    None
}

/// Answers with an error, and gives that time to arrive.
async fn turn_away<S>(board: &Switchboard, seat: &mut Seat, id: u64, stream: &mut S, rejection: Rejection, cause: Cause)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tracing::debug!(conn = id, ?rejection, "no WebSocket");
    seat.close(cause);
    let _ = timeout(board.config().timeouts.of(Timer::Close), upgrade::reject(stream, rejection)).await;
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
            let authenticated = challenged.on_message(&answer)?;
            conn.seat.enter(Step::Registration);
            admit(board, conn, &authenticated, deadline, stop).await?;
            Ok(Who::Listener(authenticated))
        }
    }
}

/// Whether the relay wants a listener that has proven its key.
async fn admit(
    board: &Switchboard,
    conn: &Conn,
    authenticated: &Authenticated,
    deadline: Instant,
    stop: &mut Stop,
) -> Result<(), Failed> {
    let allowed = tokio::select! {
        biased;
        allowed = admission::may_register(board, conn.seat.address(), authenticated.key()) => allowed,
        () = tokio::time::sleep_until(deadline) => return Err(Close::timed_out(HANDSHAKE_TIMED_OUT).into()),
        () = stop.draining() => return Err(Close::stopping().into()),
    };
    if allowed { Ok(()) } else { Err(Close::denied().into()) }
}

fn challenge(board: &Switchboard, conn: &mut Conn, register: Register) -> Result<Challenged, Failed> {
    if let Err(limit) = board.may_begin_registration(&conn.seat) {
        return Err(register.on_limit(limit).into());
    }
    let (challenged, send) = register.on_queue(queued(conn), board.identity(), board.entropy().as_mut())?;
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
