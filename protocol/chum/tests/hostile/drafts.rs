//! Drafts of peers that mean harm.

use std::time::Duration;

use ratatosk_chum::message::{Message, parse};
use ratatosk_chum::{Event, Fault, Settings};
use ratatosk_protocol::message::Payload;

use crate::fake::Fake;

const ID: &str = "00112233445566778899aabbccddeeff";

fn request(number: u64, args: &str) -> String {
    format!(r#"{{"requestId":{number},"type":"request","serviceId":100,"args":{args}}}"#)
}

/// What was shown, and how many answers were `true` and errors.
fn came(fake: &Fake) -> (usize, usize, usize) {
    let shown = fake.events.iter().filter(|event| matches!(event, Event::Draft(_))).count();
    let heard = |wanted: fn(&Message) -> bool| {
        let is = |payload: &&Payload| matches!(payload, Payload::Text(text) if parse(text).is_ok_and(|message| wanted(&message)));
        fake.heard.iter().filter(is).count()
    };
    (
        shown,
        heard(|message| matches!(message, Message::Data { .. })),
        heard(|message| matches!(message, Message::Error { .. })),
    )
}

#[test]
fn what_is_none_or_too_long_is_answered_with_an_error() {
    let mut fake = Fake::started(Settings { max_draft: 100, ..Settings::default() });
    fake.run(Duration::from_secs(1));
    let before = came(&fake);
    let long = "x".repeat(101);
    let topic = "t".repeat(5000);
    let cases = [
        "[]".to_owned(),
        "null".to_owned(),
        format!(r#"["t","{ID}",0,"x","thinking"]"#),
        format!(r#"["t","{ID}",0,"{long}","writing"]"#),
        format!(r#"["t","{ID}",18446744073709551615,"x","writing"]"#),
        format!(r#"["{topic}","{ID}",0,"x","writing"]"#),
    ];
    for (number, args) in (0..).zip(&cases) {
        fake.say(&request(number, args));
    }
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, None);
    let after = came(&fake);
    // `null` for the arguments is no message at all.
    assert_eq!((after.0 - before.0, after.1 - before.1, after.2 - before.2), (0, 0, cases.len() - 1));
}

#[test]
fn pieces_that_fit_nowhere_are_taken_and_not_shown() {
    let mut fake = Fake::started(Settings::default());
    for number in 0..50 {
        fake.say(&request(number, &format!(r#"["t","{ID}",{},"x","writing"]"#, number * 3 + 1)));
    }
    fake.run(Duration::ZERO);
    let (shown, well, errors) = came(&fake);
    assert_eq!((shown, well, errors), (0, 50, 0));
}

#[test]
fn drafts_are_requests_of_which_only_so_many_wait() {
    let settings = Settings::default();
    let max = settings.max_requests as u64;
    let mut fake = Fake::started(settings);
    for number in 0..=max {
        fake.say(&request(number, &format!(r#"["t","{ID}",0,"x","writing"]"#)));
    }
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, Some(Fault::TooManyRequests));
}
