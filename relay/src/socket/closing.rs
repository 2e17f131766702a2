//! The end of a socket: closing handshake, then the connection.

use std::future::poll_fn;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

use super::{Data, Ended, Socket, Stall};
use crate::session::{Close, Timeouts, Timer};

impl Socket {
    /// Closes: what is queued and the close frame go out, and the client answers, all within [`Timer::Close`].
    pub(crate) async fn close(mut self, close: Close, timeouts: &Timeouts) {
        let handshake = async {
            if self.send_close(Some(close)).await {
                self.linger().await;
            }
        };
        let _ = timeout(timeouts.of(Timer::Close), handshake).await;
    }

    /// Closes behind data that a slow client may take its time to read; only [`Timer::Stall`] and
    /// [`Timer::Delivery`] end that. Then it has
    /// [`Timer::Close`] to answer. `None` is a close frame without a code.
    pub(crate) async fn close_behind_data(mut self, close: Option<Close>, timeouts: &Timeouts) {
        let mut stall = Stall::new(timeouts);
        if self.queue_close(close) && poll_fn(|cx| stall.poll_flush(cx, &mut self)).await.is_ok() {
            let _ = timeout(timeouts.of(Timer::Close), self.linger()).await;
        }
    }

    /// Ends, within [`Timer::Close`], a socket that has ended at the client's side: answers its close, or tells it what
    /// it did wrong.
    pub(crate) async fn finish(mut self, ended: &Ended, timeouts: &Timeouts) {
        let handshake = async {
            if matches!(ended, Ended::Closed { .. }) {
                self.linger().await;
            } else if let Some(code) = ended.answer()
                && self.send_close(Some(Close { code, reason: String::new() })).await
            {
                self.drain().await;
            }
        };
        let _ = timeout(timeouts.of(Timer::Close), handshake).await;
    }

    async fn send_close(&mut self, close: Option<Close>) -> bool {
        self.queue_close(close) && self.flush().await.is_ok()
    }

    /// Puts a close frame behind everything that is queued.
    fn queue_close(&mut self, close: Option<Close>) -> bool {
        let frame =
            close.map(|close| CloseFrame { code: CloseCode::from(close.code), reason: close.reason.as_str().into() });
        self.queue(Data(Message::Close(frame))).is_ok()
    }

    /// Reads, to no purpose but the client's close frame, until the closing handshake is complete.
    async fn linger(&mut self) {
        poll_fn(|cx| {
            loop {
                match self.poll_frame(cx) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }

    /// Swallows bytes that can no longer be understood as frames. Closing a connection with unread bytes would reset
    /// it, and the client might never see why it was closed.
    async fn drain(&mut self) {
        if self.stream.shutdown().await.is_ok() {
            let mut scrap = vec![0; 16 * 1024];
            while let Ok(1..) = self.stream.read(&mut scrap).await {}
        }
    }
}
