//! The stages of a run: trouble, healing, calm, and the end; and what must hold in each.

use std::time::Duration;

use futures_util::FutureExt;
use ratatosk_protocol::phase::Phase;
use ratatosk_relay::Snapshot;
use ratatosk_relay::registry::Phase as At;

use super::pipe::Millis;
use super::record::Owner;
use super::world::{Event, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Faults happen.
    Trouble,
    /// No more faults; who is in trouble gets out of it.
    Healed,
    /// Nobody begins anything new.
    Quiet,
    /// Everybody must be well.
    Probing { drains: bool },
    /// Everybody goes, in good order.
    Leaving { drains: bool },
    /// Nobody is left.
    Over,
}

impl Stage {
    pub(super) fn has_trouble(self) -> bool {
        self == Self::Trouble
    }

    /// Whether connectors begin connections.
    pub(super) fn connects(self) -> bool {
        self <= Self::Healed
    }
}

/// From the healing to the last new connection.
const ACTIVE: Millis = 20_000;
/// Until operating systems have given up what is dead, and a little more.
const SETTLING: Millis = 240_000;
/// For the probes.
const PROBING: Millis = 45_000;
/// For the goodbyes, with all their deadlines.
const LEAVING: Millis = 60_000;
/// How long a stopping relay lets pairs go on.
const DRAIN: Millis = 2_000;
/// The relay's deadline from accept to registered or paired, the closing handshake, and a little more for a close that
/// begins in the last moment.
const HANDSHAKE: Millis = 10_000 + 5_000 + 10;
/// What a machine may be late: a timer goes off in the next whole millisecond.
const LATE: Millis = 2;

