//! Any number of peers, in any order of posts, connections, breaks and restored backups, end with the same channel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{World, channel_info, texts};
use proptest::prelude::*;
use proptest::sample::Index;
use ratatosk_chum::memory::Shelf;
use ratatosk_chum::{Event, Settings};

const EMAILS: [&str; 5] = ["a@peer.test", "b@peer.test", "c@peer.test", "d@peer.test", "e@peer.test"];

#[derive(Clone, Debug)]
enum Act {
    /// Somebody writes something.
    Post(Index),
    /// Two are connected, maybe a second time.
    Connect(Index, Index),
    /// A connection breaks after so many rounds of messages.
    Break(Index, usize),
    /// So many rounds of messages.
    Settle(usize),
    /// Time passes.
    Wait(u64),
    /// Somebody gets a backup that was made earlier.
    Restore(Index),
    /// Somebody makes one.
    Backup(Index),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => any::<Index>().prop_map(Act::Post),
        4 => any::<(Index, Index)>().prop_map(|(a, b)| Act::Connect(a, b)),
        2 => (any::<Index>(), 0..40usize).prop_map(|(link, rounds)| Act::Break(link, rounds)),
        4 => (0..40usize).prop_map(Act::Settle),
        4 => (0..6_000u64).prop_map(Act::Wait),
        1 => any::<Index>().prop_map(Act::Backup),
        1 => any::<Index>().prop_map(Act::Restore),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    (1..20usize, 1..20usize, 1..100usize, 1..5_000usize).prop_map(|(window, batch, step, window_bytes)| Settings {
        window,
        batch,
        step,
        window_bytes,
        ..Settings::default()
    })
}

/// A connection may not end by itself, nor may anything be refused but for what a restored backup explains.
fn check(link: &common::Link, was_restored: bool) {
    assert_eq!(link.closed, [None, None]);
    let refused = link.events.iter().flatten().filter(|event| matches!(event, Event::Refused { .. }));
    assert!(was_restored || refused.clone().count() == 0, "{:?}", refused.collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, max_shrink_iters: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn all_end_with_the_same(
        peers in 2..=EMAILS.len(),
        settings in settings(),
        acts in proptest::collection::vec(act(), 0..60),
    ) {
        let mut world = World::new(&EMAILS[..peers]);
        world.settings = settings;
        let channel = world.channel("chat");
        let mut backups: Vec<Shelf> = world.shelves.clone();
        let (mut posts, mut was_restored) = (0, false);
        for act in acts {
            match act {
                Act::Post(peer) => {
                    posts += 1;
                    world.post(peer.index(peers), "chat", &format!("{posts}"));
                }
                Act::Connect(a, b) => {
                    let (a, b) = (a.index(peers), b.index(peers));
                    if a != b && world.links.len() < 8 {
                        world.connect(a, b);
                    }
                }
                Act::Break(link, rounds) => {
                    world.settle(rounds);
                    if !world.links.is_empty() {
                        check(&world.cut(link.index(world.links.len())), was_restored);
                    }
                }
                Act::Settle(rounds) => world.settle(rounds),
                Act::Wait(millis) => world.run(Duration::from_millis(millis)),
                Act::Backup(peer) => backups[peer.index(peers)] = world.shelves[peer.index(peers)].clone(),
                Act::Restore(peer) => {
                    let peer = peer.index(peers);
                    was_restored = true;
                    // Whoever gets a backup was not running meanwhile.
                    while let Some(link) = world.links.iter().position(|link| link.ends.contains(&peer)) {
                        check(&world.cut(link), true);
                    }
                    world.shelves[peer] = backups[peer].clone();
                }
            }
        }
        while !world.links.is_empty() {
            check(&world.cut(0), was_restored);
        }
        let expected: BTreeSet<_> = world.shelves.iter().flat_map(|shelf| texts(shelf, &channel)).collect();
        for peer in 1..peers {
            world.connect(peer - 1, peer);
        }
        world.run(Duration::from_secs(60));
        for shelf in &world.shelves {
            prop_assert_eq!(channel_info(shelf, &channel), channel_info(&world.shelves[0], &channel));
            let found = texts(shelf, &channel);
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(&found.into_iter().collect::<BTreeSet<_>>(), &expected);
        }
        // And they rest: nothing but a question and an answer from each side in five seconds.
        let sent: usize = world.links.iter().flat_map(|link| link.sent).map(|(messages, _)| messages).sum();
        world.run(Duration::from_secs(5));
        let after: usize = world.links.iter().flat_map(|link| link.sent).map(|(messages, _)| messages).sum();
        prop_assert!(after - sent <= 8 * (peers - 1), "{} messages at rest", after - sent);
        for link in &world.links {
            check(link, was_restored);
        }
    }
}
