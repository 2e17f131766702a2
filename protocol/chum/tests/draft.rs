//! Drafts between two machines, and before peers that do not know them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::World;
use ratatosk_chum::message::{Message, parse};
use ratatosk_chum::{AnswerId, Draft, DraftState, Event, Input};
use ratatosk_protocol::message::Payload;

fn draft(answer: u8, offset: usize, text: &str, state: DraftState) -> Draft {
    let answer = AnswerId::from_bytes([answer; 16]);
    Draft { topic: "chat".to_owned(), answer, offset: offset as u64, text: text.to_owned(), state }
}

/// What an end was shown, put together.
fn shown(world: &World, end: usize) -> (String, Option<DraftState>, usize) {
    let (mut text, mut state, mut pieces) = (String::new(), None, 0);
    for event in &world.links[0].events[end] {
        let Event::Draft(draft) = event else { continue };
        text.truncate(usize::try_from(draft.offset).unwrap());
        text.push_str(&draft.text);
        state = Some(draft.state);
        pieces += 1;
    }
    (text, state, pieces)
}

fn is_draft(message: &Payload) -> bool {
    let Payload::Text(text) = message else { return false };
    matches!(parse(text), Ok(Message::Request { service: 100, .. }))
}

#[test]
fn what_one_writes_the_other_sees() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    let mut written = String::new();
    for word in ["Once ", "upon ", "a ", "time 世"] {
        world.hand(0, 0, Input::Draft(draft(1, written.len(), word, DraftState::Writing)));
        written.push_str(word);
        world.settle(usize::MAX);
        assert_eq!(shown(&world, 1).0, written);
    }
    world.hand(0, 0, Input::Draft(draft(1, written.len(), "", DraftState::Done)));
    world.settle(usize::MAX);
    assert_eq!(shown(&world, 1), (written, Some(DraftState::Done), 5));
    assert_eq!(world.links[0].closed, [None, None]);
}

#[test]
fn what_is_written_before_the_start_is_shown_after_it() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.connect(0, 1);
    world.hand(0, 0, Input::Draft(draft(1, 0, "early", DraftState::Writing)));
    world.settle(usize::MAX);
    assert_eq!(shown(&world, 1).2, 0);
    world.run(Duration::from_secs(1));
    assert_eq!(shown(&world, 1).0, "early");
}

#[test]
fn a_slow_peer_gets_few_and_long_pieces_one_at_a_time() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    let word = "word ".repeat(10);
    for number in 0..1000 {
        world.hand(0, 0, Input::Draft(draft(1, number * word.len(), &word, DraftState::Writing)));
        // What it makes is taken, and nothing arrives.
        world.drain();
    }
    assert_eq!(world.links[0].wires[0].iter().filter(|message| is_draft(message)).count(), 1);
    world.settle(usize::MAX);
    let (text, _, pieces) = shown(&world, 1);
    assert_eq!(text, word.repeat(1000));
    assert!(pieces <= 8, "{pieces}");
}

#[test]
fn everything_else_goes_first() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.channel("chat");
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    for number in 0..50 {
        world.post(0, "chat", &format!("{number}"));
    }
    world.tell();
    world.hand(0, 0, Input::Draft(draft(1, 0, "later", DraftState::Writing)));
    world.drain();
    let wire = &world.links[0].wires[0];
    let at = wire.iter().position(is_draft).unwrap();
    assert!(at > 0 && at == wire.len() - 1, "{wire:?}");
}

#[test]
fn who_answers_with_an_error_is_shown_nothing_more() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    world.hand(0, 0, Input::Draft(draft(1, 0, "who are you?", DraftState::Writing)));
    world.drain();
    let request = world.links[0].wires[0].pop_back().unwrap();
    let Payload::Text(request) = request else { panic!("a text") };
    let Ok(Message::Request { id, .. }) = parse(&request) else { panic!("a request") };
    // As the reference answers.
    let answer = format!(
        r#"{{"responseId":{id},"type":"error","error":{{"name":"TypeError","message":"Not a function: Servcie ID 100 [number]","code":"UNKNOWN-SERVICE"}}}}"#
    );
    world.hand(0, 0, Input::Message(Payload::Text(answer)));
    for number in 0..100_u8 {
        world.hand(0, 0, Input::Draft(draft(number, 0, "nobody looks", DraftState::Writing)));
    }
    world.drain();
    assert!(!world.links[0].wires[0].iter().any(is_draft));
    // Nothing else has suffered.
    let channel = world.channel("chat");
    world.post(0, "chat", "still here");
    world.run(Duration::from_secs(1));
    assert_eq!(common::texts(&world.shelves[1], &channel), ["still here"]);
    assert_eq!(world.links[0].closed, [None, None]);
}
