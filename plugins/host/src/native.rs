//! A plugin written with the SDK and linked, in the place of its module.

use std::time::Instant;

use ratatosk_plugin::{self as sdk, Buffer, Direction, Failure, Kind, Verdict};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};

use crate::clock::Clock;
use crate::event::Event;
use crate::stopped::Misuse;

/// A linked plugin in the stack: the same source as a module, without its limits.
pub struct NativePlugin<P> {
    name: String,
    layer: Layer,
    plugin: P,
    buffer: Buffer,
    clock: Clock,
    timer: Option<Instant>,
    entropy: Box<dyn Entropy>,
}

/// What the plugin is lent for one call.
struct Lent<'a> {
    now_ms: u64,
    entropy: &'a mut dyn Entropy,
    may_emit: bool,
    emitted: Vec<Event>,
    misuse: Option<Misuse>,
    timer: Option<u64>,
}

impl sdk::Host for Lent<'_> {
    fn emit(&mut self, direction: Direction, kind: Kind, data: &[u8]) {
        let (direction, kind) = (direction.code(), kind.code());
        let event =
            if self.may_emit { Event::emitted(direction, kind, data) } else { Err(Misuse::Event { direction, kind }) };
        match event {
            Ok(event) => self.emitted.push(event),
            Err(misuse) => self.misuse = Some(misuse),
        }
    }

    fn random(&mut self, out: &mut [u8]) {
        self.entropy.fill(out);
    }

    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }

    fn set_timer(&mut self, at_ms: u64) {
        self.timer = Some(at_ms);
    }
}

impl<P: sdk::Plugin> NativePlugin<P> {
    /// The plugin of a connection, like [`Module::open`](crate::Module::open).
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    pub fn open(
        name: impl Into<String>,
        layer: Layer,
        config: &[u8],
        now: Instant,
        mut entropy: Box<dyn Entropy>,
    ) -> Result<Self, Failure> {
        let mut lent = Lent {
            now_ms: 0,
            entropy: entropy.as_mut(),
            may_emit: false,
            emitted: Vec::new(),
            misuse: None,
            timer: None,
        };
        let plugin = P::open(&mut lent, config)?;
        if let Some(misuse) = lent.misuse {
            return Err(Failure::new(misuse));
        }
        let clock = Clock::starting(now);
        let timer = lent.timer.and_then(|at_ms| clock.timer(at_ms));
        Ok(Self { name: name.into(), layer, plugin, buffer: Buffer::new(), clock, timer, entropy })
    }

    /// Calls the plugin. What it emitted comes with its answer.
    fn call<R>(
        &mut self,
        cx: &Context<'_>,
        action: impl FnOnce(&mut P, &mut Lent<'_>, &mut Buffer) -> Result<R, Failure>,
    ) -> Result<(R, Vec<Event>), PluginError> {
        let now_ms = self.clock.millis(cx.now());
        let entropy = self.entropy.as_mut();
        let mut lent = Lent { now_ms, entropy, may_emit: true, emitted: Vec::new(), misuse: None, timer: None };
        let result = action(&mut self.plugin, &mut lent, &mut self.buffer);
        if let Some(at_ms) = lent.timer {
            self.timer = self.clock.timer(at_ms);
        }
        let answer = result.map_err(|failure| PluginError(failure.0))?;
        match lent.misuse {
            Some(misuse) => Err(PluginError(format!("plugin {}: {misuse}", self.name))),
            None => Ok((answer, lent.emitted)),
        }
    }

    fn handle_event(&mut self, cx: &mut Context<'_>, event: Event) -> Result<(), PluginError> {
        let encoded = event.encode();
        let (direction, kind) = (Direction::from_code(encoded.direction), Kind::from_code(encoded.kind));
        let (Some(direction), Some(kind), true) = (direction, kind, P::SUBSCRIBE & encoded.bit() != 0) else {
            event.forward(cx);
            return Ok(());
        };
        let (verdict, emitted) = self.call(cx, |plugin, lent, buffer| {
            encoded.write(buffer.prepare(encoded.len()));
            let verdict = plugin.on_event(lent, direction, kind, buffer);
            buffer.clear();
            verdict
        })?;
        event.settle(cx, emitted, verdict == Verdict::Pass);
        Ok(())
    }
}

impl<P: sdk::Plugin + Send> Plugin for NativePlugin<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn layer(&self) -> Layer {
        self.layer
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
        let ((), emitted) = self.call(cx, |plugin, lent, _| plugin.on_timer(lent))?;
        for event in emitted {
            event.forward(cx);
        }
        Ok(())
    }
}

impl<P> Drop for NativePlugin<P> {
    fn drop(&mut self) {
        self.buffer.wipe();
    }
}
