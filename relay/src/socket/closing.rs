//! The end of a socket: closing handshake, then the connection.

use std::future::poll_fn;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Ended, NotWritten, Socket, Stall};
use crate::frame::{Closing, Opcode};
use crate::session::{Close, Timeouts, Timer};

impl Socket {
    /// Closes: what is queued and the close frame go out, and the client answers, all within [`Timer::Close`]. `false` if
    /// it did not come to its end in time.
    pub(crate) async fn close(mut self, close: Close, timeouts: &Timeouts) -> bool {
        let handshake = async {
            if self.send_close(Some(close)).await {
                self.swallow().await;
                self.farewell().await;
            }
        };
        timeout(timeouts.of(Timer::Close), handshake).await.is_ok()
    }

    /// Closes behind data that a slow client may take its time to read; only [`Timer::Stall`] and
    /// [`Timer::Delivery`] end that. Then it has [`Timer::Close`] to answer. `None` is a close frame without a code. `false` if a timer ran out.
    pub(crate) async fn close_behind_data(mut self, close: Option<Close>, timeouts: &Timeouts) -> bool {
        let mut stall = Stall::new(timeouts);
        self.queue_close(close);
        match poll_fn(|cx| stall.poll_flush(cx, &mut self)).await {
            Ok(()) => {
                let end = async {
                    self.swallow().await;
                    self.farewell().await;
                };
                timeout(timeouts.of(Timer::Close), end).await.is_ok()
            }
            Err(NotWritten::Broken) => true,
            Err(NotWritten::Stalled) => false,
        }
    }

    /// Ends, within [`Timer::Close`], a socket that has ended at the client's side: answers its close, or tells it what
    /// it did wrong. `false` if that took too long.
    pub(crate) async fn finish(mut self, ended: &Ended, timeouts: &Timeouts) -> bool {
        let handshake = async {
            if matches!(ended, Ended::Closed { .. }) {
                // The answer is queued already. Nobody is left to tell if it cannot be written.
                let _ = self.flush().await;
                self.farewell().await;
            } else if let Some(code) = ended.answer()
                && self.send_close(Some(Close::violation(code))).await
            {
                self.drain().await;
            }
        };
        timeout(timeouts.of(Timer::Close), handshake).await.is_ok()
    }

    async fn send_close(&mut self, close: Option<Close>) -> bool {
        self.queue_close(close);
        self.flush().await.is_ok()
    }

    /// Puts a close frame behind everything that is queued.
    fn queue_close(&mut self, close: Option<Close>) {
        let (code, reason) = close.map_or((None, String::new()), |close| (Some(close.code), close.reason));
        self.queue_frame(Opcode::Close, &Closing { code, reason }.payload());
    }

    /// Says that nothing more comes, where the end of the connection does not say it well enough: without TLS's
    /// close_notify it might have been somebody else's doing.
    async fn farewell(&mut self) {
        if self.stream.has_farewell() {
            // Nobody is left to tell if it cannot be written.
            let _ = self.stream.shutdown().await;
        }
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
