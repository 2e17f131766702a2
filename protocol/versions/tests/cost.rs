//! What lies below the common tail of two lists costs nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use ratatosk_objects::{ObjectHash, ObjectsMut};
use ratatosk_versions::{Became, Node, list, merge_remote, store_version};
use support::network::Counting;
use support::{Error, LIMITS, channel, id_of, raw_entry, recipes, thing, time};

/// A list of so many entries, one millisecond apart.
fn tail(store: &mut Counting, len: u32) -> Option<ObjectHash> {
    let data = thing(&mut store.inner, "data");
    (0..len).fold(None, |head, at| {
        let time = time(&mut store.inner, f64::from(at), data);
        Some(raw_entry(&mut store.inner, time, None, head))
    })
}

fn on_top(store: &mut Counting, head: Option<ObjectHash>, timestamps: &[u32], name: &str) -> Option<ObjectHash> {
    timestamps.iter().fold(head, |head, at| {
        let data = thing(&mut store.inner, name);
        let time = time(&mut store.inner, f64::from(*at), data);
        Some(list::insert(&mut store.inner, head, time, None, &LIMITS).unwrap())
    })
}

/// Reads and writes of everything that a chat does, on top of a list of so many entries.
fn costs(len: u32) -> Vec<(&'static str, (usize, usize))> {
    let mut store = Counting::default();
    let base = tail(&mut store, len);
    let mut ours = on_top(&mut store, base, &[1_000_001, 1_000_004, 1_000_005], "ours");
    let theirs = on_top(&mut store, base, &[1_000_002, 1_000_003, 1_000_006, 1_000_007], "theirs");
    let ahead = on_top(&mut store, ours, &[1_000_010], "theirs");
    let recipes = recipes();
    let id = id_of(&channel(None));
    let mut costs = Vec::new();

    store_version(&mut store, recipes, &channel(ours), 1_000_000).unwrap();
    for (name, theirs, became) in
        [("ahead", ahead, Became::Remote), ("both", theirs, Became::New), ("behind", base, Became::Local)]
    {
        let data = store.inner.put(&recipes.write(&channel(theirs)).unwrap()).unwrap();
        let node = store.inner.put(&Node::edge(data, 1_000_000).microdata().unwrap()).unwrap();
        store.take();
        let merged = merge_remote(&mut store, recipes, &id, node, &LIMITS).unwrap();
        costs.push((name, store.take()));
        assert_eq!(merged.became, became, "{name}");
        let current = recipes.read(&ratatosk_objects::Objects::object(&store.inner, &merged.object).unwrap().unwrap());
        let Some(ratatosk_objects::Value::Reference(ratatosk_objects::Reference::Object(head))) =
            current.unwrap().get("head").cloned()
        else {
            panic!("no head")
        };
        store.take();
        let new = list::difference(&store, Some(head), ours).map(Result::unwrap).count();
        costs.push(("difference", store.take()));
        assert_eq!(new, [1, 4, 0][costs.len() / 2 - 1]);
        ours = Some(head);
    }
    let data = thing(&mut store.inner, "mine");
    store.take();
    let appended =
        list::append::<_, _, Error>(&mut store, ours, data, 1_000_020, &LIMITS, |_, _| Ok(Vec::new())).unwrap();
    costs.push(("append", store.take()));
    store_version(&mut store, recipes, &channel(Some(appended.head)), 1_000_020).unwrap();
    costs.push(("store", store.take()));
    assert_eq!(list::iterate_back(&store, Some(appended.head)).take(10).count(), 10);
    costs.push(("last ten", store.take()));
    costs
}

#[test]
fn the_common_tail_is_not_read() {
    let (short, long) = (costs(100), costs(100_000));
    assert_eq!(short, long);
    let cost = |name| short.iter().find(|(at, _)| *at == name).unwrap().1;
    // Entry and time of the new one and of the old head; four objects of the versions.
    assert!(cost("ahead").0 <= 2 * 2 + 4, "{short:?}");
    assert!(cost("append").0 <= 6 && cost("append").1 == 2, "{short:?}");
    assert_eq!(cost("last ten"), (20, 0));
}
