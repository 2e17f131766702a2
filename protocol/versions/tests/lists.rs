//! Lists: insert, merge, iterate, compare, with what others may send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use ratatosk_objects::memory::Memory;
use ratatosk_objects::{ObjectHash, ReadError};
use ratatosk_versions::list::{self, Change};
use ratatosk_versions::{Limits, MAX_TIMESTAMP};
use support::{Error, LIMITS, post, raw_entry, thing, time};

fn times(store: &Memory, head: Option<ObjectHash>) -> Vec<u64> {
    list::iterate_back(store, head).map(|entry| entry.unwrap().timestamp).collect()
}

fn build(store: &mut Memory, timestamps: &[u64]) -> Option<ObjectHash> {
    timestamps.iter().fold(None, |head, at| Some(post(store, head, *at as f64, &at.to_string())))
}

#[test]
fn one_list_whatever_the_order() {
    let mut store = Memory::new();
    let sorted = build(&mut store, &[1, 2, 3, 4, 5]);
    let mixed = build(&mut store, &[4, 1, 5, 3, 2]);
    assert_eq!(sorted, mixed);
    assert_eq!(times(&store, mixed), [5, 4, 3, 2, 1]);

    let (a, b) = (build(&mut store, &[1, 3, 5]), build(&mut store, &[2, 3, 4]));
    assert_eq!(list::merge(&mut store, a, b, &LIMITS).unwrap(), sorted);
    assert_eq!(list::merge(&mut store, b, a, &LIMITS).unwrap(), sorted);
    assert_eq!(list::merge(&mut store, None, a, &LIMITS).unwrap(), a);
    assert_eq!(list::merge(&mut store, a, None, &LIMITS).unwrap(), a);
    assert_eq!(list::merge(&mut store, a, sorted, &LIMITS).unwrap(), sorted);
    assert_eq!(list::merge(&mut store, None, None, &LIMITS).unwrap(), None);
}

#[test]
fn a_list_that_has_all_of_the_other_is_not_written_again() {
    let mut store = Memory::new();
    let (all, some) = (build(&mut store, &[1, 2, 3, 4]), build(&mut store, &[2, 3]));
    let before = store.len();
    assert_eq!(list::merge(&mut store, some, all, &LIMITS).unwrap(), all);
    assert_eq!(list::merge(&mut store, all, some, &LIMITS).unwrap(), all);
    assert_eq!(store.len(), before);
}

#[test]
fn equal_times_stand_in_the_order_of_their_hashes() {
    let mut store = Memory::new();
    let mut expected: Vec<_> = (0..20)
        .map(|i| {
            let data = thing(&mut store, &i.to_string());
            time(&mut store, 7.0, data)
        })
        .collect();
    let mut head = None;
    for time in &expected {
        head = Some(list::insert(&mut store, head, *time, None, &LIMITS).unwrap());
    }
    expected.sort_unstable();
    expected.reverse();
    let found: Vec<_> = list::iterate_back(&store, head).map(|entry| entry.unwrap().creation_time).collect();
    assert_eq!(found, expected);
}

#[test]
fn metadata_of_one_time_come_together() {
    let mut store = Memory::new();
    let names = ["data", "x", "y"].map(|name| thing(&mut store, name));
    let at = time(&mut store, 1.0, names[0]);
    let (none, empty) = (raw_entry(&mut store, at, None, None), raw_entry(&mut store, at, Some(&[]), None));
    let (x, y) =
        (raw_entry(&mut store, at, Some(&names[1..2]), None), raw_entry(&mut store, at, Some(&names[2..]), None));
    let both = raw_entry(&mut store, at, Some(&names[1..]), None);
    let twice = raw_entry(&mut store, at, Some(&[names[1], names[1]]), None);
    for (a, b, expected) in [
        (none, empty, empty),
        (none, x, x),
        (empty, x, x),
        (x, y, both),
        (x, both, both),
        (x, twice, x),
        (twice, y, both),
    ] {
        assert_eq!(list::merge(&mut store, Some(a), Some(b), &LIMITS).unwrap(), Some(expected));
        assert_eq!(list::merge(&mut store, Some(b), Some(a), &LIMITS).unwrap(), Some(expected));
    }
    assert_eq!(list::merge(&mut store, Some(twice), Some(twice), &LIMITS).unwrap(), Some(twice));
    assert_eq!(list::insert(&mut store, Some(x), at, Some(vec![names[2]]), &LIMITS).unwrap(), both);
    assert_eq!(list::insert(&mut store, Some(both), at, None, &LIMITS).unwrap(), both);
    let amended: Vec<_> = list::difference(&store, Some(both), Some(x)).map(Result::unwrap).collect();
    assert!(matches!(&amended[..], [Change::Amended(entry)] if entry.hash == both));
}

