//! The spares of this process: the registry behind a lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatosk_protocol::key::PublicKey;
use tokio::sync::oneshot;

use super::{Answer, Directory, Found, Holdings, Owner, Place};
use crate::outside;
use crate::registry::{Limit, Limits, NoSpare, Registry, SpareId, WaiterId};

/// Where a requester that waits is told that its turn has come.
type Turn = oneshot::Sender<oneshot::Receiver<Answer>>;

/// Knows the spares of this process.
#[derive(Debug)]
pub(crate) struct Local {
    registry: Mutex<Registry<Owner, Turn>>,
}

impl Local {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { registry: Mutex::new(Registry::new(limits)) }
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Owner, Turn>> {
        // Nothing that panics runs under the lock, and a count that is off is better than a relay that stands.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits for `key` and whose turn it is, with the owners of their spares.
fn turns(registry: &mut Registry<Owner, Turn>, key: &PublicKey) -> Vec<(Turn, Owner)> {
    std::iter::from_fn(|| registry.turn(key)).collect()
}

/// Brings them together. Not under the lock: what a channel drops may be a spare, which leaves the registry with that.
fn bring_together(turns: Vec<(Turn, Owner)>) {
    for (requester, owner) in turns {
        let (claim, answer) = oneshot::channel();
        // A requester that has left drops the answer, and so the owner finds that nobody asks.
        let _ = requester.send(answer);
        // An owner that is about to end cannot be asked; dropping the claim says so.
        let _ = owner.send(claim);
    }
}

impl Directory for Local {
    fn register(&self, key: PublicKey, owner: Owner) -> Result<(SpareId, usize), Limit> {
        let mut registry = self.registry();
        let id = registry.register(key, owner)?;
        let of_key = registry.spares_of(&key);
        let turns = turns(&mut registry, &key);
        drop(registry);
        bring_together(turns);
        Ok((id, of_key))
    }

    fn claim(self: Arc<Self>, key: &PublicKey, waits: bool) -> Found {
        let now = outside::now();
        let mut registry = self.registry();
        if let Some((_, owner)) = registry.reserve(key) {
            drop(registry);
            let (claim, answer) = oneshot::channel();
            let _ = owner.send(claim);
            return Found::Asked(answer);
        }
        if !waits || !registry.expects(key, now) {
            return Found::Nobody(registry.refuse(key, now));
        }
        let (turn, coming) = oneshot::channel();
        match registry.wait(*key, turn) {
            Ok(id) => {
                drop(registry);
                Found::Queued(Place { directory: self, key: *key, id }, coming)
            }
            Err(limit) => Found::Refused(limit),
        }
    }

    fn refuse(&self, key: &PublicKey) -> NoSpare {
        self.registry().refuse(key, outside::now())
    }

    fn leave(&self, key: &PublicKey, id: WaiterId) {
        self.registry().leave(key, id);
    }

    fn give_back(&self, id: SpareId, owner: Owner) {
        let mut registry = self.registry();
        let Some(key) = registry.key_of(id) else { return };
        registry.give_back(id, owner);
        let turns = turns(&mut registry, &key);
        drop(registry);
        bring_together(turns);
    }

    fn remove(&self, id: SpareId) {
        self.registry().remove(id, outside::now());
    }

    fn set_limits(&self, limits: Limits) {
        self.registry().set_limits(limits);
    }

    fn holdings(&self) -> Holdings {
        let registry = self.registry();
        Holdings {
            keys: registry.keys(),
            spares: registry.spares(),
            reserved: registry.reserved(),
            waiting: registry.waiting(),
        }
    }
}
