//! What it costs that a plugin is a module: a message of 100 B through a stack with one plugin that does nothing.
//!
//! Every contender is the same call of the stack: `send`, then `poll_transmit`. A module is entered twice for it (`alloc` and
//! `on_event`), and the message is written into its memory; one that emits calls the host back, which takes a copy.

use std::hint::black_box;
use std::time::Instant;

use ratatosk_benches::{Contender, Outcome, Times, duel};
use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Verdict};
use ratatosk_plugin_host::{HostLimits, Manifest, Module, PluginHost};
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Layer, Linked, Plugin, Stack};
use sha2::{Digest, Sha256};

use crate::options::Options;

const SIZE: usize = 100;

/// Where in the order of turns these are.
pub(crate) const NOTHING: usize = 0;
pub(crate) const LINKED: usize = 1;
pub(crate) const MODULE: usize = 2;

/// A plugin of the protocol that passes everything on without a look: the stack alone.
struct Nothing;

impl Plugin for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn layer(&self) -> Layer {
        Layer::Transform
    }
}

/// The module's equal, linked: gets the message in a buffer, and lets it pass or emits it.
struct Pass<const EMITS: bool>;

impl<const EMITS: bool> ratatosk_plugin::Plugin for Pass<EMITS> {
    fn open(_host: &mut dyn Host, _config: &[u8]) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure> {
        if !EMITS || kind != Kind::Binary {
            return Ok(Verdict::Pass);
        }
        host.emit(direction, kind, data);
        Ok(Verdict::Consumed)
    }
}

/// Times of the contenders.
pub(crate) fn measure(options: &Options) -> Outcome<Vec<Times>> {
    let host = PluginHost::new(HostLimits::default())?;
    let message = Payload::binary(vec![0xa5; SIZE]);
    let contenders: [(&str, Box<dyn Plugin>); 5] = [
        ("the stack alone", Box::new(Nothing)),
        ("linked, passes", Box::new(Linked::from_plugin("pass", Layer::Transform, Pass::<false>))),
        ("module, passes", module(&host, include_str!("pass.wat"))?),
        ("linked, emits", Box::new(Linked::from_plugin("emit", Layer::Transform, Pass::<true>))),
        ("module, emits", module(&host, include_str!("emit.wat"))?),
    ];
    let mut contenders = contenders.map(|(name, plugin)| contender(name, plugin, &message));
    duel(options.rounds, &mut contenders)
}

fn contender<'a>(name: &str, plugin: Box<dyn Plugin>, message: &'a Payload) -> Contender<'a> {
    let mut stack = Stack::of_one(plugin, Box::new(OsEntropy));
    let now = Instant::now();
    stack.handle_incoming(now, Incoming::Opened);
    Contender::timed(name, move |times| {
        let began = Instant::now();
        for _ in 0..times {
            stack.send(now, black_box(message).clone())?;
            black_box(stack.poll_transmit()).ok_or("nothing was sent")?;
        }
        Ok(began.elapsed())
    })
}

fn module(host: &PluginHost, text: &str) -> Outcome<Box<dyn Plugin>> {
    let wasm = wat::parse_str(text)?;
    let digest = hex::encode(Sha256::digest(&wasm));
    let manifest = format!(
        "name = \"pass\"\nversion = \"1\"\nabi = 1\nfile = \"pass.wasm\"\nsha256 = \"{digest}\"\nlayer = \"transform\"\n"
    );
    let module = Module::new(host, Manifest::parse(&manifest)?, &wasm)?;
    Ok(Box::new(module.open(&[], Instant::now(), Box::new(OsEntropy))?))
}