#[test]
fn too_much_metadata_stay_mergeable() {
    let mut store = Memory::new();
    let data = thing(&mut store, "data");
    let at = time(&mut store, 1.0, data);
    let many: Vec<_> = (0..100).map(|i| thing(&mut store, &i.to_string())).collect();
    let entry = |store: &mut Memory, range: &[ObjectHash]| Some(raw_entry(store, at, Some(range), None));
    let (a, b, c) = (entry(&mut store, &many[..50]), entry(&mut store, &many[40..90]), entry(&mut store, &many[60..]));
    let mut merge = |a, b| list::merge(&mut store, a, b, &LIMITS).unwrap();
    let (ab, bc) = (merge(a, b), merge(b, c));
    assert_eq!(merge(ab, c), merge(a, bc));
    let all = merge(ab, c);
    assert_eq!(merge(all, a), all);

    let too_many = entry(&mut store, &many[..65]);
    assert!(matches!(list::merge(&mut store, a, too_many, &LIMITS), Err(Error::TooMuchMetadata(_))));
    assert!(matches!(list::insert(&mut store, None, at, Some(many), &LIMITS), Err(Error::TooMuchMetadata(_))));
}

#[test]
fn the_difference_is_what_is_new() {
    let mut store = Memory::new();
    let (old, other) = (build(&mut store, &[1, 2, 4, 7]), build(&mut store, &[3, 4, 5, 9]));
    let new = list::merge(&mut store, old, other, &LIMITS).unwrap();
    let added = |new, old| -> Vec<_> {
        list::difference(&store, new, old).map(|change| change.unwrap().entry().timestamp).collect()
    };
    assert_eq!(added(new, old), [9, 5, 3]);
    assert_eq!(added(new, other), [7, 2, 1]);
    assert_eq!(added(other, old), [9, 5, 3]);
    assert_eq!(added(new, None), [9, 7, 5, 4, 3, 2, 1]);
    assert_eq!(added(None, new), [0; 0]);
    assert_eq!(added(old, new), [0; 0]);
    assert_eq!(added(new, new), [0; 0]);
}

#[test]
fn a_post_is_later_than_what_it_answers() {
    let mut store = Memory::new();
    let data = thing(&mut store, "hello");
    let append = |store: &mut Memory, head, now| {
        list::append::<_, _, Error>(store, head, data, now, &LIMITS, |store, time| {
            Ok(vec![thing(store, &time.to_string())])
        })
        .unwrap()
    };
    let first = append(&mut store, None, 1_000_000);
    assert_eq!(first.timestamp, 1_000_000);
    // The other clock is a minute ahead.
    let head = post(&mut store, Some(first.head), 1_060_000.0, "ahead");
    let second = append(&mut store, Some(head), 1_000_100);
    assert_eq!(second.timestamp, 1_060_001);
    assert_eq!(times(&store, Some(second.head)), [1_060_001, 1_060_000, 1_000_000]);
    // Of a clock that is an hour ahead nobody takes the time.
    let head = post(&mut store, Some(second.head), 4_600_000.0, "far ahead");
    let third = append(&mut store, Some(head), 1_070_000);
    assert_eq!(third.timestamp, 1_070_000);
    assert_eq!(times(&store, Some(third.head))[..3], [4_600_000, 1_070_000, 1_060_001]);
    let last = append(&mut store, None, u64::MAX);
    assert_eq!(last.timestamp, MAX_TIMESTAMP);
    assert_eq!(append(&mut store, Some(last.head), u64::MAX).timestamp, MAX_TIMESTAMP);
}

/// What is wrong with a list of somebody else, merged into one of ours in every way.
fn refused(store: &mut Memory, bad: ObjectHash) -> Vec<Error> {
    let (below, above) = (build(store, &[1, 2]), build(store, &[100, 200]));
    let before = store.len();
    let errors = [None, below, above].map(|ours| list::merge(store, ours, Some(bad), &LIMITS).unwrap_err());
    assert_eq!(store.len(), before, "something was written");
    errors.into()
}

