//! One instance of a module: its memory, its functions, and the calls into it.

use std::collections::BTreeSet;
use std::mem;

use ratatosk_plugin::abi;
use ratatosk_protocol::plugin::abi::Encoded;
use wasmtime::{InstancePre, Memory, Result, Store, Trap, TypedFunc};

use crate::imports::{Call, Limits, State};
use crate::stopped::{Misuse, Stopped, explain};
use crate::ticker::Ticker;
use crate::verify::{STEADY, SUBSCRIBE};

/// An instance, and why it was ended if it was. Its memory is wiped when it ends and when it is dropped.
pub(crate) struct Instance {
    store: Store<State>,
    exports: Exports,
    /// The handles of its connections.
    handles: BTreeSet<u32>,
    steady: Steady,
    deadline_ms: u64,
    stopped: Option<Stopped>,
}

#[derive(Clone)]
struct Exports {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    open: TypedFunc<u32, i32>,
    on_event: TypedFunc<(u32, u32, u32, u32), i32>,
    on_timer: TypedFunc<u32, i32>,
    close: TypedFunc<u32, ()>,
    subscribe: Option<TypedFunc<(), u32>>,
    steady: Option<TypedFunc<(), u32>>,
}

/// The buffer of a module that can be written to without asking for it.
#[derive(Clone, Copy, Debug, Default)]
struct Steady {
    /// How long a message may be; 0 if the module makes no such promise.
    len: u32,
    /// Where the buffer is, once it was asked for.
    at: Option<u32>,
}

/// More is asked for with each message, whatever a module promises: its buffer need not be so large all the time.
const MOST_STEADY: u32 = 65_536;

/// What a plugin says to an event or a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Consumed,
    Pass,
    /// The connection has to end; [`Call::failure`] says why.
    Failed,
}

impl Instance {
    /// Sets a module up, which may run code of it.
    pub(crate) fn new(pre: &InstancePre<State>, limits: Limits, deadline_ms: u64) -> Result<Self, Stopped> {
        let state = State { limits, memory: None, call: Box::new(Call::none()) };
        let mut store = Store::new(pre.module().engine(), state);
        store.limiter(|state| state);
        store.set_epoch_deadline(Ticker::ticks(deadline_ms));
        match Exports::of(pre, &mut store) {
            Ok(exports) => {
                store.data_mut().memory = Some(exports.memory);
                let (handles, steady) = (BTreeSet::new(), Steady::default());
                let mut instance = Self { store, exports, handles, steady, deadline_ms, stopped: None };
                instance.steady.len = instance.promise()?;
                Ok(instance)
            }
            Err(error) => Err(reason(&error, None, deadline_ms)),
        }
    }

    /// Which events the module wants to see.
    pub(crate) fn subscribe(&mut self) -> Result<u32, Stopped> {
        let Some(subscribe) = self.exports.subscribe.clone() else { return Ok(abi::EVERYTHING) };
        self.run(&mut Box::new(Call::none()), |store, _, _| subscribe.call(store, ()))
    }

    /// How long messages may be for which `alloc` need not be called again.
    fn promise(&mut self) -> Result<u32, Stopped> {
        let Some(steady) = self.exports.steady.clone() else { return Ok(0) };
        let promised = self.run(&mut Box::new(Call::none()), |store, _, _| steady.call(store, ()))?;
        Ok(promised.min(MOST_STEADY))
    }

    /// Opens a connection: its handle, or `None` if the plugin refused.
    pub(crate) fn open(&mut self, call: &mut Box<Call>, config: &[u8]) -> Result<Option<u32>, Stopped> {
        (call.handle, call.may_emit) = (None, false);
        let taken = mem::take(&mut self.handles);
        let opened = self.run(call, |store, exports, _| {
            let len =
                exports.write(store, &mut Steady::default(), config.len(), |place| place.copy_from_slice(config))?;
            let result = exports.open.call(&mut *store, len)?;
            let Ok(handle) = u32::try_from(result) else {
                let refused = result == abi::REFUSED;
                return if refused { Ok(None) } else { Err(Misuse::Result { call: "open", result }.into()) };
            };
            match store.data().call.timer {
                _ if taken.contains(&handle) => Err(Misuse::HandleTaken { handle }.into()),
                Some((other, _)) if other != handle => Err(Misuse::ForeignHandle { handle: other }.into()),
                _ => Ok(Some(handle)),
            }
        });
        self.handles = taken;
        self.steady.at = None;
        let handle = opened?;
        self.handles.extend(handle);
        call.handle = handle;
        call.may_emit = true;
        Ok(handle)
    }

    /// Gives an event to a connection.
    pub(crate) fn on_event(
        &mut self,
        call: &mut Box<Call>,
        handle: u32,
        event: &Encoded<'_>,
    ) -> Result<Answer, Stopped> {
        self.run(call, |store, exports, steady| {
            let len = exports.write(store, steady, event.len(), |place| event.write(place))?;
            let result = exports.on_event.call(store, (handle, event.direction, event.kind, len))?;
            if result < 0 || result & abi::MOVED == 0 {
                return answer("on_event", result);
            }
            steady.at = None;
            answer("on_event", result & !abi::MOVED)
        })
    }

    /// Tells a connection that its timer went off.
    pub(crate) fn on_timer(&mut self, call: &mut Box<Call>, handle: u32) -> Result<Answer, Stopped> {
        self.run(call, |store, exports, _| answer("on_timer", exports.on_timer.call(store, handle)?))
    }

