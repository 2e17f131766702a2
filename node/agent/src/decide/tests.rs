//! Decisions in single conversations; properties of all stand in `tests/`.

use ratatosk_objects::IdHash;

use super::*;
use crate::answer::notice;
use crate::conversation::{Participant, WINDOW};
use crate::rules::MAX_HOPS;

const ANNA: u8 = 1;
const BOB: u8 = 2;
/// AIs, in the order of their turns.
const EVA: u8 = 7;
const MAX: u8 = 8;
const NOW: u64 = 10 * MAX_AGE;

fn person(byte: u8) -> PersonId {
    IdHash::from_bytes([byte; 32]).into()
}

fn id(byte: u8) -> ObjectHash {
    ObjectHash::from_bytes([byte; 32])
}

fn said(n: u8, author: u8, text: &str) -> Said {
    Said { id: id(n), author: person(author), text: text.to_owned(), files: 0, at: NOW, verified: true }
}

fn topic(one_to_one: bool, who: &[u8], mode: Mode, hops: u8, messages: Vec<Said>) -> Conversation {
    let participants = who.iter().map(|byte| {
        let name = ["Anna", "Bob", "", "", "", "", "Eva", "Max"][usize::from(*byte) - 1];
        Participant { person: person(*byte), name: name.to_owned(), slug: name.to_lowercase(), is_ai: *byte >= EVA }
    });
    Conversation { one_to_one, participants: participants.collect(), rules: Rules { mode, hops }, messages }
}

fn group(mode: Mode, hops: u8, messages: Vec<Said>) -> Conversation {
    topic(false, &[ANNA, BOB, EVA, MAX], mode, hops, messages)
}

fn ask(conversation: &Conversation, who: u8, considered: &[u8]) -> Decision {
    let me = Me { person: person(who), name: String::new() };
    decide(conversation, &me, &considered.iter().map(|byte| id(*byte)).collect(), NOW)
}

fn answers(to: &[u8]) -> Decision {
    Decision::Answer(to.iter().map(|byte| id(*byte)).collect())
}

#[test]
fn a_burst_of_two_people_gets_one_answer() {
    let messages =
        vec![said(1, ANNA, "old"), said(2, MAX, "Yes."), said(3, ANNA, "a"), said(4, ANNA, "b"), said(5, ANNA, " ")];
    let conversation = topic(true, &[ANNA, MAX], Mode::Off, 1, messages);
    assert_eq!(ask(&conversation, MAX, &[1]), answers(&[3, 4]));
    // What has come late is answered, though an answer to others stands behind it.
    assert_eq!(ask(&conversation, MAX, &[3, 4]), answers(&[1]));
    assert_eq!(ask(&conversation, MAX, &[1, 3, 4]), Decision::Silent(Why::NothingNew));
    assert_eq!(ask(&conversation, ANNA, &[]), Decision::Silent(Why::NotHere));
}

#[test]
fn what_is_old_forged_or_of_a_stranger_is_not_answered() {
    let mut messages = vec![said(1, ANNA, "old"), said(2, ANNA, "forged"), said(3, 99, "stranger")];
    messages[0].at = NOW - MAX_AGE - 1;
    messages[1].verified = false;
    assert_eq!(ask(&topic(true, &[ANNA, MAX], Mode::Off, 1, messages), MAX, &[]), Decision::Silent(Why::NothingNew));
}

#[test]
fn two_ais_alone_have_nothing_to_say() {
    let conversation = topic(true, &[EVA, MAX], Mode::Free, 32, vec![said(1, EVA, "@max hello")]);
    assert_eq!(ask(&conversation, MAX, &[]), Decision::Silent(Why::NotAddressed));
    let conversation = topic(false, &[EVA, MAX], Mode::Free, 32, vec![said(1, EVA, "@max hello")]);
    assert_eq!(ask(&conversation, MAX, &[]), Decision::Silent(Why::NotAddressed));
}

#[test]
fn whoever_is_mentioned_answers() {
    let conversation = group(Mode::Mention, 4, vec![said(1, ANNA, "hello"), said(2, BOB, "@Max and @eva?")]);
    assert_eq!(ask(&conversation, MAX, &[]), answers(&[2]));
    assert_eq!(ask(&conversation, EVA, &[]), answers(&[2]));
    assert_eq!(ask(&conversation, MAX, &[2]), Decision::Silent(Why::NotAddressed));
    assert_eq!(ask(&group(Mode::Off, 4, conversation.messages), MAX, &[]), Decision::Silent(Why::Off));
}

#[test]
fn ais_that_mention_each_other_end() {
    let mut messages = vec![said(1, ANNA, "@max"), said(2, MAX, "@eva?"), said(3, EVA, "@max!")];
    assert_eq!(ask(&group(Mode::Mention, 3, messages.clone()), MAX, &[1]), answers(&[3]));
    assert_eq!(ask(&group(Mode::Mention, 2, messages.clone()), MAX, &[1]), Decision::Silent(Why::Hops));
    // A person has gone on meanwhile.
    messages.push(said(4, BOB, "so"));
    assert_eq!(ask(&group(Mode::Mention, 3, messages), MAX, &[1]), Decision::Silent(Why::NotAddressed));
}

