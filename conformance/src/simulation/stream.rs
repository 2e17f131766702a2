//! The two ends of a TCP connection of the virtual network: the relay's, for tokio, and a peer's, which never waits.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pipe::{Ending, Link, Pipe, Reader};

/// The relay's end.
#[derive(Debug)]
pub(super) struct RelayStream(pub(super) Arc<Link>);

impl AsyncRead for RelayStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut wires = self.0.wires();
        if !wires.up.arrived.is_empty() {
            let bytes = wires.up.read(buffer.remaining());
            buffer.put_slice(&bytes);
            self.0.touch(&mut wires);
            return Poll::Ready(Ok(()));
        }
        match wires.up.over {
            Some(Ending::Fin) => Poll::Ready(Ok(())),
            Some(Ending::Reset) => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            None => {
                wires.up.wake_reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for RelayStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut wires = self.0.wires();
        if is_broken(&wires.up, &wires.down) {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let taken = wires.down.write(bytes);
        if taken == 0 && !bytes.is_empty() {
            wires.down.wake_writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.0.touch(&mut wires);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wires = self.0.wires();
        wires.down.end(Ending::Fin);
        self.0.touch(&mut wires);
        Poll::Ready(Ok(()))
    }
}

/// Whether a write fails: the other end has reset the connection, or this one has ended its direction.
fn is_broken(back: &Pipe, own: &Pipe) -> bool {
    back.over == Some(Ending::Reset) || own.ending.is_some() || own.ended
}

impl Drop for RelayStream {
    fn drop(&mut self) {
        let mut wires = self.0.wires();
        // A machine that is down says nothing.
        if wires.up.reader == Reader::There {
            wires.up.reader = Reader::Gone;
            // Who closes with something unread resets the connection.
            let ending = if wires.up.arrived.is_empty() { Ending::Fin } else { Ending::Reset };
            wires.down.end(ending);
        }
        wires.up.arrived.clear();
        self.0.touch(&mut wires);
    }
}

/// A peer's end.
#[derive(Debug)]
pub(super) struct PeerStream {
    pub(super) link: Arc<Link>,
    /// Bytes that may be read at present, for one that reads slowly.
    pub(super) allowance: Option<usize>,
}

impl Read for PeerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wires = self.link.wires();
        if !wires.down.arrived.is_empty() {
            let most = buffer.len().min(self.allowance.unwrap_or(usize::MAX));
            if most == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let bytes = wires.down.read(most);
            buffer[..bytes.len()].copy_from_slice(&bytes);
            if let Some(allowance) = &mut self.allowance {
                *allowance -= bytes.len();
            }
            return Ok(bytes.len());
        }
        match wires.down.over {
            Some(Ending::Fin) => Ok(0),
            Some(Ending::Reset) => Err(ErrorKind::ConnectionReset.into()),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for PeerStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wires = self.link.wires();
        if is_broken(&wires.down, &wires.up) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        match wires.up.write(bytes) {
            0 if !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            taken => {
                self.link.touch(&mut wires);
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PeerStream {
    fn drop(&mut self) {
        let mut wires = self.link.wires();
        if wires.down.reader == Reader::There {
            wires.down.reader = Reader::Gone;
            let ending = if wires.down.arrived.is_empty() { Ending::Fin } else { Ending::Reset };
            wires.up.end(ending);
        }
        self.link.touch(&mut wires);
    }
}
