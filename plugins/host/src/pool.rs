//! The instances of one module: one for each connection as long as there are few, then several connections in one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::instance::Instance;
use crate::stopped::Stopped;

/// The living instances of a module.
pub(crate) struct Pool {
    max: usize,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    used: Vec<Slot>,
    /// Instances that are being set up.
    coming: usize,
    /// The instance with which the module was tried: the first connections have a place whatever else is full.
    first: Option<Instance>,
}

struct Slot {
    instance: Arc<Mutex<Instance>>,
    connections: usize,
}

/// A connection's place in an instance. With the last one the instance goes, and its memory is wiped.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    instance: Arc<Mutex<Instance>>,
}

impl Pool {
    pub(crate) fn new(max: usize, first: Instance) -> Arc<Self> {
        Arc::new(Self { max, slots: Mutex::new(Slots { first: Some(first), ..Slots::default() }) })
    }

    /// A place in a new instance if there may be one more and `make` can make it, else in the one with the fewest.
    pub(crate) fn lease(self: &Arc<Self>, make: impl FnOnce() -> Result<Instance, Stopped>) -> Result<Lease, Stopped> {
        let mut slots = self.slots();
        let first = slots.first.take().map(Ok);
        let more = slots.used.len() + slots.coming < self.max || slots.used.is_empty();
        let made = if first.is_none() && more {
            slots.coming += 1;
            drop(slots);
            // Code of the module may run in there: nobody who needs no new instance waits for it.
            let made = make();
            slots = self.slots();
            slots.coming -= 1;
            Some(made)
        } else {
            first
        };
        let instance = match (made, slots.used.iter_mut().min_by_key(|slot| slot.connections)) {
            (Some(Ok(instance)), _) => {
                let instance = Arc::new(Mutex::new(instance));
                slots.used.push(Slot { instance: Arc::clone(&instance), connections: 1 });
                instance
            }
            (_, Some(slot)) => {
                slot.connections += 1;
                Arc::clone(&slot.instance)
            }
            (Some(Err(stopped)), None) => return Err(stopped),
            // The list was empty, so one was made.
            (None, None) => return Err(Stopped::Trapped("there is no instance".to_owned())),
        };
        drop(slots);
        Ok(Lease { pool: Arc::clone(self), instance })
    }

    /// The instance that is kept for the first connection, if there has been none yet.
    pub(crate) fn take_first(&self) -> Option<Instance> {
        self.slots().first.take()
    }

    /// Keeps an instance for the first connection.
    pub(crate) fn keep_first(&self, first: Instance) {
        self.slots().first = Some(first);
    }

    /// How many instances there are.
    pub(crate) fn len(&self) -> usize {
        self.slots().used.len()
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The instance, for one call.
    pub(crate) fn instance(&self) -> MutexGuard<'_, Instance> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance has ended: nobody else may be put into it.
    pub(crate) fn retire(&self) {
        self.pool.slots().used.retain(|slot| !Arc::ptr_eq(&slot.instance, &self.instance));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let slots = &mut self.pool.slots().used;
        if let Some(index) = slots.iter().position(|slot| Arc::ptr_eq(&slot.instance, &self.instance)) {
            slots[index].connections -= 1;
            if slots[index].connections == 0 {
                slots.swap_remove(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_plugin_bundle as bundle;

    use super::*;
    use crate::{HostLimits, Manifest, Module, PluginHost};

    #[test]
    fn nobody_waits_for_an_instance_that_is_set_up_for_somebody_else() {
        let host = PluginHost::new(HostLimits { instances: 2, ..HostLimits::default() }).unwrap();
        let manifest = Manifest::parse(bundle::KEEPALIVE.manifest).unwrap();
        let module = Module::new(&host, manifest, bundle::KEEPALIVE.wasm).unwrap();
        let (pool, full) = (module.pool(), || Err(Stopped::Trapped("full".to_owned())));
        let first = pool.lease(full).unwrap();
        let second = pool.lease(|| {
            // Others come and go meanwhile.
            let third = pool.lease(full).unwrap();
            assert!(Arc::ptr_eq(&third.instance, &first.instance));
            drop(third);
            full()
        });
        assert!(Arc::ptr_eq(&second.unwrap().instance, &first.instance));
        assert_eq!(pool.len(), 1);
        drop(first);
        assert_eq!(pool.len(), 0);
        assert!(pool.lease(full).is_err());
    }
}
