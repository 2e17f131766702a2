//! A module that does with the host whatever a message says.
//!
//! Input: how often the timer may ring, then calls of 12 bytes: which call, three bytes, and two numbers of four bytes
//! (little-endian), which are places and lengths in the memory of the module where the call has them.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ratatosk_plugin_host::{HostLimits, Manifest, Module, PluginHost};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Stack};
use sha2::{Digest, Sha256};

use super::watch::{Watch, delivered};

const MEMORY_MAX: usize = 1 << 20;

/// Most events of a call.
const EVENTS: usize = 50;

const MODULE: &str = r#"(module
  (import "ratatosk_plugin_1" "emit" (func $emit (param i32 i32 i32 i32)))
  (import "ratatosk_plugin_1" "random" (func $random (param i32 i32)))
  (import "ratatosk_plugin_1" "now_ms" (func $now_ms (result i64)))
  (import "ratatosk_plugin_1" "set_timer" (func $set_timer (param i32 i64)))
  (import "ratatosk_plugin_1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "a text, \c3\a9\ff")
  (global $len (mut i32) (i32.const 0))
  (func (export "ratatosk_plugin_abi_1"))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "open") (param i32) (result i32) (i32.const 0))
  (func (export "close") (param i32))
  (func $perform (result i32)
    (local $at i32) (local $end i32) (local $call i32) (local $first i32) (local $second i32)
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (i32.const 1024) (global.get $len)))
    (loop $next
      (if (i32.le_u (i32.add (local.get $at) (i32.const 12)) (local.get $end)) (then
        (local.set $call (i32.load8_u (local.get $at)))
        (local.set $first (i32.load offset=4 (local.get $at)))
        (local.set $second (i32.load offset=8 (local.get $at)))
        (if (i32.eq (local.get $call) (i32.const 0)) (then
          (call $emit (i32.load8_s offset=1 (local.get $at)) (i32.load8_s offset=2 (local.get $at))
            (local.get $first) (local.get $second))))
        (if (i32.eq (local.get $call) (i32.const 1)) (then (call $random (local.get $first) (local.get $second))))
        (if (i32.eq (local.get $call) (i32.const 2)) (then
          (call $set_timer (i32.load8_s offset=1 (local.get $at))
            (i64.add (call $now_ms) (i64.extend_i32_s (local.get $first))))))
        (if (i32.eq (local.get $call) (i32.const 3)) (then
          (call $set_timer (i32.const 0) (i64.load offset=4 (local.get $at)))))
        (if (i32.eq (local.get $call) (i32.const 4)) (then (call $fail (local.get $first) (local.get $second))))
        (if (i32.eq (local.get $call) (i32.const 5)) (then (return (local.get $first))))
        (if (i32.eq (local.get $call) (i32.const 6)) (then
          (drop (memory.grow (local.get $first)))))
        (if (i32.eq (local.get $call) (i32.const 7)) (then (unreachable)))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (br $next))))
    (i32.const 0))
  (func (export "on_event") (param $handle i32) (param $direction i32) (param $kind i32) (param $len i32) (result i32)
    (if (i32.ne (local.get $kind) (i32.const 2)) (then (return (i32.const 1))))
    (global.set $len (local.get $len))
    (call $perform))
  (func (export "on_timer") (param i32) (result i32) (call $perform))
)"#;

fn module() -> &'static Module {
    static MODULE_OF_ALL: OnceLock<(PluginHost, Module)> = OnceLock::new();
    let (_, module) = MODULE_OF_ALL.get_or_init(|| {
        let limits =
            HostLimits { instances: 8, instances_per_module: 8, memory_max: MEMORY_MAX, events_per_call: EVENTS };
        let host = PluginHost::new(limits).unwrap();
        let wasm = wat::parse_str(MODULE).unwrap();
        let digest = hex::encode(Sha256::digest(&wasm));
        let text = format!(
            "name = \"puppet\"\nversion = \"1\"\nabi = 1\nfile = \"puppet.wasm\"\nsha256 = \"{digest}\"\n\
             layer = \"transform\"\nmemory_max = {MEMORY_MAX}\ndeadline_ms = 5000\n"
        );
        let module = Module::new(&host, Manifest::parse(&text).unwrap(), &wasm).unwrap();
        (host, module)
    });
    module
}

/// What came of an input.
#[derive(Default)]
pub(super) struct Came {
    pub(super) delivered: Vec<Payload>,
    pub(super) failure: Option<String>,
}

/// Whatever the module does, the stack keeps its promises, and the next connection has a module that works.
pub(super) fn run(data: &[u8]) -> Came {
    let mut came = Came::default();
    let Some((&rings, calls)) = data.split_first() else { return came };
    let mut now = Instant::now();
    let plugin = module().open(b"", now, Box::new(Counter(0))).unwrap();
    let mut stack = Stack::new(vec![Box::new(plugin)], Box::new(Counter(0))).unwrap();
    let mut watch = Watch::default();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack.handle_incoming(now, Incoming::Message(Payload::binary(calls.to_vec())));
    came.delivered = check(&mut stack, &mut watch);
    let closed = watch.is_closed();
    let refused = stack.send(now, Payload::binary(calls.to_vec())).is_err();
    assert_eq!(refused, closed || stack.failure().is_some());
    check(&mut stack, &mut watch);
    for _ in 0..rings % 4 {
        let Some(deadline) = stack.poll_timeout() else { break };
        now = now.max(deadline);
        stack.handle_timeout(now);
        check(&mut stack, &mut watch);
        assert!(stack.poll_timeout().is_none_or(|next| next > now), "a timer does not move on");
        now += Duration::from_millis(1);
    }
    came.failure = stack.failure().map(|failure| failure.error.text.clone());
    came
}

fn check(stack: &mut Stack, watch: &mut Watch) -> Vec<Payload> {
    let sent = watch.sent(stack);
    let delivered = delivered(stack);
    assert!(sent.len().max(delivered.len()) <= EVENTS + 1, "{} and {} events", sent.len(), delivered.len());
    let bytes: usize = sent.iter().chain(&delivered).map(Payload::len).sum();
    assert!(bytes <= 2 * MEMORY_MAX, "{bytes} bytes were emitted");
    delivered
}

/// The same bytes in every run.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(5).wrapping_add(7);
            *byte = self.0;
        }
    }
}
