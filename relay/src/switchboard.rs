//! What the tasks of all connections share: the registry behind a lock, and guards that count.
//!
//! A claim goes from a requester's task to the task that owns the spare: the registry gives out the sending end of a
//! channel, the owner answers with the connection itself. Only who holds a socket can give it away, so a claim needs no
//! lock across the two; reserve, then commit.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use tokio::sync::oneshot;

use crate::Config;
use crate::conn::Conn;
use crate::metrics::{Listener, Metrics, Outcome, Step};
use crate::registry::{Clients, Counts, Limit, Network, NoSpare, Registry, SpareId};
use crate::session::{Cause, HandedOver};

/// What the owner of a spare gets: where to send its connection.
pub(crate) type Claim = oneshot::Sender<Answer>;

/// What a requester gets for its [`Claim`]. A claim dropped without an answer means that the spare is gone.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The spare.
    Ready(Box<Claimed>),
    /// The spare owes a pong and comes when it has paid.
    Owing(oneshot::Receiver<Box<Claimed>>),
}

/// A spare on its way to a requester, still reserved in the registry.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) conn: Box<Conn>,
    pub(crate) entry: Entry,
    pub(crate) state: HandedOver,
}

/// What the tasks share.
#[derive(Debug)]
pub(crate) struct Switchboard {
    config: RwLock<Arc<Config>>,
    /// New for every process.
    identity: KeyPair,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    registry: Registry<oneshot::Sender<Claim>>,
    clients: Clients,
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
}

impl Switchboard {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let state = State { registry: Registry::new(config.limits), clients: Clients::default() };
        Arc::new(Self {
            config: RwLock::new(Arc::new(config)),
            identity: KeyPair::generate(&mut OsEntropy),
            metrics: Arc::default(),
            state: Mutex::new(state),
        })
    }

    /// The settings of the moment.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other settings from now on: for new connections at once, for others from their next step on.
    pub(crate) fn set_config(&self, config: Config) {
        self.state().registry.set_limits(config.limits);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    pub(crate) fn identity(&self) -> &KeyPair {
        &self.identity
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            connections: state.clients.all(),
            keys: state.registry.keys(),
            spares: state.registry.spares(),
            reserved: state.registry.reserved(),
        }
    }

    /// Counts a new connection in. Where it comes from is said by [`Seat::locate`].
    pub(crate) fn admit(self: &Arc<Self>, listener: Listener) -> Result<Seat, Limit> {
        self.metrics.accepted(listener);
        self.limited(self.state().clients.admit(&self.config().limits))?;
        let step = match listener {
            Listener::Plain => Step::Upgrade,
            Listener::Tls => Step::Tls,
        };
        self.metrics.entered(step);
        Ok(Seat {
            board: Arc::clone(self),
            step,
            since: Instant::now(),
            completed: false,
            address: None,
            network: None,
        })
    }

    /// Registers a spare, whose seat is at [`Step::Registration`] and goes on to [`Step::Spare`]. Its owner listens for
    /// claims on the receiver.
    pub(crate) fn register(
        self: &Arc<Self>,
        seat: &mut Seat,
        key: PublicKey,
    ) -> Result<(Entry, oneshot::Receiver<Claim>), Limit> {
        let (sender, claims) = oneshot::channel();
        let (config, now) = (self.config(), Instant::now());
        let (registered, of_key) = {
            let State { registry, clients } = &mut *self.state();
            let registered = clients
                .may_register(&key, seat.network, &config.limits, &config.rates, now)
                .and_then(|()| registry.register(key, sender));
            if registered.is_ok() {
                // Under the same lock, so that two cannot take the last place of a network.
                clients.shift(seat.network, seat.step.phase(), Step::Spare.phase());
            }
            (registered, registry.spares_of(&key))
        };
        let id = self.limited(registered)?;
        self.metrics.registered(of_key);
        seat.pass(Outcome::Ok, Step::Spare);
        Ok((Entry { board: Arc::clone(self), id, since: now }, claims))
    }

    /// Reserves the newest spare of `key` and asks its owner for it.
    pub(crate) fn claim(&self, key: &PublicKey) -> Result<oneshot::Receiver<Answer>, NoSpare> {
        let (_, owner) = self.state().registry.reserve(key, Instant::now())?;
        let (sender, answer) = oneshot::channel();
        // An owner that is about to end cannot be asked; dropping the sender says so.
        let _ = owner.send(sender);
        Ok(answer)
    }

    /// Whether `target` may be asked for once more by the client of `seat`.
    pub(crate) fn may_request(&self, seat: &Seat, target: &PublicKey) -> Result<(), Limit> {
        let rates = self.config().rates;
        self.limited(self.state().clients.may_request(target, seat.network, &rates, Instant::now()))
    }

    /// Whether the client of `seat` may begin one more registration.
    pub(crate) fn may_begin_registration(&self, seat: &Seat) -> Result<(), Limit> {
        let rates = self.config().rates;
        self.limited(self.state().clients.begin_registration(seat.network, &rates, Instant::now()))
    }

    /// Counts what a limit has refused.
    fn limited<T>(&self, result: Result<T, Limit>) -> Result<T, Limit> {
        result.inspect_err(|limit| self.metrics.limited(*limit))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that panics runs under the lock, and a count that is off is better than a relay that stands.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let located = self.board.state().clients.locate(network, &config.limits, &config.rates, Instant::now());
        self.board.limited(located)?;
        self.network = Some(network);
        Ok(())
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
        self.board.state().clients.shift(self.network, self.step.phase(), step.phase());
        self.pass(outcome, step);
    }

    /// Takes note of a step whose connection has been counted.
    fn pass(&mut self, outcome: Outcome, step: Step) {
        self.leave(outcome);
        self.board.metrics.entered(step);
        (self.step, self.since) = (step, Instant::now());
    }

    fn leave(&self, outcome: Outcome) {
        self.board.metrics.left(self.step, outcome, self.since.elapsed());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.completed {
            // Nobody said why, and there was no closing handshake.
            self.close(Cause::Dropped);
            self.leave(Outcome::Error);
        }
        self.board.state().clients.leave(self.network, self.step.phase());
    }
}

/// One spare in the registry, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry {
    board: Arc<Switchboard>,
    id: SpareId,
    since: Instant,
}

impl Entry {
    /// How long ago it was registered.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The requester has left: the spare is ready again. Gives where the next claim will come from.
    pub(crate) fn give_back(&self) -> oneshot::Receiver<Claim> {
        let (sender, claims) = oneshot::channel();
        self.board.state().registry.give_back(self.id, sender);
        claims
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.board.state().registry.remove(self.id, Instant::now());
    }
}
