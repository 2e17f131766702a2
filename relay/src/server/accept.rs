//! Accepting connections, whatever the operating system says.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::metrics::Metrics;

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listener that never gives up. When the process has run out of something (files, memory), it waits for a while,
/// longer each time: trying again at once would only take the time that the existing connections need.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    metrics: Arc<Metrics>,
    pause: Duration,
    /// Not to be tried before.
    resume: Option<Instant>,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, metrics: &Arc<Metrics>) -> Self {
        Self { listener, metrics: Arc::clone(metrics), pause: SHORTEST_PAUSE, resume: None }
    }

    /// The next connection. Nothing is lost when the future is dropped.
    pub(crate) async fn accept(&mut self) -> (TcpStream, IpAddr) {
        loop {
            if let Some(resume) = self.resume {
                sleep_until(resume).await;
                self.resume = None;
            }
            match self.listener.accept().await {
                Ok((stream, client)) => {
                    self.pause = SHORTEST_PAUSE;
                    if let Err(error) = prepare(&stream) {
                        tracing::debug!(%error, "a connection ended before it was used");
                        self.metrics.accept_failed(&error);
                        continue;
                    }
                    return (stream, client.ip());
                }
                Err(error) if is_of_one_connection(&error) => {
                    tracing::debug!(%error, "a connection ended before it was accepted");
                    self.metrics.accept_failed(&error);
                }
                Err(error) => {
                    self.metrics.accept_failed(&error);
                    let pause = self.pause;
                    self.pause = (pause * 2).min(LONGEST_PAUSE);
                    tracing::warn!(%error, ?pause, "cannot accept connections; trying again after a pause");
                    self.resume = Some(Instant::now() + pause);
                }
            }
        }
    }
}

/// Errors that say something about one client and nothing about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// Frames are written as a whole, so waiting for more to send would only delay them. Keepalive finds out about clients
/// that have vanished from a pair in which nobody speaks: the protocol knows no ping there.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_of_the_process_make_the_listener_wait() {
        assert!(is_of_one_connection(&ErrorKind::ConnectionAborted.into()));
        // ENFILE and EMFILE on every Unix.
        for number in [23, 24] {
            assert!(!is_of_one_connection(&io::Error::from_raw_os_error(number)));
        }
    }
}
