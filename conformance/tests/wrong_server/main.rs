//! The suite itself: a server that does something wrong has to be found out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod server;

use std::time::Duration;

use ratatosk_conformance::report::{Implementation, Outcome, Surprise, Verdict};
use ratatosk_conformance::scenario::parse::parse;
use ratatosk_conformance::scenario::recordings::server_scenarios;
use ratatosk_conformance::server::{Options, Target, run_one};

use server::{Fault, start};

/// Plays a recorded scenario against a server with a fault.
async fn play(fault: Fault, id: &str) -> Outcome {
    let scenario = server_scenarios().unwrap().into_iter().find(|scenario| scenario.id == id).unwrap();
    let url = start(fault).await;
    let target = Target { short_timers: Some(url.clone()), url, stop: None };
    // Where something is missing there is nothing to wait for.
    let missing = matches!(fault, Fault::NoClose | Fault::NoSuccess | Fault::NoPing | Fault::Fifo);
    let patience = if missing { Duration::from_millis(600) } else { Options::default().patience };
    run_one(&target, &scenario, &Options { patience, jobs: 1 }).await
}

async fn verdict(fault: Fault, id: &str) -> Verdict {
    play(fault, id).await.result.unwrap().verdict
}

/// What the server does right must be seen as right, or the tests below prove nothing.
#[tokio::test]
async fn without_a_fault_everything_conforms() {
    for id in [
        "d/011",
        "d/053",
        "d/055",
        "d/057",
        "d/084",
        "d/086",
        "d/088",
        "e/pop-order",
        "b/ping-pong",
        "k/replaced-spare",
    ] {
        let outcome = play(Fault::None, id).await;
        assert_eq!(outcome.result.as_ref().unwrap().verdict, Verdict::Conforms, "{outcome:?}");
    }
}

#[tokio::test]
async fn an_end_with_another_code_or_reason_deviates_and_surprises() {
    for fault in [Fault::WrongReason, Fault::WrongCode, Fault::NoCloseFrame] {
        let outcome = play(fault, "d/011").await;
        assert_eq!(outcome.result.as_ref().unwrap().verdict, Verdict::Deviates, "{fault:?}: {outcome:?}");
        let known = Implementation::parse("{}").unwrap();
        assert_eq!(known.surprise(&outcome), Some(Surprise::Unknown), "{fault:?}");
    }
}

#[tokio::test]
async fn a_missing_end_fails() {
    assert_eq!(verdict(Fault::NoClose, "d/011").await, Verdict::Fails);
    assert_eq!(verdict(Fault::TextForClose, "d/011").await, Verdict::Fails);
}

#[tokio::test]
async fn the_form_of_messages_counts() {
    assert_eq!(verdict(Fault::UpperCaseChallenge, "d/053").await, Verdict::Fails);
    assert_eq!(verdict(Fault::FieldOrder, "d/053").await, Verdict::Fails);
    assert_eq!(verdict(Fault::NotRebuilt, "d/088").await, Verdict::Fails);
}

#[tokio::test]
async fn a_message_too_few_or_too_many_fails() {
    assert_eq!(verdict(Fault::NoSuccess, "d/053").await, Verdict::Fails);
    assert_eq!(verdict(Fault::OneMore, "d/053").await, Verdict::Fails);
}

#[tokio::test]
async fn a_wrong_answer_must_not_be_accepted() {
    for id in ["d/055", "d/057"] {
        assert_eq!(verdict(Fault::AlwaysSuccess, id).await, Verdict::Fails, "{id}");
    }
}

#[tokio::test]
async fn the_order_of_spares_and_messages_counts() {
    for id in ["e/pop-order", "k/replaced-spare", "k/closed-between"] {
        assert_eq!(verdict(Fault::Fifo, id).await, Verdict::Fails, "{id}");
    }
    assert_eq!(verdict(Fault::RequestFirst, "d/088").await, Verdict::Fails);
}

#[tokio::test]
async fn pings_have_their_time() {
    assert_eq!(verdict(Fault::EarlyPing, "b/ping-pong").await, Verdict::Fails);
    assert_eq!(verdict(Fault::NoPing, "b/ping-pong").await, Verdict::Fails);
    let late = play(Fault::LatePing, "b/ping-pong").await.result.unwrap();
    assert_eq!(late.verdict, Verdict::Fails);
    assert!(late.got().contains("too late"), "{}", late.got());
}

/// A mended defect is better, but only in the way that the scenario names.
#[tokio::test]
async fn better_is_not_whatever() {
    let mut outcome = play(Fault::None, "d/032").await;
    assert_eq!(outcome.result.as_ref().unwrap().verdict, Verdict::Better, "{outcome:?}");
    outcome = play(Fault::WrongReason, "d/032").await;
    assert_eq!(outcome.result.unwrap().verdict, Verdict::Fails);
}

/// Where an end is better, it has its time, its code and the beginning of its reason.
#[tokio::test]
async fn an_end_at_any_time_is_no_deadline() {
    for id in ["d/051", "d/052", "g/early-cap"] {
        assert_eq!(verdict(Fault::DropAtOnce, id).await, Verdict::Fails, "{id}");
    }
    let early = play(Fault::DeadlineAtOnce, "d/051").await.result.unwrap();
    assert_eq!(early.verdict, Verdict::Fails);
    assert!(early.got().contains("too early"), "{}", early.got());
}

/// The library under this server ends the connection without a code when its client breaks RFC 6455.
#[tokio::test]
async fn frames_that_break_the_rules_need_an_answer_in_words() {
    for id in ["i/unmasked", "i/reserved-1", "i/continuation-first", "i/utf8-lone", "i/close-code-999"] {
        let outcome = play(Fault::None, id).await.result.unwrap();
        assert_ne!(outcome.verdict, Verdict::Conforms, "{id}");
        assert!(outcome.got().starts_with("a close 100"), "{id}: {}", outcome.got());
    }
    assert_eq!(verdict(Fault::None, "i/fragments-of-1").await, Verdict::Conforms);
}

#[tokio::test]
async fn of_several_connectors_exactly_so_many_are_turned_away() {
    let tally = |count: usize| {
        format!(
            "== x/1 t\nl registers\na requests\nl handed\nb requests\nc requests\n\
             tally {count} of b c <close 1000 <any>"
        )
    };
    for (count, verdict) in [(1, Verdict::Fails), (2, Verdict::Conforms)] {
        let scenario = parse(&tally(count)).unwrap().remove(0);
        let target = Target { url: start(Fault::None).await, short_timers: None, stop: None };
        let outcome = run_one(&target, &scenario, &Options::default()).await;
        assert_eq!(outcome.result.as_ref().unwrap().verdict, verdict, "{outcome:?}");
    }
}
