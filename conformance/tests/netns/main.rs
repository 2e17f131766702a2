//! Our programs as processes on hosts of their own, on a network that fails as networks do: cables are pulled, one direction
//! goes silent, links are narrow and drop.
//!
//! Network namespaces need Linux, root and `ip`; loss and delay by `tc netem` need that in the kernel. What is not there is
//! skipped, with a line that says why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![cfg(target_os = "linux")]

mod net;
mod process;

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use net::{Host, Network};
use process::{PATIENCE, Peer, Programs, Relay};

/// Pings of spares that fail soon.
const PING_INTERVAL: Duration = Duration::from_millis(1000);
const PONG_TIMEOUT: Duration = Duration::from_millis(500);
const SHORT_PINGS: [&str; 4] = ["--ping-interval-ms", "1000", "--pong-timeout-ms", "500"];
/// A listener gives a CommServer up so long after its last ping, and the interval (spec §6).
const LISTENER_PATIENCE: Duration = Duration::from_millis(4000);
/// A peer that says nothing is missed after this (spec §4).
const NO_LIFESIGN: Duration = Duration::from_secs(25);
/// What a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_secs(4);

/// The network and the programs, or `None` and a line that says why not.
fn place(scenario: &str) -> Option<(Programs, Network)> {
    let found = Programs::find().and_then(|programs| Ok((programs, Network::new()?)));
    found.map_err(|why| skipped(scenario, &why)).ok()
}

fn skipped(scenario: &str, why: &str) {
    // Shown even if all is well.
    let _ = writeln!(std::io::stderr(), "skipped: network namespaces, {scenario}: {why}");
}

/// Bytes of which no two places are alike.
fn bytes(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

/// The message with that number out of ten.
fn message(base: &[u8], number: usize) -> Vec<u8> {
    let mut bytes = base.to_vec();
    bytes.rotate_left(number * 1009);
    bytes
}

/// 10 MB both ways at the same time, in ten messages each, arrive in order and unchanged.
fn exchange(a: &mut Peer, b: &mut Peer, patience: Duration) {
    const MESSAGES: usize = 10;
    const LEN: usize = 1_000_000;
    let (from_a, from_b) = (bytes(1, LEN), bytes(2, LEN));
    let (key_a, key_b) = (a.key.clone(), b.key.clone());
    assert_eq!(b.send(&key_a, "first")["event"], "result");
    a.gets("first");
    let talk = |peer: &mut Peer, other: &str, mine: &[u8], theirs: &[u8]| {
        for number in 0..MESSAGES {
            peer.send_bytes(other, &message(mine, number));
        }
        for number in 0..MESSAGES {
            assert!(peer.gets_bytes(patience) == message(theirs, number), "message {number} has changed");
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| talk(a, &key_b, &from_a, &from_b));
        scope.spawn(|| talk(b, &key_a, &from_b, &from_a));
    });
}

#[test]
fn a_peer_whose_cable_is_pulled_is_missed_in_time_and_comes_back() {
    let Some((programs, network)) = place("a connector vanishes") else { return };
    let _relay = Relay::start(&programs, &network, &[]);
    let mut a = Peer::online(&programs, &network, Host::A);
    let mut b = Peer::online(&programs, &network, Host::B);
    let (key_a, key_b) = (a.key.clone(), b.key.clone());
    assert_eq!(b.send(&key_a, "hello")["event"], "result");
    a.gets("hello");
    let heard = Instant::now();
    assert_eq!(a.send(&key_b, "hello yourself")["event"], "result");
    b.gets("hello yourself");
    network.pull(Host::B);

    // Nobody has said good-bye: both ends have to find out.
    for peer in [&a, &b] {
        let (at, event) = peer.event(NO_LIFESIGN + SLACK, "disconnected");
        assert!(event["reason"].as_str().unwrap().contains("No lifesign"), "{event}");
        assert_eq!(event["origin"], "local");
        let took = at.duration_since(heard);
        assert!((NO_LIFESIGN - Duration::from_secs(1)..NO_LIFESIGN + SLACK).contains(&took), "{took:?}");
    }

    network.plug(Host::B);
    assert_eq!(b.send(&key_a, "here again")["event"], "result");
    a.gets("here again");
}

