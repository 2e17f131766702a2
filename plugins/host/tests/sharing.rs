//! Connections that share an instance, and one that wants all of its memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::time::Instant;

use bytes::Bytes;
use ratatosk_plugin_bundle as bundle;
use ratatosk_plugin_host::{HostLimits, Manifest, Module, PluginHost};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Stack};

const MIB: usize = 1 << 20;

fn connect(module: &Module) -> Stack {
    let plugin = module.open(&[], Instant::now(), os_entropy()).unwrap();
    let mut stack = Stack::of_one(Box::new(plugin), os_entropy());
    stack.handle_incoming(Instant::now(), Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

fn begin(stack: &mut Stack) {
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("fragmentation_start_binary")));
}

/// So many chunks of a mebibyte, or as many as are taken.
fn chunks(stack: &mut Stack, count: usize) -> usize {
    let chunk = Bytes::from(vec![7; MIB]);
    (0..count)
        .take_while(|_| {
            stack.handle_incoming(Instant::now(), Incoming::Message(Payload::Binary(chunk.clone())));
            stack.failure().is_none()
        })
        .count()
}

fn finish(stack: &mut Stack) -> Option<usize> {
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("fragmentation_end")));
    match stack.poll_event() {
        Some(Incoming::Message(message)) => Some(message.len()),
        _ => None,
    }
}

#[test]
fn peers_that_finish_nothing_do_not_end_the_connections_of_others() {
    let host = PluginHost::new(HostLimits { instances: 2, instances_per_module: 1, ..HostLimits::default() }).unwrap();
    let manifest = Manifest::parse(bundle::FRAGMENTATION.manifest).unwrap();
    let module = Module::new(&host, manifest, bundle::FRAGMENTATION.wasm).unwrap();
    let mut stacks: Vec<_> = (0..4).map(|_| connect(&module)).collect();
    assert_eq!(module.instances(), 1);
    stacks.iter_mut().for_each(begin);
    assert_eq!((chunks(&mut stacks[0], 95), chunks(&mut stacks[1], 95)), (95, 95));
    // The third one asks for more than is left, and is refused; the instance goes on.
    assert_eq!(chunks(&mut stacks[2], 95), 2);
    let refused = stacks[2].failure().unwrap();
    assert_eq!((refused.error.text.as_str(), refused.error.broken), ("Too many bytes of unfinished messages.", false));
    assert_eq!((module.stats().traps(), module.stats().failures()), (0, 1));
    assert_eq!(finish(&mut stacks[0]), Some(95 * MIB));
    // What is finished, and what its peer has left, is there for others.
    drop(stacks.remove(1));
    assert_eq!(chunks(&mut stacks[2], 100), 100);
    assert_eq!(finish(&mut stacks[2]), Some(100 * MIB));
}
