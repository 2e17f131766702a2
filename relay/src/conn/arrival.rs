//! Where a client is, and whether anybody may come from there.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio::time::Instant;

use crate::registry::Limit;
use crate::server::Stop;
use crate::session::Cause;
use crate::switchboard::{Seat, Switchboard};
use crate::upgrade::{Fields, Rejection};
use crate::{admission, proxy};

/// The client of `seat` is at `address`.
///
/// # Errors
///
/// Why it may not stay, after the seat was told.
pub(crate) fn locate(board: &Switchboard, seat: &mut Seat, address: IpAddr) -> Result<(), Rejection> {
    if !admission::may_connect(board, address) {
        return Err(Rejection::Forbidden);
    }
    seat.locate(address).map_err(|limit: Limit| {
        tracing::debug!(%limit, "a connection was refused");
        Rejection::for_limit(limit)
    })
}

/// Looks at the request of a client that has come by way of `peer`.
pub(super) fn gate(board: &Switchboard, seat: &mut Seat, peer: IpAddr, fields: &Fields<'_>) -> Result<(), Rejection> {
    let config = board.config();
    proxy::watch_for_strangers(&config, peer, fields);
    if seat.address().is_none() {
        locate(board, seat, proxy::forwarded_client(&config, peer, fields)?)?;
    }
    let is_allowed = admission::may_come_from(board, fields.bytes("Origin"));
    if is_allowed { Ok(()) } else { Err(Rejection::Forbidden) }
}

/// What comes of the first bytes of a proxy.
pub(super) enum Announced {
    /// The client is located, or its request will say where it is.
    Go,
    /// It may not stay.
    Refused(Rejection),
    /// There is nobody to tell.
    Ended,
}

/// Reads what `peer`, if that is a trusted proxy, says about its client before everything else.
pub(super) async fn announced<S: AsyncRead + Unpin>(
    board: &Arc<Switchboard>,
    seat: &mut Seat,
    stream: &mut S,
    peer: IpAddr,
    deadline: Instant,
    stop: &mut Stop,
) -> Announced {
    if seat.address().is_some() || !board.config().proxies.protocol {
        return Announced::Go;
    }
    let result = tokio::select! {
        result = proxy::read_header(stream, peer) => result,
        () = tokio::time::sleep_until(deadline) => return ended(seat, Cause::Timeout),
        () = stop.draining() => return ended(seat, Cause::Shutdown),
    };
    match result {
        Ok(address) => locate(board, seat, if board.config().proxies.trust(peer) { address } else { peer })
            .map_or_else(Announced::Refused, |()| Announced::Go),
        Err(proxy::ProxyError::Io(_)) => ended(seat, Cause::Aborted),
        Err(proxy::ProxyError::Header(error)) => {
            proxy::complain(&error);
            ended(seat, Cause::Violation)
        }
    }
}

fn ended(seat: &mut Seat, cause: Cause) -> Announced {
    tracing::debug!(cause = cause.name(), "a proxy has not said whom it speaks for");
    seat.close(cause);
    Announced::Ended
}
