//! Peers that say nothing, or not in time.

use std::time::Duration;

use ratatosk_chum::{Event, Fault, Settings};

use crate::fake::Fake;

#[test]
fn nobody_says_synchronisation() {
    let mut fake = Fake::new(Settings::default());
    fake.run(Duration::from_millis(29_999));
    assert_eq!(fake.closed, None);
    fake.run(Duration::from_millis(1));
    assert_eq!(fake.closed, Some(Fault::Silence));
}

#[test]
fn something_else_than_synchronisation() {
    for text in ["", "synchronization", r#"{"requestId":0,"type":"request","serviceId":1,"args":[]}"#] {
        let mut fake = Fake::new(Settings::default());
        fake.say(text);
        fake.run(Duration::ZERO);
        assert_eq!(fake.closed, Some(Fault::NoSynchronisation), "{text}");
    }
}

#[test]
fn the_version_is_asked_for_again_while_nothing_comes() {
    let mut fake = Fake::new(Settings::default());
    fake.say("synchronisation");
    fake.run(Duration::from_secs(5));
    assert_eq!(fake.count(1), 5);
    // The first one was lost; any answer will do.
    fake.say(r#"{"responseId":3,"type":"data","data":8}"#);
    fake.run(Duration::from_secs(1));
    assert!(fake.events.contains(&Event::Started));
    assert_eq!(fake.count(2), 1);
}

#[test]
fn the_version_is_asked_for_again_while_the_service_is_not_there() {
    let mut fake = Fake::new(Settings::default());
    fake.say("synchronisation");
    let mut answered = 0;
    for _ in 0..100 {
        fake.run(Duration::from_millis(100));
        for (id, ..) in fake.asked.split_off(0) {
            answered += 1;
            fake.say(&format!(
                r#"{{"responseId":{id},"type":"error","error":{{"name":"TypeError","message":"","code":"UNKNOWN-SERVICE"}}}}"#
            ));
        }
    }
    assert_eq!(answered, 15);
    assert_eq!(fake.closed, Some(Fault::Silence));
}

#[test]
fn another_version_ends_it() {
    for version in ["7", "9", "\"8\"", "null"] {
        let mut fake = Fake::new(Settings::default());
        fake.say("synchronisation");
        fake.answers.insert((1, String::new()), version.to_owned());
        fake.run(Duration::from_secs(1));
        assert_eq!(fake.closed, Some(Fault::Version), "{version}");
        assert_eq!(fake.count(2), 0);
    }
}

#[test]
fn a_peer_that_answers_nothing_more() {
    let mut fake = Fake::started(Settings::default());
    fake.answers.insert((2, String::new()), "\"[]\"".to_owned());
    fake.run(Duration::from_secs(2));
    fake.answers.clear();
    fake.roots = Vec::new();
    let good = fake.good_root();
    fake.answers.clear();
    // It still names roots, and then nothing: it may have a long list to make, or not.
    fake.run(Duration::from_secs(303));
    assert_eq!(fake.closed, None);
    fake.run(Duration::from_secs(2));
    assert_eq!(fake.closed, Some(Fault::Silence));
    assert!(!fake.shelf.taken.contains(&good));
    assert_eq!(fake.chum.poll_timeout(), None);
}

#[test]
fn a_peer_that_has_no_list_to_make() {
    let mut fake = Fake::started(Settings::default());
    fake.good_root();
    // All but the objects.
    fake.answers.retain(|(service, _), _| [1, 4].contains(service));
    fake.run(Duration::from_millis(30_299));
    assert_eq!(fake.closed, None);
    fake.run(Duration::from_millis(1));
    assert_eq!(fake.closed, Some(Fault::Silence));
}

#[test]
fn answers_to_requests_that_were_not_sent() {
    let mut fake = Fake::started(Settings::default());
    fake.run(Duration::from_secs(1));
    let next = fake.asked.last().unwrap().0 + 1;
    // Nothing is sent any more, and still it answers every list of roots.
    fake.now += Duration::from_secs(5);
    for n in 0..1_000 {
        fake.tick();
        fake.say(&format!(r#"{{"responseId":{},"type":"data","data":"[]"}}"#, next + n));
        fake.now += Duration::from_secs(5);
    }
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, Some(Fault::Unasked));
}

#[test]
fn news_again_and_again_do_not_make_a_storm() {
    let mut fake = Fake::started(Settings::default());
    fake.run(Duration::from_secs(1));
    let before = fake.count(2);
    for n in 0..100 {
        fake.say(&format!(r#"{{"requestId":{n},"type":"request","serviceId":3,"args":[]}}"#));
        fake.run(Duration::from_millis(10));
    }
    assert_eq!(fake.closed, None);
    assert!((10..=21).contains(&(fake.count(2) - before)), "{}", fake.count(2) - before);
}
