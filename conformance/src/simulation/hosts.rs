//! The machines of the peers: listeners with their pools of spares, connectors with their attempts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Connection, ConnectionError, Connector, KeyRing};
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::spare::{SpareAction, SpareId, SparePolicy, SparePool};

use super::end::End;
use super::pipe::Millis;
use super::plan::Plan;
use super::random::Chance;
use super::record::{Owner, Record};
use super::stage::Stage;
use super::talk::{EndId, Talk};
use super::world::{Event, World};

/// A machine in the network.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Until when nothing passes, to the relay and from it.
    pub(super) held: [Millis; 2],
    /// Until when it is down.
    pub(super) down_until: Millis,
}

/// A listener and its spares.
pub(super) struct Listener {
    pub(super) host: usize,
    keys: Arc<KeyRing>,
    policy: SparePolicy,
    pub(super) pool: SparePool,
    pub(super) ends: BTreeMap<SpareId, EndId>,
    pub(super) running: bool,
}

impl Listener {
    pub(super) fn key(&self) -> &PublicKey {
        self.keys.registered().public()
    }

    pub(super) fn limit(&self) -> usize {
        self.policy.limit()
    }
}

/// What a connector keeps up one connection with.
pub(super) struct Slot {
    pub(super) host: usize,
    key: KeyPair,
    backoff: Backoff,
    end: Option<EndId>,
    target: usize,
}

impl Slot {
    pub(super) fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Its connection or attempt of the moment.
    pub(super) fn end(&self) -> Option<EndId> {
        self.end
    }
}

impl Host {
    /// All machines of a plan, listeners first.
    pub(super) fn all(plan: &Plan, chance: &mut Chance) -> (Vec<Self>, Vec<Listener>, Vec<Slot>) {
        let mut hosts = Vec::new();
        let mut listeners = Vec::new();
        for policy in &plan.listeners {
            let keys = Arc::new(KeyRing::new(KeyPair::generate(chance)));
            let pool = SparePool::new(*policy, plan.new_backoff());
            let (ends, policy, running) = (BTreeMap::new(), *policy, false);
            listeners.push(Listener { host: hosts.len(), keys, policy, pool, ends, running });
            hosts.push(Self::default());
        }
        let mut slots = Vec::new();
        for connections in &plan.connectors {
            for _ in 0..*connections {
                let (key, backoff) = (KeyPair::generate(chance), plan.new_backoff());
                slots.push(Slot { host: hosts.len(), key, backoff, end: None, target: 0 });
            }
            hosts.push(Self::default());
        }
        (hosts, listeners, slots)
    }
}

