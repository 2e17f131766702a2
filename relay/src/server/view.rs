//! What can be seen of a relay from outside, also while it stops.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::stop::Stop;
use crate::metrics::{Metrics, Now, Reload};
use crate::switchboard::{Snapshot, Switchboard};
use crate::tls::Tls;
use crate::{Config, ConfigError};

/// A look at a running relay. It keeps nothing alive but numbers.
#[derive(Clone, Debug)]
pub struct View {
    board: Arc<Switchboard>,
    stop: Stop,
    supervisor: AbortHandle,
    tls: Option<Arc<Tls>>,
}

impl View {
    pub(super) fn new(board: &Arc<Switchboard>, stop: &Stop, supervisor: AbortHandle, tls: Option<Arc<Tls>>) -> Self {
        Self { board: Arc::clone(board), stop: stop.clone(), supervisor, tls }
    }

    /// How many of everything there are.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.board.snapshot()
    }

    /// Whether there is a relay: its task has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.supervisor.is_finished()
    }

    /// Whether the relay has been told to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.stop.is_draining()
    }

    /// Every metric, in the text format of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.board.metrics().render(&self.now())
    }

    /// Connections by state, as in the metric of that name.
    #[must_use]
    pub fn states(&self) -> [(&'static str, usize); 5] {
        self.now().states()
    }

    pub(super) fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        if let Err(error) = config.validate() {
            self.board.metrics().reloaded(Reload::Error);
            return Err(error);
        }
        if let (Some(tls), Some(files)) = (&self.tls, &config.tls) {
            tls.follow(files);
        }
        self.board.set_config(config);
        self.board.metrics().reloaded(Reload::Ok);
        Ok(())
    }

    pub(crate) fn metrics_of(&self) -> &Arc<Metrics> {
        self.board.metrics()
    }

    fn now(&self) -> Now {
        Now { snapshot: self.snapshot(), timeouts: self.board.config().timeouts, draining: self.is_draining() }
    }
}
