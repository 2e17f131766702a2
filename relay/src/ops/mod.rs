//! The listener for operators: health, metrics, a page for people, the log level. Separate from the one for clients, on
//! loopback unless told otherwise, and bounded like it: few connections, small requests, one deadline each.
//!
//! It works for as long as its handle lives, also while the relay drains.

mod page;
mod route;
mod serve;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::View;

/// The log of the program, as far as it can be changed while it runs.
pub trait LogControl: Send + Sync + 'static {
    /// What is logged at the moment, as [`Self::set_filter`] takes it.
    fn filter(&self) -> String;

    /// Logs something else from now on.
    ///
    /// # Errors
    ///
    /// What is wrong with `filter`.
    fn set_filter(&self, filter: &str) -> Result<(), String>;
}

/// What the answers are made from.
pub(crate) struct Sources {
    pub(crate) view: View,
    pub(crate) log: Arc<dyn LogControl>,
    pub(crate) started: Instant,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// A running ops listener. Dropping it ends it.
#[derive(Debug)]
pub struct Ops {
    local_addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Ops {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// What the operating system says about listening at `address`.
    pub async fn bind(address: SocketAddr, view: View, log: Arc<dyn LogControl>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local_addr = listener.local_addr()?;
        let sources = Arc::new(Sources { view, log, started: Instant::now() });
        Ok(Self { local_addr, task: tokio::spawn(serve::run(listener, sources)) })
    }

    /// Where it listens, with the port that it really has.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for Ops {
    fn drop(&mut self) {
        self.task.abort();
    }
}