    /// Ends a connection. If that goes wrong it is over all the same, and the instance with it.
    pub(crate) fn close(&mut self, call: &mut Box<Call>, handle: u32) -> Result<(), Stopped> {
        call.may_emit = false;
        self.handles.remove(&handle);
        self.steady.at = None;
        self.run(call, |store, exports, _| exports.close.call(store, handle))
    }

    /// Calls the module under its deadline. If that goes wrong, it was the last call.
    fn run<R>(
        &mut self,
        call: &mut Box<Call>,
        action: impl FnOnce(&mut Store<State>, &Exports, &mut Steady) -> Result<R>,
    ) -> Result<R, Stopped> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let ticks = Ticker::ticks(self.deadline_ms).saturating_sub(call.spent);
        mem::swap(&mut self.store.data_mut().call, call);
        self.store.set_epoch_deadline(ticks);
        let result = action(&mut self.store, &self.exports, &mut self.steady);
        mem::swap(&mut self.store.data_mut().call, call);
        result.map_err(|error| {
            let stopped = reason(&error, call.failure.take(), self.deadline_ms);
            self.stopped = Some(stopped.clone());
            self.wipe();
            stopped
        })
    }

    /// The whole memory, for tests that look for what must not be there.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> &[u8] {
        self.exports.memory.data(&self.store)
    }

    fn wipe(&mut self) {
        self.exports.memory.data_mut(&mut self.store).fill(0);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Exports {
    fn of(pre: &InstancePre<State>, store: &mut Store<State>) -> Result<Self> {
        let instance = pre.instantiate(&mut *store)?;
        let memory = instance.get_memory(&mut *store, "memory");
        let subscribe = instance.get_func(&mut *store, SUBSCRIBE.0);
        let steady = instance.get_func(&mut *store, STEADY.0);
        Ok(Self {
            memory: memory.ok_or_else(|| wasmtime::Error::msg("no memory is exported"))?,
            alloc: instance.get_typed_func(&mut *store, "alloc")?,
            open: instance.get_typed_func(&mut *store, "open")?,
            on_event: instance.get_typed_func(&mut *store, "on_event")?,
            on_timer: instance.get_typed_func(&mut *store, "on_timer")?,
            close: instance.get_typed_func(&mut *store, "close")?,
            subscribe: subscribe.map(|function| function.typed(&*store)).transpose()?,
            steady: steady.map(|function| function.typed(&*store)).transpose()?,
        })
    }

    /// Puts `len` bytes where the module wants them.
    fn write(
        &self,
        store: &mut Store<State>,
        steady: &mut Steady,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<u32> {
        let max = store.data().limits.memory_max;
        let short = u32::try_from(len).map_err(|_| Misuse::Memory { max })?;
        let ptr = match steady {
            Steady { len, at: Some(at) } if short <= *len => *at,
            Steady { len, at } if short <= *len => {
                let ptr = self.alloc.call(&mut *store, *len)?;
                *at = Some(ptr);
                ptr
            }
            Steady { at, .. } => {
                // The module may have moved its buffer for that.
                *at = None;
                self.alloc.call(&mut *store, short)?
            }
        };
        let memory = self.memory.data_mut(store);
        let place = memory.get_mut(ptr as usize..).and_then(|rest| rest.get_mut(..len));
        write(place.ok_or(Misuse::OutOfBounds { call: "alloc", ptr, len })?);
        Ok(short)
    }
}

fn answer(call: &'static str, result: i32) -> Result<Answer> {
    match result {
        abi::CONSUMED => Ok(Answer::Consumed),
        abi::PASS => Ok(Answer::Pass),
        abi::ERROR => Ok(Answer::Failed),
        _ => Err(Misuse::Result { call, result }.into()),
    }
}

/// What an error of wasmtime means. `said` is what the module told the host before.
fn reason(error: &wasmtime::Error, said: Option<String>, deadline_ms: u64) -> Stopped {
    if let Some(misuse) = error.downcast_ref::<Misuse>() {
        return Stopped::Misuse(misuse.clone());
    }
    match (error.downcast_ref::<Trap>(), said) {
        (Some(Trap::Interrupt), _) => Stopped::Deadline { deadline_ms },
        (Some(Trap::UnreachableCodeReached), Some(said)) => Stopped::Panicked(said),
        (Some(trap), _) => Stopped::Trapped(trap.to_string()),
        (None, _) => Stopped::Trapped(explain(error)),
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_plugin_bundle as bundle;

    use super::*;
    use crate::{HostLimits, Manifest, Module, PluginHost};

    #[test]
    fn a_panic_of_the_sdk_says_where_and_why_and_the_memory_is_wiped() {
        let host = PluginHost::new(HostLimits { instances: 2, ..HostLimits::default() }).unwrap();
        let manifest = Manifest::parse(bundle::FRAGMENTATION.manifest).unwrap();
        let module = Module::new(&host, manifest, bundle::FRAGMENTATION.wasm).unwrap();
        let lease = module.lease().unwrap();
        let mut instance = lease.instance();
        assert_eq!(instance.open(&mut Box::new(Call::none()), &[]), Ok(Some(0)));
        assert!(instance.memory().iter().any(|&byte| byte != 0));
        // No message is so long, so no honest host asks for it.
        let asked = instance.run(&mut Box::new(Call::none()), |store, exports, _| exports.alloc.call(store, u32::MAX));
        let Err(Stopped::Panicked(said)) = asked else { panic!("{asked:?}") };
        assert!(said.contains("plugins/sdk/src/buffer.rs"), "{said}");
        assert!(instance.memory().iter().all(|&byte| byte == 0));
        // It stays as it is.
        assert_eq!(instance.open(&mut Box::new(Call::none()), &[]), Err(Stopped::Panicked(said)));
    }
}