impl World<'_> {
    pub(super) fn next_stage(&mut self) {
        let next = match self.stage {
            Stage::Trouble => {
                self.heal();
                (Stage::Healed, ACTIVE)
            }
            Stage::Healed => {
                self.hush();
                (Stage::Quiet, SETTLING + self.plan.longest_pause())
            }
            Stage::Quiet => {
                self.check_calm();
                let drains = self.chance.percent(30);
                self.stage = Stage::Probing { drains };
                for listener in 0..self.listeners.len() {
                    self.probe(listener);
                }
                (self.stage, PROBING)
            }
            Stage::Probing { drains } => {
                self.check_probes(drains);
                if drains {
                    self.drain();
                } else {
                    (0..self.listeners.len()).for_each(|listener| self.stop_listener(listener));
                }
                (Stage::Leaving { drains }, LEAVING)
            }
            Stage::Leaving { .. } => {
                self.check_nobody();
                (Stage::Over, 0)
            }
            Stage::Over => return,
        };
        self.stage = next.0;
        self.say(|| format!("stage: {:?}", next.0));
        self.after(next.1, Event::Next);
    }

    fn heal(&mut self) {
        self.plan.spikes = 0;
        self.relay_up_at = self.relay_up_at.min(self.now);
        self.start_relay();
        for host in 0..self.hosts.len() {
            self.hosts[host].held = [0; 2];
            self.hosts[host].down_until = self.now;
            self.host_returns(host);
        }
    }

    fn hush(&mut self) {
        for id in 0..self.talks.len() {
            if self.ends[id].is_some() {
                self.talks[id].hurry(self.now);
                self.wake(id);
            }
        }
    }

    /// Everything at all times.
    pub(super) fn sweep(&mut self) {
        if let Err(problem) = self.watch.overdue(self.now, HANDSHAKE) {
            self.fail(problem);
        }
        let grace = Millis::try_from((self.plan.ping_interval + self.config.ping_grace).as_millis()).unwrap_or(0);
        for id in 0..self.ends.len() {
            let Some(end) = &self.ends[id] else { continue };
            let record = &self.records[id];
            if end.machine.is_closing() {
                continue;
            }
            let late = match (record.open_phase(), record.spare_since) {
                (Some((Phase::PairingRequest, _)), Some(_)) => {
                    let silent = self.now.saturating_sub(self.millis(end.heard));
                    (silent > grace + LATE).then(|| format!("a spare was not pinged for {silent} ms"))
                }
                (Some((phase, since)), _) => {
                    let limit = Millis::try_from(self.config.deadlines.of(phase).as_millis()).unwrap_or(0);
                    let open = self.now - since;
                    (open > limit + LATE).then(|| format!("{phase} has been open for {open} ms"))
                }
                (None, _) => {
                    let silent = self.now.saturating_sub(self.millis(end.heard));
                    let limit = Millis::try_from(self.config.silence_limit.as_millis()).unwrap_or(0);
                    (silent > limit + 1000).then(|| format!("nothing has come for {silent} ms"))
                }
            };
            if let Some(late) = late {
                return self.fail(format!("end {id} hangs: {late}"));
            }
        }
        let Some(snapshot) = self.relay.as_ref().map(ratatosk_relay::handed::Handed::snapshot) else { return };
        if snapshot.waiting > 0 {
            self.tally.waited += 1;
        }
        let Snapshot { spares, reserved, .. } = snapshot;
        if reserved > spares {
            self.fail(format!("the relay has {reserved} of {spares} spares reserved"));
        }
        // Those of relays that have crashed.
        let old = self.relay_counts.len().saturating_sub(1);
        if let Some(leak) =
            self.relay_counts[..old].iter().map(|counts| counts()).find(|left| *left != Snapshot::default())
        {
            self.fail(format!("a relay that has crashed still counts {leak:?}"));
        }
    }

    /// The faults are long over: everybody is where it should be.
    fn check_calm(&mut self) {
        for number in 0..self.listeners.len() {
            let listener = &self.listeners[number];
            let (ready, limit) = (listener.pool.ready(), listener.limit());
            if ready != limit {
                return self.fail(format!("listener {number} has {ready} of {limit} spares although all is well"));
            }
        }
        let Some(relay) = &self.relay else { return self.fail("there is no relay".to_owned()) };
        let snapshot = relay.snapshot();
        let spares = self.listeners.iter().map(super::hosts::Listener::limit).sum();
        let paired = snapshot.connections.of(At::Paired);
        let total = snapshot.connections.total();
        let Snapshot { keys, reserved, waiting, .. } = snapshot;
        let is_calm = snapshot.spares == spares
            && keys == self.listeners.len()
            && (reserved, waiting, paired, total) == (0, 0, 0, spares)
            && self.watch.len() == spares;
        if !is_calm {
            self.fail(format!("the relay has {snapshot:?} although all is well, and {spares} spares are due"));
        }
    }

    fn check_probes(&mut self, drains: bool) {
        for id in 0..self.records.len() {
            let record = &self.records[id];
            let Owner::Probe { listener } = record.owner else { continue };
            if !record.established || self.talks[id].got() == 0 {
                return self.fail(format!("listener {listener} was not reached although all is well"));
            }
            if !drains && !record.closed {
                return self.fail(format!("end {id} should be closed"));
            }
            self.tally.probes += 1;
        }
    }

    /// The relay stops with everybody there.
    fn drain(&mut self) {
        let Some(relay) = self.relay.take() else { return };
        self.tally.drained += 1;
        let limit = Duration::from_millis(DRAIN + 5_000 + 100);
        self.shutdown = Some(tokio::spawn(async move {
            tokio::time::timeout(limit, relay.shutdown(Duration::from_millis(DRAIN))).await.is_ok()
        }));
        // They would try for ever.
        for listener in &mut self.listeners {
            listener.running = false;
        }
    }

    fn check_nobody(&mut self) {
        if let Some(id) = (0..self.ends.len()).find(|id| self.ends[*id].is_some()) {
            return self.fail(format!("end {id} is still there"));
        }
        if let Some(stopped) = &mut self.shutdown
            && !matches!(stopped.now_or_never(), Some(Ok(true)))
        {
            return self.fail("the relay did not stop in time".to_owned());
        }
        let left = self.relay_counts.iter().map(|counts| counts()).find(|left| *left != Snapshot::default());
        if let Some(left) = left {
            self.fail(format!("everybody is gone, and the relay counts {left:?}"));
        }
    }
}
