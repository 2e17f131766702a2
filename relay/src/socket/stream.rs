//! What a WebSocket runs over: TCP, with TLS or without.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Wire;
#[cfg(feature = "tls")]
use crate::tls::Secured;

/// A connection that somebody else has made.
pub trait Duplex: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Duplex for S {}

/// What a WebSocket runs over.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP alone.
    Plain(Wire<TcpStream>),
    /// Whatever was handed to the relay.
    Handed(Wire<Box<dyn Duplex>>),
    /// TLS over TCP. What it takes may wait in there until it is flushed; how much that can be is bounded.
    #[cfg(feature = "tls")]
    Tls(Box<Secured>),
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self::Plain(Wire::new(tcp))
    }
}

impl From<Box<dyn Duplex>> for Stream {
    fn from(handed: Box<dyn Duplex>) -> Self {
        Self::Handed(Wire::new(handed))
    }
}

impl Stream {
    /// Bytes that the operating system has taken so far; with TLS they are more than what was written here, and later.
    pub(crate) fn written(&self) -> u64 {
        match self {
            Self::Plain(wire) => wire.written(),
            Self::Handed(wire) => wire.written(),
            #[cfg(feature = "tls")]
            Self::Tls(secured) => secured.get_ref().0.wire().written(),
        }
    }

    /// Whether there is something to say at the end of the connection.
    pub(crate) fn has_farewell(&self) -> bool {
        !matches!(self, Self::Plain(_) | Self::Handed(_))
    }
}

/// Calls the same method of what is inside.
macro_rules! inner {
    ($this:expr, $method:ident ( $($argument:expr),* )) => {
        match &mut *$this {
            Stream::Plain(wire) => Pin::new(wire).$method($($argument),*),
            Stream::Handed(wire) => Pin::new(wire).$method($($argument),*),
            #[cfg(feature = "tls")]
            Stream::Tls(secured) => Pin::new(secured).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(wire) => Pin::new(wire).poll_read(cx, buffer),
            Self::Handed(wire) => Pin::new(wire).poll_read(cx, buffer),
            #[cfg(feature = "tls")]
            Self::Tls(secured) => poll_records(Pin::new(secured), cx, buffer),
        }
    }
}

/// Reads the records that are here, as one: they are passed on as one as well. An end that comes behind data, of whatever
/// kind, comes again on the next read.
#[cfg(feature = "tls")]
fn poll_records(
    mut secured: Pin<&mut Secured>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let before = buffer.filled().len();
    while buffer.remaining() > 0 {
        let seen = buffer.filled().len();
        let read = secured.as_mut().poll_read(cx, buffer);
        let goes_on = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() > seen;
        if !goes_on {
            return if seen > before { Poll::Ready(Ok(())) } else { read };
        }
    }
    Poll::Ready(Ok(()))
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inner!(self, poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_shutdown(cx))
    }
}
