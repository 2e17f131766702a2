//! What a real peer made of the same lists and versions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use ratatosk_objects::memory::Memory;
use ratatosk_objects::{
    Fields, ItemType, Limits, Microdata, Object, ObjectHash, ObjectsMut, Recipe, Recipes, Rule, Value,
};
use ratatosk_versions::{Became, Node, list, merge_remote, store_version};
use serde_json::Value as Json;
use support::{LIMITS, channel, id_of, raw_entry, thing, time};

fn vectors(text: &str, name: &str) -> Vec<Json> {
    let Json::Object(mut all) = serde_json::from_str(text).unwrap() else { panic!("no object") };
    let Json::Array(cases) = all[name].take() else { panic!("no array") };
    assert!(!cases.is_empty());
    cases
}

fn lists(name: &str) -> Vec<Json> {
    vectors(include_str!("vectors/lists.json"), name)
}

fn hash(json: &Json) -> Option<ObjectHash> {
    json.as_str().map(|text| text.parse().unwrap())
}

/// An entry of the vectors: its `CreationTime` and metadata.
fn entry(store: &mut Memory, json: &Json) -> (ObjectHash, Option<Vec<ObjectHash>>) {
    let data = thing(store, json[1].as_str().unwrap());
    let creation_time = time(store, json[0].as_f64().unwrap(), data);
    let metadata =
        json[2].as_array().map(|names| names.iter().map(|name| thing(store, name.as_str().unwrap())).collect());
    (creation_time, metadata)
}

fn insert(store: &mut Memory, head: Option<ObjectHash>, entries: &Json) -> Option<ObjectHash> {
    entries.as_array().unwrap().iter().fold(head, |head, json| {
        let (creation_time, metadata) = entry(store, json);
        Some(list::insert(store, head, creation_time, metadata, &LIMITS).unwrap())
    })
}

/// A list in the order in which it stands there, newest first or not.
fn raw(store: &mut Memory, entries: &Json) -> Option<ObjectHash> {
    entries.as_array().unwrap().iter().rev().fold(None, |head, json| {
        let (creation_time, metadata) = entry(store, json);
        Some(raw_entry(store, creation_time, metadata.as_deref(), head))
    })
}

/// All orders of `0..len`.
fn orders(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let longer = |order: Vec<usize>| {
        (0..len).map(move |at| {
            let mut order = order.clone();
            order.insert(at, len - 1);
            order
        })
    };
    orders(len - 1).into_iter().flat_map(longer).collect()
}

#[test]
fn lists_and_channels() {
    for case in lists("lists") {
        let mut store = Memory::new();
        let tail = insert(&mut store, None, &case["tail"]);
        let lists = case["lists"].as_array().unwrap();
        let heads: Vec<_> = lists.iter().map(|entries| insert(&mut store, tail, entries)).collect();
        assert_eq!(heads, case["heads"].as_array().unwrap().iter().map(hash).collect::<Vec<_>>());

        let id = id_of(&channel(None));
        for order in orders(heads.len()) {
            let mut store = store.clone();
            let mut last = None;
            for (at, index) in order.iter().enumerate() {
                let data = support::put(&mut store, &channel(heads[*index]));
                let node = store.put(&Node::edge(data, 10 + at as u64).microdata().unwrap()).unwrap();
                last = Some(merge_remote(&mut store, Recipes::standard(), &id, node, &LIMITS).unwrap());
            }
            assert_eq!(Some(last.unwrap().object), hash(&case["channel"]), "{order:?}");
        }
    }
}

/// Of two entries with one time and other metadata a real peer keeps that of the other side, so that two of them only change
/// places. We keep both, and that is what they take over.
#[test]
fn metadata_that_differ() {
    let mut swapped = 0;
    for case in lists("amended") {
        let mut store = Memory::new();
        let [a, b] = ["a", "b"].map(|side| insert(&mut store, None, &case[side]));
        let all = hash(&case["all"]);
        assert_eq!(list::merge(&mut store, a, b, &LIMITS).unwrap(), all);
        assert_eq!(list::merge(&mut store, b, a, &LIMITS).unwrap(), all);
        assert_eq!(hash(&case["then"]), all);
        swapped += usize::from(case["ab"] != case["ba"]);
    }
    assert!(swapped > 0);
}

/// A real peer whose clock is behind all of a channel puts its post on top; another one that merges this has entries twice.
#[test]
fn lists_that_are_not_in_order() {
    for case in lists("damaged") {
        let mut store = Memory::new();
        let in_order = hash(&case["in_order"]);
        assert_eq!(insert(&mut store, None, &case["entries"]), in_order);
        let (late, twice) = (raw(&mut store, &case["late"]), raw(&mut store, &case["twice"]));
        assert_eq!((late, twice), (hash(&case["late_head"]), hash(&case["twice_head"])));
        assert!(late != in_order && twice != in_order);
        for ours in [None, in_order] {
            for theirs in [late, twice] {
                assert_eq!(list::merge(&mut store, ours, theirs, &LIMITS).unwrap(), in_order);
            }
        }
    }
}

