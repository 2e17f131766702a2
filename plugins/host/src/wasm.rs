//! One connection's plugin in an instance of a module.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::abi::Event;
use ratatosk_protocol::plugin::{Clock, Context, Form, Incoming, Layer, Outgoing, Plugin, PluginError};

use crate::imports::Call;
use crate::instance::{Answer, Instance};
use crate::module::{Module, OpenError};
use crate::pool::Lease;
use crate::stats::Share;
use crate::stopped::Stopped;

/// What stands in for a reason that a plugin does not give.
const NO_REASON: &str = "no reason given";

/// A module as a plugin of the stack.
///
/// After the instance was ended, every message fails with the plugin's name and the reason, while the close that follows from
/// that passes.
pub struct WasmPlugin {
    module: Module,
    lease: Lease,
    handle: u32,
    clock: Clock,
    timer: Option<Instant>,
    /// The turn of the last call.
    turn: u64,
    call: Box<Call>,
    share: Share,
    stopped: Option<Stopped>,
}

impl WasmPlugin {
    pub(crate) fn open(
        module: Module,
        config: &[u8],
        now: Instant,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let name = || module.manifest().name.clone();
        let lease = module.lease().map_err(|reason| OpenError::Stopped { name: name(), reason })?;
        let mut call = Box::new(Call { entropy, ..Call::none() });
        let entered = enter(&module, &mut lease.instance(), &mut call, config);
        let handle = entered.inspect_err(|error| {
            let broken = matches!(error, OpenError::Stopped { .. });
            module.stats().count(broken);
            if broken {
                lease.retire();
            }
        })?;
        let clock = Clock::starting(now);
        let share = Share::new(Arc::clone(module.stats()));
        let mut plugin = Self { module, lease, handle, clock, timer: None, turn: 0, call, share, stopped: None };
        plugin.arm();
        Ok(plugin)
    }