#[test]
fn lists_that_are_none() {
    let mut store = Memory::new();
    let data = thing(&mut store, "data");
    let at = |store: &mut Memory, timestamp| time(store, timestamp, data);
    let ten = at(&mut store, 10.0);

    let nothing = ObjectHash::from_bytes([7; 32]);
    let missing = raw_entry(&mut store, ten, None, Some(nothing));
    assert!(refused(&mut store, missing).iter().all(|error| matches!(error, Error::Missing(hash) if *hash == nothing)));

    let other_type = raw_entry(&mut store, ten, None, Some(ten));
    assert!(refused(&mut store, other_type).iter().all(|error| matches!(error, Error::WrongType { .. })));
    let no_time = raw_entry(&mut store, data, None, None);
    assert!(refused(&mut store, no_time).iter().all(|error| matches!(error, Error::WrongType { .. })));

    for timestamp in [f64::NAN, f64::INFINITY, -1.0, 0.5, 1e300, 8.64e15 + 2.0] {
        let time = at(&mut store, timestamp);
        let bad = raw_entry(&mut store, time, None, None);
        assert!(refused(&mut store, bad).iter().all(|error| matches!(error, Error::Time(_))), "{timestamp}");
    }

    let person = ratatosk_objects::Object::new("Person").with("email", support::text("a@peer.test"));
    let id_object = support::recipes().write_id(&person).unwrap();
    ratatosk_objects::ObjectsMut::put(&mut store, &id_object).unwrap();
    let id_object = raw_entry(&mut store, ten, None, Some(id_object.hash()));
    let is_id = |error: &Error| matches!(error, Error::Unreadable { cause: ReadError::IdObject, .. });
    assert!(refused(&mut store, id_object).iter().all(is_id));
}

/// A list with entries in this order, newest first or not.
fn raw(store: &mut Memory, below: Option<ObjectHash>, timestamps: &[u64]) -> Option<ObjectHash> {
    timestamps.iter().rev().fold(below, |head, at| {
        let data = thing(store, &at.to_string());
        let time = time(store, *at as f64, data);
        Some(raw_entry(store, time, None, head))
    })
}

#[test]
fn disorder_of_others_is_put_in_order() {
    let mut store = Memory::new();
    let tail = build(&mut store, &[3, 5]);
    for (timestamps, below) in [
        (&[1, 4, 2][..], None),
        (&[4, 4, 4], None),
        (&[7, 5, 9, 5, 7], None),
        (&[4], tail),
        (&[1], tail),
        (&[5], tail),
        (&[9, 1], tail),
        (&[2, 9, 3, 5], tail),
    ] {
        let bad = raw(&mut store, below, timestamps);
        for ours in [&[][..], &[1], &[9], &[3, 5], &[2, 3, 5, 8], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] {
            let mut all: Vec<u64> = ours.iter().chain(timestamps).copied().collect();
            all.extend(if below.is_some() { &[3, 5][..] } else { &[] });
            all.sort_unstable();
            all.dedup();
            let expected = build(&mut store, &all);
            let ours = build(&mut store, ours);
            assert_eq!(list::merge(&mut store, ours, bad, &LIMITS).unwrap(), expected, "{timestamps:?} on {below:?}");
        }
    }
    let bad = raw(&mut store, None, &[1, 2]);
    let data = thing(&mut store, "0");
    let zero = time(&mut store, 0.0, data);
    assert!(matches!(list::insert(&mut store, bad, zero, None, &LIMITS), Err(Error::Unsorted(_))));
    assert!(matches!(list::difference(&store, bad, None).last(), Some(Err(Error::Unsorted(_)))));
    assert_eq!(times(&store, bad), [1, 2]);
}

#[test]
fn the_work_has_a_limit() {
    let mut store = Memory::new();
    let long = build(&mut store, &(0..100).collect::<Vec<_>>());
    let other = build(&mut store, &[50]);
    let limits = Limits { entries: 60 };
    let before = store.len();
    assert!(matches!(list::merge(&mut store, None, long, &limits), Err(Error::TooManyEntries(60))));
    assert!(matches!(list::merge(&mut store, other, long, &limits), Err(Error::TooManyEntries(60))));
    assert_eq!(store.len(), before);
    let bad = raw(&mut store, long, &[1]);
    assert!(matches!(list::merge(&mut store, long, bad, &limits), Err(Error::TooManyEntries(60))));
    // The limit is on what is read, not on how long a list is.
    let longer = post(&mut store, long, 1000.0, "one more");
    assert_eq!(list::merge(&mut store, long, Some(longer), &limits).unwrap(), Some(longer));
    let data = thing(&mut store, "old");
    let old = time(&mut store, 3.0, data);
    assert!(matches!(list::insert(&mut store, long, old, None, &limits), Err(Error::TooManyEntries(60))));
}
