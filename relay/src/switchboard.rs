//! What the tasks of all connections share: settings, counts, and guards that count.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use tokio::sync::oneshot;

use crate::Config;
use crate::admission::Hook;
use crate::directory::{Claim, Directory, Entry, Found, Holdings, Local};
use crate::metrics::{Listener, Metrics, Outcome, Step};
use crate::outside::{Randomness, now};
use crate::registry::{Clients, Counts, Limit, Network, NoSpare};
use crate::session::Cause;

/// What the tasks share.
#[derive(Debug)]
pub(crate) struct Switchboard {
    config: RwLock<Arc<Config>>,
    randomness: Randomness,
    /// New for every process.
    identity: KeyPair,
    metrics: Arc<Metrics>,
    hook: Arc<Hook>,
    directory: Arc<dyn Directory>,
    clients: Mutex<Clients>,
}

/// How many of everything there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Connections by phase.
    pub connections: Counts,
    /// Keys that have a spare.
    pub keys: usize,
    /// Spares that are held, whether they wait or are about to be handed over.
    pub spares: usize,
    /// Those that are about to be handed over.
    pub reserved: usize,
    /// Requesters that wait for a spare.
    pub waiting: usize,
}

impl Switchboard {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Self::with_randomness(config, Randomness::default())
    }

    /// With other randomness than the operating system's.
    pub(crate) fn with_randomness(config: Config, randomness: Randomness) -> Arc<Self> {
        let directory = Arc::new(Local::new(config.limits));
        Self::with_all(config, directory, randomness)
    }

    /// With another way to find spares than in this process alone.
    #[cfg(test)]
    pub(crate) fn with_directory(config: Config, directory: Arc<dyn Directory>) -> Arc<Self> {
        Self::with_all(config, directory, Randomness::default())
    }

    fn with_all(config: Config, directory: Arc<dyn Directory>, randomness: Randomness) -> Arc<Self> {
        let metrics = Arc::default();
        Arc::new(Self {
            config: RwLock::new(Arc::new(config)),
            identity: KeyPair::generate(randomness.source().as_mut()),
            randomness,
            hook: Hook::new(&metrics),
            metrics,
            directory,
            clients: Mutex::default(),
        })
    }

    /// The settings of the moment.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other settings from now on: for new connections at once, for others from their next step on.
    pub(crate) fn set_config(&self, config: Config) {
        self.directory.set_limits(config.limits);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    pub(crate) fn identity(&self) -> &KeyPair {
        &self.identity
    }

    /// Unpredictable bytes.
    pub(crate) fn entropy(&self) -> Box<dyn Entropy> {
        self.randomness.source()
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The way to the admission hook.
    pub(crate) fn hook(&self) -> &Arc<Hook> {
        &self.hook
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let Holdings { keys, spares, reserved, waiting } = self.directory.holdings();
        Snapshot { connections: self.clients().all(), keys, spares, reserved, waiting }
    }

    /// Counts a new connection in. Where it comes from is said by [`Seat::locate`].
    pub(crate) fn admit(self: &Arc<Self>, listener: Listener) -> Result<Seat, Limit> {
        self.metrics.accepted(listener);
        self.limited(self.clients().admit(&self.config().limits))?;
        let step = match listener {
            Listener::Plain => Step::Upgrade,
            Listener::Tls => Step::Tls,
        };
        self.metrics.entered(step);
        Ok(Seat { board: Arc::clone(self), step, since: now(), completed: false, address: None, network: None })
    }

    /// Registers a spare, whose seat is at [`Step::Registration`] and goes on to [`Step::Spare`]. Its owner listens for
    /// claims on the receiver.
    pub(crate) fn register(
        self: &Arc<Self>,
        seat: &mut Seat,
        key: PublicKey,
    ) -> Result<(Entry, oneshot::Receiver<Claim>), Limit> {
        let (owner, claims) = oneshot::channel();
        let (config, before) = (self.config(), seat.step.phase());
        let may = {
            let mut clients = self.clients();
            let may = clients.may_register(&key, seat.network, &config.limits, &config.rates, now());
            if may.is_ok() {
                // Under the same lock, so that two cannot take the last place of a network.
                clients.shift(seat.network, before, Step::Spare.phase());
            }
            may
        };
        self.limited(may)?;
        let registered = self.directory.register(key, owner);
        if registered.is_err() {
            self.clients().shift(seat.network, Step::Spare.phase(), before);
        }
        let (id, of_key) = self.limited(registered)?;
        self.metrics.registered(of_key);
        seat.pass(Outcome::Ok, Step::Spare);
        Ok((Entry::new(&self.directory, id, key), claims))
    }

    /// Asks for a spare of `key`. A requester that `waits` is queued if there is none but soon may be.
    pub(crate) fn claim(&self, key: &PublicKey, waits: bool) -> Found {
        let found = Arc::clone(&self.directory).claim(key, waits);
        if let Found::Refused(limit) = found {
            self.metrics.limited(limit);
        }
        found
    }

    /// Why a requester of `key` has waited in vain.
    pub(crate) fn refuse(&self, key: &PublicKey) -> NoSpare {
        self.directory.refuse(key)
    }

    /// Whether `target` may be asked for once more by the client of `seat`.
    pub(crate) fn may_request(&self, seat: &Seat, target: &PublicKey) -> Result<(), Limit> {
        let rates = self.config().rates;
        self.limited(self.clients().may_request(target, seat.network, &rates, now()))
    }

    /// Whether the client of `seat` may begin one more registration.
    pub(crate) fn may_begin_registration(&self, seat: &Seat) -> Result<(), Limit> {
        let rates = self.config().rates;
        self.limited(self.clients().begin_registration(seat.network, &rates, now()))
    }

    /// Counts what a limit has refused.
    fn limited<T>(&self, result: Result<T, Limit>) -> Result<T, Limit> {
        result.inspect_err(|limit| self.metrics.limited(*limit))
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        // Nothing that panics runs under the lock, and a count that is off is better than a relay that stands.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among the counts, for as long as this lives. Each step that it enters it leaves once, with one outcome.
#[derive(Debug)]
pub(crate) struct Seat {
    board: Arc<Switchboard>,
    step: Step,
    since: Instant,
    /// The closing handshake came to its end.
    completed: bool,
    /// Where the client is, when that is known.
    address: Option<IpAddr>,
    /// What it is counted as; `None` if it is not, or not yet.
    network: Option<Network>,
}

impl Seat {
    /// The client is at `address`; to be said once, before anything else about it.
    pub(crate) fn locate(&mut self, address: IpAddr) -> Result<(), Limit> {
        let address = address.to_canonical();
        self.address = Some(address);
        let config = self.board.config();
        if config.unlimited.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        let network = Network::from(address);
        let located = self.board.clients().locate(network, &config.limits, &config.rates, now());
        self.board.limited(located)?;
        self.network = Some(network);
        Ok(())
    }

    /// Where the client is, when that is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// All is well so far: on to the next step.
    pub(crate) fn enter(&mut self, step: Step) {
        self.go(Outcome::Ok, step);
    }

    /// Back to an earlier step.
    pub(crate) fn fall_back(&mut self, step: Step) {
        self.go(Outcome::Error, step);
    }

    /// The end begins. Only the first cause counts.
    pub(crate) fn close(&mut self, cause: Cause) {
        if !self.step.is_closing() {
            self.board.metrics.closed(self.step, cause);
            self.go(self.step.outcome(cause), self.step.closing());
        }
    }

    /// The end of [`Self::close`], in time or not.
    pub(crate) fn closed(mut self, in_time: bool) {
        self.close(Cause::Dropped);
        self.completed = true;
        self.leave(if in_time { Outcome::Ok } else { Outcome::Timeout });
    }

    /// Where to count what belongs to this connection.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.board.metrics
    }

    fn go(&mut self, outcome: Outcome, step: Step) {
        self.board.clients().shift(self.network, self.step.phase(), step.phase());
        self.pass(outcome, step);
    }

    /// Takes note of a step whose connection has been counted.
    fn pass(&mut self, outcome: Outcome, step: Step) {
        self.leave(outcome);
        self.board.metrics.entered(step);
        (self.step, self.since) = (step, now());
    }

    fn leave(&self, outcome: Outcome) {
        self.board.metrics.left(self.step, outcome, now().saturating_duration_since(self.since));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.completed {
            // Nobody said why, and there was no closing handshake.
            self.close(Cause::Dropped);
            self.leave(Outcome::Error);
        }
        self.board.clients().leave(self.network, self.step.phase());
    }
}
