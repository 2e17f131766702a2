//! A byte stream that counts what is written and can be told to read only so much.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Wraps a stream.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    inner: S,
    written: u64,
    budget: Option<usize>,
}

impl<S> Metered<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, written: 0, budget: None }
    }

    /// Bytes that the operating system has taken so far. It stands still while the other side does not read.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether nothing more is read.
    pub(crate) fn budget_is_spent(&self) -> bool {
        self.budget == Some(0)
    }

    /// Reads at most `bytes` more; after that a read is pending for ever and wakes nobody, so whoever sets a budget has
    /// to wait for something else too, and has to poll again after lifting it with `None`.
    pub(crate) fn set_read_budget(&mut self, bytes: Option<usize>) {
        self.budget = bytes;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(budget) = self.budget else {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        };
        let length = budget.min(buf.remaining());
        if length == 0 {
            return Poll::Pending;
        }
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(length));
        let result = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        let filled = part.filled().len();
        buf.advance(filled);
        self.budget = Some(budget - filled);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = &result {
            self.written += *length as u64;
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_budget_stops_the_reading_until_it_is_lifted() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut near = Metered::new(near);
        far.write_all(b"abcdef").await.unwrap();
        near.set_read_budget(Some(4));
        let mut buffer = [0; 16];
        assert_eq!(near.read(&mut buffer).await.unwrap(), 4);
        assert!(near.budget_is_spent());
        assert!(near.read(&mut buffer).now_or_never().is_none());
        near.set_read_budget(None);
        assert_eq!(near.read(&mut buffer).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_was_written_is_counted() {
        let (_far, near) = tokio::io::duplex(4);
        let mut near = Metered::new(near);
        assert!(near.write_all(b"abcdef").now_or_never().is_none());
        assert_eq!(near.written(), 4);
    }
}