impl World<'_> {
    fn new_end(&mut self, owner: Owner, host: usize, wanted: PublicKey, machine: Connection) -> EndId {
        let (id, now) = (self.ends.len(), self.instant());
        self.ends.push(Some(Box::new(End::new(now, machine, self.config.deadlines.clone()))));
        self.records.push(Record::new(owner, host, wanted));
        self.talks.push(Talk::default());
        self.dial(id);
        id
    }

    fn entropy(&mut self) -> Box<Chance> {
        let seed = self.chance.next();
        Box::new(Chance::new(seed))
    }

    pub(super) fn start_listener(&mut self, number: usize) {
        let listener = &mut self.listeners[number];
        if self.hosts[listener.host].down_until > self.now || listener.running {
            return;
        }
        listener.pool = SparePool::new(listener.policy, self.plan.new_backoff());
        listener.running = true;
        listener.pool.start();
        self.say(|| format!("listener {number} starts"));
        self.act(number);
    }

    /// In good order: its spares are closed.
    pub(super) fn stop_listener(&mut self, number: usize) {
        self.say(|| format!("listener {number} stops"));
        self.listeners[number].running = false;
        self.listeners[number].pool.stop();
        self.act(number);
        // The pool has forgotten those that were handed over; their peers are told as well.
        let now = self.instant();
        for id in std::mem::take(&mut self.listeners[number].ends).into_values() {
            if let Some(end) = &mut self.ends[id] {
                end.close(now, CloseRequest::Close(None));
            }
            self.wake(id);
        }
    }

    /// Does what a pool wants done.
    pub(super) fn act(&mut self, number: usize) {
        while let Some(action) = self.listeners[number].pool.poll_action() {
            match action {
                SpareAction::Open(spare) => {
                    let listener = &self.listeners[number];
                    let (host, wanted, keys) = (listener.host, *listener.key(), Arc::clone(&listener.keys));
                    let (now, config) = (self.instant(), Arc::clone(&self.config));
                    let machine = Connection::spare(now, keys, config, self.entropy());
                    let end = self.new_end(Owner::Spare { listener: number, spare }, host, wanted, machine);
                    self.say(|| format!("listener {number} opens end {end} as a spare"));
                    self.listeners[number].ends.insert(spare, end);
                    self.wake(end);
                }
                SpareAction::Close(spare) => {
                    let Some(id) = self.listeners[number].ends.remove(&spare) else { continue };
                    let now = self.instant();
                    if let Some(end) = &mut self.ends[id] {
                        end.close(now, CloseRequest::Close(None));
                    }
                    self.wake(id);
                }
                SpareAction::RetryIn(delay) => {
                    self.tally.retries += 1;
                    self.say(|| format!("listener {number} tries again in {} ms", delay.as_millis()));
                }
            }
        }
        if let Some(at) = self.listeners[number].pool.poll_timeout() {
            let at = self.millis(at);
            self.at(at, Event::Pool(number));
        }
        self.check_spares(number);
    }

    pub(super) fn pool_timer(&mut self, number: usize) {
        if !self.listeners[number].running {
            return;
        }
        let now = self.instant();
        self.listeners[number].pool.handle_timeout(now);
        // Whoever was asked too early is asked again.
        let waits = self.listeners[number].pool.poll_timeout().is_none_or(|at| at <= now);
        if waits {
            self.act(number);
        }
    }

    /// A spare is not the pool's any more: it is established, or over.
    pub(super) fn spare_is_over(&mut self, number: usize, spare: SpareId, id: EndId) {
        // A listener that was started again has a new pool, in which the same name is another's.
        let listener = &mut self.listeners[number];
        if listener.ends.get(&spare) != Some(&id) {
            return;
        }
        listener.ends.remove(&spare);
        if !listener.running {
            return;
        }
        if !self.meddler.pool_hears() {
            return;
        }
        let (now, mut entropy) = (self.instant(), self.entropy());
        self.listeners[number].pool.closed(now, spare, entropy.as_mut());
        self.act(number);
    }

    /// Spares never exceed the limit, whatever the pool says of itself; one is opened at a time.
    pub(super) fn check_spares(&mut self, number: usize) {
        let listener = &self.listeners[number];
        let (held, limit) = (listener.pool.held(), listener.limit());
        let of_listener = listener.ends.values().filter(|end| self.records[**end].counts_as_spare());
        let spares: Vec<_> = of_listener.collect();
        let opening = spares.iter().filter(|end| self.records[***end].spare_since.is_none()).count();
        if held > limit || spares.len() > limit {
            let count = spares.len().max(held);
            self.fail(format!("listener {number} has {count} spares, and its limit is {limit}"));
        } else if opening > 1 {
            self.fail(format!("listener {number} opens {opening} spares at a time"));
        }
    }

    /// A connector begins an attempt, unless there is one.
    pub(super) fn slot_timer(&mut self, number: usize) {
        let slot = &self.slots[number];
        let is_down = self.hosts[slot.host].down_until > self.now;
        if slot.end.is_some() || is_down || !self.stage.connects() {
            return;
        }
        let target = self.chance.index(self.listeners.len());
        let wanted = *self.listeners[target].key();
        let slot = &mut self.slots[number];
        slot.target = target;
        let (host, local) = (slot.host, slot.key.clone());
        let end = self.connect(Owner::Slot(number), host, local, wanted);
        self.say(|| format!("connector {number} asks for listener {target} as end {end}"));
        self.slots[number].end = Some(end);
        self.wake(end);
    }

    fn connect(&mut self, owner: Owner, host: usize, local: KeyPair, wanted: PublicKey) -> EndId {
        let (now, config) = (self.instant(), Arc::clone(&self.config));
        let connector = Connector { local, remote: wanted };
        let machine = Connection::connect(now, connector, config, self.entropy());
        self.new_end(owner, host, wanted, machine)
    }

    /// All is well: a connector must reach the listener.
    pub(super) fn probe(&mut self, listener: usize) {
        let wanted = *self.listeners[listener].key();
        let mut key = self.entropy();
        let host = self.hosts.len() - 1;
        let end = self.connect(Owner::Probe { listener }, host, KeyPair::generate(key.as_mut()), wanted);
        self.say(|| format!("end {end} has to reach listener {listener}"));
        self.wake(end);
    }

    /// The connection of a connector is over.
    pub(super) fn slot_is_over(&mut self, number: usize, id: EndId, error: &ConnectionError) {
        if self.slots[number].end != Some(id) {
            return;
        }
        self.slots[number].end = None;
        let pause = if self.records[id].established {
            self.slots[number].backoff = self.plan.new_backoff();
            self.chance.between(10, 3000)
        } else {
            let mut entropy = self.entropy();
            let delay = self.slots[number].backoff.next(entropy.as_mut());
            self.tally.retries += 1;
            self.say(|| format!("connector {number} tries again in {} ms: {error}", delay.as_millis()));
            Millis::try_from(delay.as_millis()).unwrap_or(0) + 1
        };
        if self.stage == Stage::Trouble || self.stage == Stage::Healed {
            self.after(pause, Event::Slot(number));
        }
    }

    /// The program of a host is gone, and its connections with it, without a word of its own.
    pub(super) fn crash_host(&mut self, host: usize) {
        for number in 0..self.listeners.len() {
            if self.listeners[number].host == host {
                self.listeners[number].running = false;
                self.listeners[number].ends.clear();
            }
        }
        for slot in &mut self.slots {
            if slot.host == host {
                slot.end = None;
            }
        }
    }
}