/// The network's types, and one that has something of every kind.
fn recipes() -> Recipes {
    let mut recipes = Recipes::standard().clone();
    let text = || ItemType::STRING;
    let part = vec![Rule::new("x", text()), Rule::new("y", text()).optional(), Rule::new("tags", text().set())];
    recipes.insert(Recipe::new(
        "Mixed",
        vec![
            Rule::new("id", text()).id(),
            Rule::new("count", ItemType::Number),
            Rule::new("flag", ItemType::Boolean),
            Rule::new("ref", ItemType::ReferenceToObject),
            Rule::new("list", text().array()),
            Rule::new("note", text()).optional(),
            Rule::new("any", ItemType::Stringifiable).optional(),
            Rule::new("part", ItemType::Object(part)),
            Rule::new("values", text().map_to(text())),
        ],
    ));
    recipes
}

/// The same with arrays and maps in order: a real peer puts what it did not have behind what it had.
fn in_order(value: &Value) -> Value {
    let text = |value: &Value| format!("{value:?}");
    match value {
        Value::Array(items) => {
            let mut items = items.clone();
            items.sort_by_key(text);
            Value::Array(items)
        }
        Value::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_key(|(key, _)| text(key));
            Value::Map(pairs)
        }
        other => other.clone(),
    }
}

/// What has to be the same in both.
#[derive(Clone, Copy, PartialEq)]
enum Compared {
    /// All, but for the order in arrays and of keys.
    All,
    /// All that is always there.
    Mandatory,
    /// What is merged by taking all of both.
    Containers,
}

fn fields(object: &Object, compared: Compared) -> Fields {
    let is_compared = |name: &str, value: &Value| match compared {
        Compared::All => true,
        Compared::Mandatory => !matches!(name, "note" | "any" | "values"),
        Compared::Containers => matches!(value, Value::Array(_) | Value::Bag(_) | Value::Set(_)),
    };
    let fields = object.fields.iter().filter(|(name, value)| is_compared(name, value));
    let mut fields: Fields = fields.map(|(name, value)| (name.clone(), in_order(value))).collect();
    if let (Compared::Mandatory, Some(Value::Object(part))) = (compared, fields.get_mut("part")) {
        part.remove("y");
    }
    fields
}

#[test]
fn versions() {
    let recipes = recipes();
    let cases = vectors(include_str!("vectors/versions.json"), "versions");
    for (number, case) in cases.iter().enumerate() {
        let mut store = Memory::new();
        for (at, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let check = |text: &Json| Microdata::check(text.as_str().unwrap(), &Limits::DEFAULT).unwrap();
            let data = check(&step["data"]);
            let object = recipes.read(&data).unwrap();
            let (id, time) = (recipes.write_id(&object).unwrap().id_hash().unwrap(), step["time"].as_u64().unwrap());
            let result = if step["by"] == "us" {
                store_version(&mut store, &recipes, &object, time).unwrap().object
            } else {
                let data = store.put(&data).unwrap();
                let node = store.put(&Node::edge(data, time).microdata().unwrap()).unwrap();
                let merged = merge_remote(&mut store, &recipes, &id, node, &LIMITS).unwrap();
                assert_eq!(merged.became == Became::Remote, merged.object == data && merged.changed);
                merged.object
            };
            // A change here counts with the time of the node, there each property with that of its last change; in one
            // millisecond there the hash of the node counts, here the value; and if a value is missing in a later version, here
            // it gets the time of that.
            let compared = match (case["kind"].as_str().unwrap(), at) {
                ("remote", 0..2) => Compared::All,
                ("remote", _) => Compared::Mandatory,
                _ => Compared::Containers,
            };
            let exact = match case["type"].as_str().unwrap() {
                "Profile" | "Group" => true,
                "Leute" => compared != Compared::Containers,
                _ => compared == Compared::All,
            };
            let what = format!("case {number}, {} {}, step {at}", case["type"], case["kind"]);
            match hash(&step["hash"]) {
                Some(expected) if exact => assert_eq!(result, expected, "{what}"),
                Some(_) => {}
                None => {
                    let expected = recipes.read(&check(&step["result"])).unwrap();
                    let result = store_read(&store, &recipes, result);
                    assert_eq!(fields(&result, compared), fields(&expected, compared), "{what}");
                }
            }
        }
    }
}

fn store_read(store: &Memory, recipes: &Recipes, hash: ObjectHash) -> Object {
    recipes.read(&ratatosk_objects::Objects::object(store, &hash).unwrap().unwrap()).unwrap()
}
