//! What a poll and a message cost does not depend on how long the history is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::{START_MS, World, channel_info, open_channel, post};
use ratatosk_chum::memory::Shelf;

/// Reads of the storage and messages on the wire.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    reads: [u64; 2],
    messages: [usize; 2],
}

/// Two peers that both have `count` messages, connected and at rest.
fn world(count: u64) -> World {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let persons = world.persons.clone();
    let mut shelf: Shelf = common::shelf(&["a@peer.test", "b@peer.test"]);
    for me in &persons {
        open_channel(&mut shelf, *me, &persons, "chat");
    }
    for n in 0..count {
        post(
            &mut shelf,
            persons[usize::try_from(n % 2).unwrap()],
            "chat",
            &format!("old {n}"),
            START_MS - 2 * count + n,
        );
    }
    world.shelves = vec![shelf.clone(), shelf];
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    world
}

fn cost(world: &mut World, act: impl FnOnce(&mut World)) -> Cost {
    let before: Vec<_> = world.shelves.iter().map(Shelf::reads).collect();
    let sent = world.links[0].sent;
    act(world);
    assert_eq!(world.links[0].closed, [None, None]);
    Cost {
        reads: [0, 1].map(|peer| world.shelves[peer].reads() - before[peer]),
        messages: [0, 1].map(|end| world.links[0].sent[end].0 - sent[end].0),
    }
}

fn costs(count: u64) -> [Cost; 4] {
    let mut world = world(count);
    let idle = cost(&mut world, |world| world.run(Duration::from_secs(5)));
    let said = |peer: usize| {
        move |world: &mut World| {
            world.post(peer, "chat", "new");
            world.run(Duration::from_secs(5));
        }
    };
    let first = cost(&mut world, said(0));
    let answer = cost(&mut world, said(1));
    let both = cost(&mut world, |world| {
        world.post(0, "chat", "at once");
        world.post(1, "chat", "too");
        world.run(Duration::from_secs(5));
    });
    let channel = open_channel(&mut world.shelves[0].clone(), world.persons[0], &[], "chat");
    assert_eq!(channel_info(&world.shelves[0], &channel), channel_info(&world.shelves[1], &channel));
    [idle, first, answer, both]
}

#[test]
fn after_100_000_messages_as_after_100() {
    let few = costs(100);
    let many = costs(100_000);
    assert_eq!(few, many);
    // One question for the generation, by the one who is asked; the world asks once more whether to tell somebody.
    let [idle, first, ..] = few;
    assert!(idle.reads.iter().all(|reads| *reads <= 40) && idle.messages == [2, 2], "{idle:?}");
    assert!(first.reads.iter().sum::<u64>() < 250 && first.messages.iter().sum::<usize>() < 40, "{first:?}");
}
