//! The end of a socket: closing handshake, then the connection.

use std::future::poll_fn;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use super::{Ended, FRAME_SLACK, Socket, Stall, WRITE_BATCH};
use crate::session::{Close, Timeouts, Timer};

impl Socket {
    /// Closes: what is queued goes out first, then the close frame, then the client has [`Timer::Close`] to answer.
    /// `None` is a close frame without a code.
    pub(crate) async fn close(mut self, close: Option<Close>, timeouts: &Timeouts) {
        if self.send_close(close, timeouts).await {
            self.linger(timeouts).await;
        }
    }

    /// Ends a socket that has ended at the client's side: answers its close, or tells it what it did wrong.
    pub(crate) async fn finish(mut self, ended: &Ended, timeouts: &Timeouts) {
        if matches!(ended, Ended::Closed { .. }) {
            self.linger(timeouts).await;
        } else if let Some(code) = ended.answer()
            && self.send_close(Some(Close { code, reason: String::new() }), timeouts).await
        {
            self.drain(timeouts).await;
        }
    }

    /// Queues a close frame behind everything else and writes it all.
    async fn send_close(&mut self, close: Option<Close>, timeouts: &Timeouts) -> bool {
        let frame =
            close.map(|close| CloseFrame { code: CloseCode::from(close.code), reason: close.reason.as_str().into() });
        self.make_room(WRITE_BATCH + FRAME_SLACK);
        let mut stall = Stall::new(timeouts.of(Timer::Stall));
        self.queue(super::Data(Message::Close(frame))).is_ok() && poll_fn(|cx| stall.poll_flush(cx, self)).await.is_ok()
    }

    /// Reads, to no purpose but the client's close frame, until the closing handshake is complete.
    async fn linger(&mut self, timeouts: &Timeouts) {
        let complete = poll_fn(|cx| {
            loop {
                match self.poll_frame(cx) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        let _ = timeout(timeouts.of(Timer::Close), complete).await;
    }

    /// Swallows bytes that can no longer be understood as frames. Closing a connection with unread bytes would reset
    /// it, and the client might never see why it was closed.
    async fn drain(&mut self, timeouts: &Timeouts) {
        let swallow = async {
            self.stream.shutdown().await?;
            let mut scrap = vec![0; 16 * 1024];
            while self.stream.read(&mut scrap).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let _ = timeout(timeouts.of(Timer::Close), swallow).await;
    }
}