#[test]
fn round_robin_goes_round() {
    let mut messages = vec![said(1, ANNA, "one"), said(2, BOB, "two")];
    let go = |messages: &[Said], who, considered: &[u8]| {
        ask(&group(Mode::RoundRobin, 4, messages.to_vec()), who, considered)
    };
    assert_eq!(go(&messages, EVA, &[]), answers(&[1, 2]));
    assert_eq!(go(&messages, MAX, &[]), Decision::Silent(Why::NotAddressed));
    messages.push(said(3, EVA, "Yes."));
    assert_eq!(go(&messages, MAX, &[]), Decision::Silent(Why::NotAddressed));
    messages.push(said(4, ANNA, "three"));
    assert_eq!(go(&messages, EVA, &[1, 2]), Decision::Silent(Why::NotAddressed));
    assert_eq!(go(&messages, MAX, &[]), answers(&[4]));
    messages.extend([said(5, MAX, "No."), said(6, ANNA, "four, @max"), said(7, BOB, "five, @max and @eva")]);
    assert_eq!(go(&messages, MAX, &[4]), answers(&[6]));
    assert_eq!(go(&messages, EVA, &[1, 2]), answers(&[7]));
}

#[test]
fn in_a_long_conversation_nobody_takes_the_turn_of_another() {
    // Anna asks, and each time another one answers; long before the end of it the beginning is out of sight.
    let (mut messages, mut considered) = (Vec::new(), [Vec::new(), Vec::new()]);
    for n in 0..120 {
        messages.extend([said(2 * n, ANNA, "?"), said(2 * n + 1, [EVA, MAX][usize::from(n % 2)], "!")]);
        considered[usize::from(n % 2)].push(2 * n);
        for (who, considered) in [(EVA, &considered[0]), (MAX, &considered[1])] {
            let newest = messages[messages.len().saturating_sub(WINDOW)..].to_vec();
            let decision = ask(&group(Mode::RoundRobin, 4, newest), who, considered);
            assert!(matches!(decision, Decision::Silent(_)), "{who} after {n}: {decision:?}");
        }
    }
    // Who is mentioned needs no turn, and where nobody has spoken somebody begins.
    let mut newest = messages[messages.len() - WINDOW..].to_vec();
    newest[0].text = "@max?".to_owned();
    let first = newest[0].id;
    assert_eq!(ask(&group(Mode::RoundRobin, 4, newest), MAX, &[]).first(), Some(first));
    let questions = (0..200).map(|n| said(n, ANNA, "?")).collect();
    assert_eq!(ask(&group(Mode::RoundRobin, 4, questions), EVA, &[]).first(), Some(id(0)));
}

impl Decision {
    fn first(&self) -> Option<ObjectHash> {
        if let Self::Answer(to) = self { to.first().copied() } else { None }
    }
}

#[test]
fn free_ais_share_the_hops() {
    let messages = vec![said(2, ANNA, "talk")];
    for (hops, eva, max) in [(1, 1, 0), (2, 1, 1), (3, 2, 1), (MAX_HOPS, 16, 16)] {
        let conversation = group(Mode::Free, hops, messages.clone());
        let share = |who| Topic::new(&conversation, &Me { person: person(who), name: String::new() }).share();
        assert_eq!((share(EVA), share(MAX)), (eva, max), "{hops}");
    }
    assert_eq!(ask(&group(Mode::Free, 1, messages.clone()), EVA, &[]), answers(&[2]));
    assert_eq!(ask(&group(Mode::Free, 1, messages), MAX, &[]), Decision::Silent(Why::NotAddressed));
}

#[test]
fn free_ais_end() {
    let messages = vec![said(4, ANNA, "talk"), said(2, EVA, "a"), said(3, MAX, "b")];
    assert_eq!(ask(&group(Mode::Free, 3, messages.clone()), EVA, &[4]), answers(&[3]));
    assert_eq!(ask(&group(Mode::Free, 3, messages.clone()), MAX, &[4]), Decision::Silent(Why::Hops));
    assert_eq!(ask(&group(Mode::Free, 2, messages), EVA, &[4]), Decision::Silent(Why::Hops));
}

#[test]
fn nobody_answers_a_notice_or_a_rule() {
    let messages = vec![said(1, ANNA, "talk"), said(2, EVA, &notice("No model.")), said(3, BOB, "/ai free hops 9")];
    assert_eq!(ask(&group(Mode::Free, 9, messages.clone()), MAX, &[]), Decision::Silent(Why::NothingNew));
    // A person may begin with that sign.
    let messages = vec![said(1, ANNA, "⚠ watch out"), said(2, EVA, &notice("No model."))];
    assert_eq!(ask(&group(Mode::Free, 9, messages), MAX, &[]), answers(&[1]));
}
