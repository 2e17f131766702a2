//! Settings that are read again while the program runs.

use ratatosk_relay::{LogControl, Server};

use crate::logging::Log;
use crate::settings::{CommandLine, Loaded};

/// The settings in force, and how to come by others.
pub(crate) struct Reload<'a> {
    line: &'a CommandLine,
    /// What the program was started with: some settings stay like that.
    started: Loaded,
    /// What was read last; `None` is the same.
    last: Option<Loaded>,
}

impl<'a> Reload<'a> {
    /// At the start.
    pub(crate) fn new(line: &'a CommandLine, started: Loaded) -> Self {
        Self { line, started, last: None }
    }

    /// The settings that were read last.
    pub(crate) fn current(&self) -> &Loaded {
        self.last.as_ref().unwrap_or(&self.started)
    }

    /// Reads everything again. What cannot work changes nothing.
    pub(crate) fn run(&mut self, server: &Server, log: &Log) {
        let new = match Loaded::from(self.line) {
            Ok(new) => new,
            Err(problems) => {
                server.count_failed_reload();
                tracing::error!(reason = %problems, "the settings were not read again; the old ones stay in force");
                return;
            }
        };
        if let Err(error) = server.reconfigure(new.config()) {
            tracing::error!(reason = %error, "the settings were not read again; the old ones stay in force");
            return;
        }
        // What was changed over the ops listener stays, unless the setting is another now.
        if new.log_filter() != self.current().log_filter()
            && let Err(error) = log.set_filter(new.log_filter())
        {
            tracing::error!(reason = %error, "the log filter stays as it was");
        }
        let changed = new.followed(self.current()).join(", ");
        tracing::info!(changed = if changed.is_empty() { "none" } else { &changed }, "the settings were read again");
        let waiting = new.waiting(&self.started).join(", ");
        if !waiting.is_empty() {
            tracing::warn!(settings = %waiting, "these settings have changed and need a restart");
        }
        self.last = Some(new);
    }
}
