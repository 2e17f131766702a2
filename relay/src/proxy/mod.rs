//! Where a client really is, when a proxy stands before the relay.
//!
//! Only proxies that the operator trusts are asked: by the header of the PROXY protocol, which comes before everything
//! else, or by the fields that they add to the upgrade request. What anybody else says about that is not even read.

mod fields;
mod header;

use std::io;
use std::net::IpAddr;
use std::sync::Once;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Config;
use crate::config::Proxies;
use crate::upgrade::{Fields, Rejection};
pub(crate) use fields::client;
pub(crate) use header::{FIXED_LEN, Fixed, HeaderError, MAX_LEN};

impl Proxies {
    /// Whether what `peer` says about its clients is believed.
    pub(crate) fn trust(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|network| network.contains(&peer))
    }
}

/// Why a proxy has not said whom it speaks for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// The connection ended or broke.
    #[error("the connection ended: {0}")]
    Io(#[from] io::Error),
    /// It said something else.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Reads the header with which a connection of a trusted proxy begins, and not one byte more. Gives where the client is;
/// that is the proxy itself, if it speaks for itself or does not know.
pub(crate) async fn read_header<S: AsyncRead + Unpin>(stream: &mut S, proxy: IpAddr) -> Result<IpAddr, ProxyError> {
    let mut fixed = [0; FIXED_LEN];
    stream.read_exact(&mut fixed).await?;
    let fixed = Fixed::parse(&fixed)?;
    let mut rest = [0; MAX_LEN - FIXED_LEN];
    let rest = rest.get_mut(..fixed.rest).ok_or(HeaderError::TooLong)?;
    stream.read_exact(rest).await?;
    Ok(fixed.source(rest)?.unwrap_or(proxy))
}

/// Where the client is whose request has come from `peer`: a trusted proxy, or one that was when it connected and now
/// speaks for itself alone.
///
/// # Errors
///
/// 400 for fields that contradict each other or cannot be understood.
pub(crate) fn forwarded_client(config: &Config, peer: IpAddr, fields: &Fields<'_>) -> Result<IpAddr, Rejection> {
    if !config.proxies.trust(peer) {
        return Ok(peer);
    }
    let (forwarded, x_forwarded_for) = (fields.bytes("Forwarded"), fields.bytes("X-Forwarded-For"));
    client(peer, forwarded, x_forwarded_for, |address| config.proxies.trust(address)).map_err(|error| {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::warn!(%error, "a request of a trusted proxy was refused; others are not mentioned"));
        Rejection::Malformed
    })
}

/// Tells the operator of a proxy that nobody has told the relay of.
pub(crate) fn watch_for_strangers(config: &Config, peer: IpAddr, fields: &Fields<'_>) {
    static ONCE: Once = Once::new();
    let speaks_for_others = || ["Forwarded", "X-Forwarded-For"].iter().any(|name| fields.bytes(name).next().is_some());
    if peer.to_canonical().is_loopback() && !config.proxies.trust(peer) && speaks_for_others() {
        ONCE.call_once(|| {
            tracing::warn!("a proxy on this machine is not in proxies.trusted: per-IP limits are off for its clients");
        });
    }
}

/// Tells the operator of a trusted proxy that does not speak the PROXY protocol as it should.
pub(crate) fn complain(error: &HeaderError) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::warn!(%error, "a trusted proxy does not begin with a header of the PROXY protocol"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_behind_the_header_is_left() {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f".to_vec();
        bytes.extend([192, 0, 2, 1, 1, 1, 1, 1, 0, 1, 0, 2, 4, 0, 0]);
        bytes.extend(b"GET /");
        let (mut stream, proxy) = (&bytes[..], "10.0.0.1".parse().unwrap());
        assert_eq!(read_header(&mut stream, proxy).await.unwrap().to_string(), "192.0.2.1");
        assert_eq!(stream, b"GET /");
        let half = read_header(&mut &bytes[..20], proxy).await;
        assert!(matches!(half, Err(ProxyError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof));
    }
}
