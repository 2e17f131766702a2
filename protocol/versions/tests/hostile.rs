//! Lists of others, with anything in any place.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_objects::ObjectHash;
use ratatosk_objects::memory::Memory;
use ratatosk_versions::{Limits, list};
use support::{raw_entry, thing, time};

/// An object that refers to objects before it, most of them such as should stand there.
#[derive(Clone, Debug)]
struct Made {
    timestamp: f64,
    time: Option<usize>,
    metadata: Option<Vec<usize>>,
    previous: Option<usize>,
}

fn made() -> impl Strategy<Value = Made> {
    let timestamp = prop_oneof![30 => (0..8_u8).prop_map(f64::from), 1 => any::<f64>()];
    let time = proptest::option::weighted(0.1, any::<usize>());
    let metadata = proptest::option::of(vec(any::<usize>(), 0..3));
    let previous = proptest::option::weighted(0.9, 0..6_usize);
    (timestamp, time, metadata, previous).prop_map(|(timestamp, time, metadata, previous)| Made {
        timestamp,
        time,
        metadata,
        previous,
    })
}

/// Makes them; the hashes of the entries come back.
fn build(store: &mut Memory, objects: &[Made], holes: bool) -> Vec<ObjectHash> {
    let data = thing(store, "data");
    let mut entries: Vec<ObjectHash> = Vec::new();
    let mut all = vec![data];
    if holes {
        all.push(ObjectHash::from_bytes([7; 32]));
    }
    for made in objects {
        let any = |index: usize| all[index % all.len()];
        let creation_time = match made.time {
            Some(index) if holes => any(index),
            _ => time(store, made.timestamp, data),
        };
        let metadata: Option<Vec<_>> =
            made.metadata.as_ref().map(|items| items.iter().map(|index| any(*index)).collect());
        let previous = made.previous.and_then(|back| match entries.len().checked_sub(back + 1) {
            Some(index) => Some(entries[index]),
            None if holes => Some(any(back)),
            None => None,
        });
        let entry = raw_entry(store, creation_time, metadata.as_deref(), previous);
        all.extend([creation_time, entry]);
        entries.push(entry);
    }
    entries
}

fn keys(store: &Memory, head: Option<ObjectHash>) -> Vec<(u64, ObjectHash)> {
    list::iterate_back(store, head)
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.timestamp, entry.creation_time))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Either nothing is written, or the result is in order, and has what both have.
    #[test]
    fn lists_of_anything(objects in vec(made(), 1..30), holes: bool, pick: (usize, usize), entries in 1..40_usize) {
        let mut store = Memory::new();
        let heads = build(&mut store, &objects, holes);
        let [a, b] = [pick.0, pick.1].map(|index| Some(heads[index % heads.len()]));
        let limits = Limits { entries };
        let mut in_order = Vec::new();
        for head in [a, b] {
            let before = store.len();
            match list::merge(&mut store, None, head, &limits) {
                Ok(head) => in_order.push(head),
                Err(_) => prop_assert_eq!(store.len(), before),
            }
        }
        let [ours, theirs] = in_order[..] else { return Ok(()) };
        for (head, raw) in [(ours, a), (theirs, b)] {
            let mut raw = keys(&store, raw);
            raw.sort_unstable_by(|a, b| b.cmp(a));
            raw.dedup();
            prop_assert_eq!(keys(&store, head), raw);
        }

        let before = store.len();
        let merged = list::merge(&mut store, ours, b, &limits);
        let Ok(merged) = merged else {
            prop_assert_eq!(store.len(), before);
            return Ok(());
        };
        let mut all = [keys(&store, ours), keys(&store, theirs)].concat();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.dedup();
        prop_assert_eq!(keys(&store, merged), all);
        for (one, other) in [(ours, theirs), (theirs, ours), (theirs, a), (merged, a), (merged, b), (merged, merged)] {
            let again = list::merge(&mut store, one, other, &Limits::DEFAULT);
            prop_assert_eq!(again.unwrap(), merged);
        }
        let added = list::difference(&store, merged, ours).map(Result::unwrap).filter(|change| matches!(change, list::Change::Added(_)));
        prop_assert_eq!(added.count(), keys(&store, merged).len() - keys(&store, ours).len());
    }
}
