//! A plugin written with the SDK and linked: the same source as a module, in its place.

use std::time::Instant;

use ratatosk_plugin::{self as sdk, Buffer, Direction, Failure, Kind, Verdict};

use super::abi::{EmitError, Event};
use super::clock::Clock;
use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::entropy::Entropy;

/// A linked plugin in the stack. It is trusted: nothing bounds its time and memory but itself.
#[derive(Debug)]
pub struct Linked<P> {
    name: &'static str,
    layer: Layer,
    plugin: P,
    clock: Option<Clock>,
    timer: Option<Instant>,
}

/// What the plugin is lent for one call.
struct Lent<'a> {
    layer: Layer,
    now_ms: u64,
    entropy: &'a mut dyn Entropy,
    may_emit: bool,
    emitted: Vec<Event>,
    misuse: Option<EmitError>,
    timer: Option<u64>,
}

impl sdk::Host for Lent<'_> {
    fn emit(&mut self, direction: Direction, kind: Kind, data: &[u8]) {
        let (direction, kind) = (direction.code(), kind.code());
        let event = if self.may_emit {
            Event::emitted(self.layer, direction, kind, data)
        } else {
            Err(EmitError::Event { direction, kind })
        };
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

impl<P: sdk::Plugin> Linked<P> {
    /// A plugin that needs no configuration any more.
    #[must_use]
    pub fn from_plugin(name: &'static str, layer: Layer, plugin: P) -> Self {
        Self { name, layer, plugin, clock: None, timer: None }
    }

    /// The plugin of a connection, from its configuration.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    pub fn open(
        name: &'static str,
        layer: Layer,
        config: &[u8],
        now: Instant,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Failure> {
        let (emitted, misuse, timer) = (Vec::new(), None, None);
        let mut lent = Lent { layer, now_ms: 0, entropy, may_emit: false, emitted, misuse, timer };
        let plugin = P::open(&mut lent, config)?;
        if let Some(misuse) = lent.misuse {
            return Err(Failure::new(misuse));
        }
        let clock = Clock::starting(now);
        let timer = lent.timer.and_then(|at_ms| clock.timer(at_ms));
        Ok(Self { name, layer, plugin, clock: Some(clock), timer })
    }

    /// Calls the plugin. What it emitted comes with its answer.
    fn call<R>(
        &mut self,
        cx: &mut Context<'_>,
        action: impl FnOnce(&mut P, &mut Lent<'_>, &mut Buffer) -> Result<R, Failure>,
    ) -> Result<(R, Vec<Event>), PluginError> {
        let now = cx.now();
        let clock = self.clock.get_or_insert_with(|| Clock::starting(now));
        let (now_ms, layer) = (clock.millis(now), self.layer);
        let entropy: &mut dyn Entropy = &mut *cx.entropy;
        let mut lent = Lent { layer, now_ms, entropy, may_emit: true, emitted: Vec::new(), misuse: None, timer: None };
        let result = action(&mut self.plugin, &mut lent, cx.scratch);
        if let Some(at_ms) = lent.timer {
            self.timer = clock.timer(at_ms);
        }
        let answer = result.map_err(PluginError::new)?;
        match lent.misuse {
            Some(misuse) => Err(PluginError::broken(format_args!("plugin {}: {misuse}", self.name))),
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
        event.settle(cx, self.layer, emitted, verdict == Verdict::Pass);
        Ok(())
    }
}

impl<P: sdk::Plugin + Send> Plugin for Linked<P> {
    fn name(&self) -> &str {
        self.name
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
