//! One task per connection, from TCP accept to its end. Two become one when a spare is handed over: its task gives the
//! connection to that of the requester and ends.

mod arrival;
mod early;
mod handover;
mod handshake;
mod lane;
mod pair;
mod request;
mod requester;
mod spare;
#[cfg(test)]
mod testing;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::server::Stop;
use crate::session::{Cause, Close, Requesting, Timeouts, Timer};
use crate::socket::{Ended, Socket, Stream};
use crate::switchboard::{Seat, Switchboard};
use crate::tls::Acceptor;
pub(crate) use arrival::locate;
use handshake::Outcome;

/// A connection after the upgrade.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Tells the connections of a process apart in its log.
    id: u64,
    socket: Socket,
    seat: Seat,
}

impl Conn {
    /// Closes for a reason of our own.
    async fn close(mut self, close: Close, timeouts: &Timeouts) {
        self.seat.close(close.cause);
        // Not the reason: it may quote what a client has said.
        tracing::debug!(conn = self.id, cause = close.cause.name(), "closing");
        let in_time = self.socket.close(close, timeouts).await;
        self.seat.closed(in_time);
    }

    /// Closes half of a pair, behind what it still has to read; `None` is a close without a code.
    async fn close_behind_data(mut self, close: Option<Close>, timeouts: &Timeouts) {
        let cause = close.as_ref().map_or(Cause::Shutdown, |close| close.cause);
        self.seat.close(cause);
        tracing::debug!(conn = self.id, cause = cause.name(), "closing");
        let in_time = self.socket.close_behind_data(close, timeouts).await;
        self.seat.closed(in_time);
    }

    /// Ends what the client has ended.
    async fn finish(mut self, ended: &Ended, timeouts: &Timeouts) {
        self.seat.close(ended.cause());
        tracing::debug!(conn = self.id, how = ended.name(), "the client has ended the connection");
        let in_time = self.socket.finish(ended, timeouts).await;
        self.seat.closed(in_time);
    }

    /// Ends without a closing handshake what cannot be told anything.
    fn abandon(mut self, cause: Cause) {
        tracing::debug!(conn = self.id, cause = cause.name(), "abandoned");
        self.seat.close(cause);
    }
}

/// A connection as it was accepted.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    /// The other end of `stream`.
    pub(crate) peer: IpAddr,
    /// What makes a TLS connection of it, if it must be one.
    pub(crate) tls: Option<Acceptor>,
}

/// Serves one client until it or the relay goes. If it is not located yet, its peer is a proxy that will say where it is.
pub(crate) async fn serve(board: Arc<Switchboard>, seat: Seat, arrival: Arrival, mut stop: Stop) {
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let deadline = Instant::now() + board.config().timeouts.of(Timer::Handshake);
    tracing::debug!(conn = id, "accepted");
    // A spare may stay for days. What the steps before it need on their way is boxed, so that it is freed.
    let outcome = Box::pin(handshake::run(&board, seat, id, arrival, deadline, &mut stop)).await;
    match outcome {
        Outcome::Ended => {}
        Outcome::Listener(conn, authenticated) => spare::run(&board, conn, authenticated, &mut stop).await,
        Outcome::Connector(conn, requesting) => {
            Box::pin(connect(&board, conn, requesting, deadline, &mut stop)).await;
        }
    }
    tracing::debug!(conn = id, "done");
}

/// Finds a spare for a connector, and relays.
async fn connect(board: &Switchboard, conn: Box<Conn>, requesting: Requesting, deadline: Instant, stop: &mut Stop) {
    let found = Box::pin(request::run(board, *conn, requesting, deadline, stop)).await;
    if let Some(pair) = found {
        let config = board.config();
        pair.run(&config.timeouts, stop).await;
    }
}
