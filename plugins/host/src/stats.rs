//! What plugins do and how long it takes them, counted over all connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ratatosk_protocol::plugin::{Context, Form, Incoming, Layer, Outgoing, Plugin, PluginError};

/// One call in so many is timed, and stands for the others: two looks at a clock cost more than a short call does.
const SAMPLED: u32 = 16;
/// A message of so many bytes is always timed.
const LONG: usize = 4096;

/// The numbers of one plugin in one form.
#[derive(Debug, Default)]
pub struct Stats {
    connections: AtomicU64,
    calls: AtomicU64,
    nanos: AtomicU64,
    traps: AtomicU64,
    failures: AtomicU64,
}

impl Stats {
    /// Connections that it is part of now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Calls, for events and timers.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How long the calls took. Those for messages of 4 KiB and more are all timed, and the first of a connection; of the others
    /// one in sixteen is, and counts sixteen times.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Connections that ended because the plugin was ended: it trapped, panicked, took too long or broke a rule.
    #[must_use]
    pub fn traps(&self) -> u64 {
        self.traps.load(Ordering::Relaxed)
    }

    /// A connection ended because of the plugin.
    pub(crate) fn count(&self, broken: bool) {
        let count = if broken { &self.traps } else { &self.failures };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that it gave up, because of what came over them.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// One connection's share of the numbers.
#[derive(Debug)]
pub(crate) struct Share {
    stats: Arc<Stats>,
    /// Calls that were not timed since the last one that was; `None` before the first.
    untimed: Option<u32>,
    failed: bool,
}

/// A call that goes on.
pub(crate) struct Timed(Option<(Instant, u32)>);

impl Share {
    pub(crate) fn new(stats: Arc<Stats>) -> Self {
        stats.connections.fetch_add(1, Ordering::Relaxed);
        Self { stats, untimed: None, failed: false }
    }

    /// A call begins, for a message of that many bytes.
    pub(crate) fn begin(&mut self, len: usize) -> Timed {
        self.stats.calls.fetch_add(1, Ordering::Relaxed);
        if len >= LONG {
            return Timed(Some((Instant::now(), 1)));
        }
        let weight = match &mut self.untimed {
            // The first call does more than others: it is timed, and stands for itself alone.
            None => 1,
            Some(untimed) if *untimed + 1 < SAMPLED => {
                *untimed += 1;
                return Timed(None);
            }
            Some(_) => SAMPLED,
        };
        self.untimed = Some(0);
        Timed(Some((Instant::now(), weight)))
    }

    /// The call is over.
    pub(crate) fn end(&mut self, timed: &Timed) {
        if let Timed(Some((since, weight))) = timed {
            let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.stats.nanos.fetch_add(nanos.saturating_mul(u64::from(*weight)), Ordering::Relaxed);
        }
    }

    /// The connection is over because of the plugin. Counts once.
    pub(crate) fn failed(&mut self, broken: bool) {
        if !std::mem::replace(&mut self.failed, true) {
            self.stats.count(broken);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.stats.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A linked plugin that is counted.
pub(crate) struct Counted {
    plugin: Box<dyn Plugin>,
    share: Share,
}

impl Counted {
    pub(crate) fn new(plugin: Box<dyn Plugin>, stats: Arc<Stats>) -> Self {
        Self { plugin, share: Share::new(stats) }
    }

    fn count(
        &mut self,
        len: usize,
        call: impl FnOnce(&mut dyn Plugin) -> Result<(), PluginError>,
    ) -> Result<(), PluginError> {
        let timed = self.share.begin(len);
        let result = call(self.plugin.as_mut());
        self.share.end(&timed);
        if let Err(error) = &result {
            self.share.failed(error.broken);
        }
        result
    }
}

impl Plugin for Counted {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn layer(&self) -> Layer {
        self.plugin.layer()
    }

    fn form(&self) -> Form {
        self.plugin.form()
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        match event {
            Incoming::Message(message) => {
                self.count(message.len(), |plugin| plugin.incoming(cx, Incoming::Message(message)))
            }
            other => self.count(0, |plugin| plugin.incoming(cx, other)),
        }
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        match event {
            Outgoing::Message(message) => {
                self.count(message.len(), |plugin| plugin.outgoing(cx, Outgoing::Message(message)))
            }
            other @ Outgoing::Close(_) => self.count(0, |plugin| plugin.outgoing(cx, other)),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.plugin.deadline()
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        self.count(0, |plugin| plugin.timer(cx))
    }
}