#[test]
fn spares_of_a_vanished_listener_are_dropped_in_time_and_registered_again() {
    let Some((programs, network)) = place("a listener vanishes") else { return };
    let relay = Relay::start(&programs, &network, &SHORT_PINGS);
    let a = Peer::online(&programs, &network, Host::A);
    let mut b = Peer::online(&programs, &network, Host::B);
    let pulled = Instant::now();
    network.pull(Host::A);

    // Both spares, each within its ping and its pong.
    for _ in 0..2 {
        let took = relay.says("cause=\"timeout\"", PATIENCE).duration_since(pulled);
        assert!(took <= PING_INTERVAL + PONG_TIMEOUT + SLACK, "{took:?}");
    }
    let answer = b.send(&a.key, "is anybody there?");
    assert_eq!(answer["event"], "error", "{answer}");
    let took = a.is_online(false, PATIENCE).duration_since(pulled);
    assert!(took <= PING_INTERVAL + LISTENER_PATIENCE + SLACK, "{took:?}");

    network.plug(Host::A);
    a.is_online(true, PATIENCE);
    assert_eq!(b.send(&a.key, "welcome back")["event"], "result");
    a.gets("welcome back");
}

#[test]
fn a_listener_that_hears_but_is_not_heard_is_dropped_and_comes_back() {
    let Some((programs, network)) = place("one direction is silent") else { return };
    let relay = Relay::start(&programs, &network, &SHORT_PINGS);
    let a = Peer::online(&programs, &network, Host::A);
    let mut b = Peer::online(&programs, &network, Host::B);
    let muted = Instant::now();
    network.mute(Host::A);
    let took = relay.says("cause=\"timeout\"", PATIENCE).duration_since(muted);
    assert!(took <= PING_INTERVAL + PONG_TIMEOUT + SLACK, "{took:?}");
    a.is_online(false, PATIENCE);
    network.unmute(Host::A);
    a.is_online(true, PATIENCE);
    assert_eq!(b.send(&a.key, "can you hear me?")["event"], "result");
    a.gets("can you hear me?");
}

#[test]
fn ten_megabytes_both_ways_pass_a_narrow_link_that_drops() {
    let Some((programs, network)) = place("a narrow link") else { return };
    network.set_mtu(Host::B, 1280);
    // A full queue drops, and what it holds is delay.
    if let Err(why) = network.queue(Host::B, "tbf rate 50mbit burst 16kb latency 4ms") {
        return skipped("a narrow link", &why);
    }
    let _relay = Relay::start(&programs, &network, &[]);
    let mut a = Peer::online(&programs, &network, Host::A);
    let mut b = Peer::online(&programs, &network, Host::B);
    exchange(&mut a, &mut b, PATIENCE);
    assert!(network.dropped(Host::B).iter().all(|dropped| *dropped > 0), "nothing was lost on the way");
}

#[test]
fn ten_megabytes_both_ways_pass_a_link_with_loss_and_delay() {
    let Some((programs, network)) = place("loss and delay") else { return };
    if let Err(why) = network.queue(Host::B, "netem delay 10ms 2ms loss 0.5% limit 10000") {
        return skipped("loss and delay", &why);
    }
    let _relay = Relay::start(&programs, &network, &[]);
    let mut a = Peer::online(&programs, &network, Host::A);
    let mut b = Peer::online(&programs, &network, Host::B);
    exchange(&mut a, &mut b, 3 * PATIENCE);
    assert!(network.dropped(Host::B).iter().all(|dropped| *dropped > 0), "nothing was lost on the way");
}