    fn handle_event(&mut self, cx: &mut Context<'_>, event: Event) -> Result<(), PluginError> {
        let encoded = event.encode();
        if self.module.subscribed() & encoded.bit() == 0 || self.stopped.is_some() && event.always_passes() {
            event.forward(cx);
            return Ok(());
        }
        let answer = self.call(cx, encoded.len(), |instance, call, handle| instance.on_event(call, handle, &encoded));
        match answer.and_then(|answer| self.judge(answer)) {
            Ok(passes) => {
                event.settle(cx, self.layer(), self.call.emitted.drain(..), passes);
                Ok(())
            }
            // The connection is over, and the application has to hear of it.
            Err(_) if matches!(event, Event::Rising(Incoming::Closed { .. })) => {
                event.forward(cx);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Calls the instance for that many bytes, and keeps the timer that it sets.
    fn call(
        &mut self,
        cx: &Context<'_>,
        len: usize,
        action: impl FnOnce(&mut Instance, &mut Box<Call>, u32) -> Result<Answer, Stopped>,
    ) -> Result<Answer, PluginError> {
        self.call.now_ms = self.clock.millis(cx.now());
        self.call.emitted.clear();
        self.call.emitted_bytes = 0;
        self.call.failure = None;
        if self.turn != cx.turn() {
            (self.turn, self.call.spent) = (cx.turn(), 0);
        }
        let result = match &self.stopped {
            Some(stopped) => Err(stopped.clone()),
            None => {
                let mut instance = self.lease.instance();
                let (timed, since) = (self.share.begin(len), self.module.ticks());
                let result = action(&mut instance, &mut self.call, self.handle);
                self.call.spent += self.module.ticks().saturating_sub(since);
                self.share.end(&timed);
                result
            }
        };
        self.arm();
        result.map_err(|reason| {
            let error = PluginError::broken(format_args!("plugin {} stopped: {reason}", self.name()));
            self.lease.retire();
            self.share.failed(true);
            self.timer = None;
            self.call.emitted = Vec::new();
            self.stopped = Some(reason);
            error
        })
    }

    fn arm(&mut self) {
        if let Some((_, at_ms)) = self.call.timer.take() {
            self.timer = self.clock.timer(at_ms);
        }
    }

    /// Whether the event goes on.
    fn judge(&mut self, answer: Answer) -> Result<bool, PluginError> {
        match answer {
            Answer::Consumed => Ok(false),
            Answer::Pass => Ok(true),
            Answer::Failed => {
                self.call.emitted.clear();
                self.share.failed(false);
                Err(PluginError::new(self.call.failure.take().unwrap_or_else(|| NO_REASON.to_owned())))
            }
        }
    }
}

/// Opens a connection in an instance: its handle.
pub(crate) fn enter(
    module: &Module,
    instance: &mut Instance,
    call: &mut Box<Call>,
    config: &[u8],
) -> Result<u32, OpenError> {
    let name = || module.manifest().name.clone();
    match instance.open(call, config) {
        Ok(Some(handle)) => Ok(handle),
        Ok(None) => {
            let reason = call.failure.take().unwrap_or_else(|| NO_REASON.to_owned());
            Err(OpenError::Refused { name: name(), reason })
        }
        Err(reason) => Err(OpenError::Stopped { name: name(), reason }),
    }
}

impl Plugin for WasmPlugin {
    fn name(&self) -> &str {
        &self.module.manifest().name
    }

    fn layer(&self) -> Layer {
        self.module.manifest().layer
    }

    fn form(&self) -> Form {
        Form::Wasm
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        self.handle_event(cx, Event::Rising(event))
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        self.handle_event(cx, Event::Sinking(event))
    }

    fn deadline(&self) -> Option<Instant> {
        self.timer
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        self.timer = None;
        let answer = self.call(cx, 0, Instance::on_timer)?;
        self.judge(answer)?;
        for event in self.call.emitted.drain(..) {
            event.forward(cx);
        }
        Ok(())
    }
}

impl Drop for WasmPlugin {
    fn drop(&mut self) {
        self.call.spent = 0;
        let closed = self.lease.instance().close(&mut self.call, self.handle);
        if closed.is_err() {
            // Nobody new may come into an instance that has ended.
            self.lease.retire();
            self.share.failed(true);
        }
    }
}

impl fmt::Debug for WasmPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmPlugin").field("name", &self.name()).field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_plugin_bundle as bundle;
    use ratatosk_plugin_encryption::config;
    use ratatosk_protocol::message::Payload;
    use ratatosk_protocol::plugin::{NonceParity, Stack};
    use salsa20::cipher::consts::U10;
    use salsa20::hsalsa;

    use super::*;
    use crate::{HostLimits, Manifest, PluginHost};

    struct Ones;

    impl Entropy for Ones {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(1);
        }
    }

    fn key(mut next: u8) -> [u8; 32] {
        [0; 32].map(|_: u8| {
            next = next.wrapping_add(3);
            next
        })
    }

    fn has(memory: &[u8], key: &[u8]) -> bool {
        memory.windows(key.len()).any(|window| window == key)
    }

    /// In an instance that others go on using, where wiping the whole memory is no way out.
    #[test]
    fn no_copy_of_a_key_outlives_its_connection() {
        let limits = HostLimits { instances: 2, instances_per_module: 1, ..HostLimits::default() };
        let host = PluginHost::new(limits).unwrap();
        let manifest = Manifest::parse(bundle::ENCRYPTION.manifest).unwrap();
        let module = Module::new(&host, manifest, bundle::ENCRYPTION.wasm).unwrap();
        let now = Instant::now();
        let keys = [key(1), key(101)];
        let open = |key| module.open(&config(key, NonceParity::Even), now, Box::new(Ones)).unwrap();

        let watcher = open(&keys[0]);
        let memory = || watcher.lease.instance().memory().to_vec();
        let mut stack = Stack::new(vec![Box::new(open(&keys[1]))], Box::new(Ones)).unwrap();
        assert_eq!(module.instances(), 1);
        stack.handle_incoming(now, Incoming::Opened);
        for len in [0, 100, 70_000] {
            stack.send(now, Payload::binary(vec![7; len])).unwrap();
            assert!(stack.poll_transmit().is_some());
        }
        stack.handle_incoming(now, Incoming::Message(Payload::binary(vec![0; 300])));
        assert!(stack.failure().is_some());
        // What messages are sealed with is there while it is needed: the search finds what it looks for.
        let derived = keys.map(|key| <[u8; 32]>::from(hsalsa::<U10>(&key.into(), &[0; 16].into())));
        assert!(has(&memory(), &derived[0]) && has(&memory(), &derived[1]));

        drop(stack);
        assert!(has(&memory(), &derived[0]));
        // A quarter of a key would be too much as well.
        for key in keys.iter().chain([&derived[1]]) {
            assert!(key.chunks(8).all(|part| !has(&memory(), part)));
        }
    }
}
