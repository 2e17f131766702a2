//! Reading ahead of rustls, which asks for 4 KiB at a time.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::socket::Wire;

/// Bytes that are read at once while there is traffic.
const READ: usize = 64 * 1024;

/// A TCP connection that is read in large pieces while much comes in. Without traffic it keeps no buffer.
#[derive(Debug)]
pub(crate) struct Ahead {
    wire: Wire<TcpStream>,
    /// What was read, and asked for up to `at`.
    bytes: Vec<u8>,
    at: usize,
    /// The last read has brought all that it had room for.
    busy: bool,
}

impl Ahead {
    pub(super) fn new(wire: Wire<TcpStream>) -> Self {
        Self { wire, bytes: Vec::new(), at: 0, busy: false }
    }

    /// The connection itself.
    pub(crate) fn wire(&self) -> &Wire<TcpStream> {
        &self.wire
    }

    /// Gives what is here already.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = buffer.remaining().min(self.bytes.len() - self.at);
        buffer.put_slice(&self.bytes[self.at..self.at + length]);
        self.at += length;
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        }
    }

    /// Reads a large piece.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.wire.tcp().poll_read_ready(cx))?;
            self.bytes.reserve_exact(READ);
            match self.wire.tcp().try_read_buf(&mut self.bytes) {
                Ok(length) => {
                    self.busy = length >= READ;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncRead for Ahead {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.bytes.is_empty() {
            self.give(buffer);
            return Poll::Ready(Ok(()));
        }
        let read = if self.busy {
            self.poll_fill(cx).map_ok(|()| self.give(buffer))
        } else {
            let read = Pin::new(&mut self.wire).poll_read(cx, buffer);
            self.busy = buffer.remaining() == 0;
            read
        };
        if read.is_pending() {
            (self.bytes, self.busy) = (Vec::new(), false);
        }
        read
    }
}

impl AsyncWrite for Ahead {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
