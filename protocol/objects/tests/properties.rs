//! Any value under any recipe: written, checked, read and written again. And whatever is changed in a text: refused, or the one
//! text of another object.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratatosk_objects::{
    BlobHash, ClobHash, Fields, IdHash, ItemType, Limits, Microdata, Object, ObjectHash, Pattern, Recipe, Recipes,
    Reference, Rule, Value, WriteError, json,
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(
            select(vec!['<', '>', '&', ';', 'a', 'm', 'p', '"', '/', 'l', 'i', '!', '\u{e000}', '😀', '\0', '\n']),
            0..12
        )
        .prop_map(String::from_iter),
        any::<String>(),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        any::<i32>().prop_map(f64::from),
        (-400..400i32).prop_map(|exponent| 10f64.powi(exponent))
    ]
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        number().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(json::set),
            vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            btree_map("[a-zäé\u{ff5e}😀0-9]{0,3}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A value of a kind.
fn of(item: &ItemType) -> BoxedStrategy<Value> {
    let hash = any::<[u8; 32]>;
    match item {
        ItemType::String(_) => text().prop_map(Value::String).boxed(),
        ItemType::Integer => any::<i64>().prop_map(|number| Value::Number(number as f64)).boxed(),
        ItemType::Number => number().prop_map(Value::Number).boxed(),
        ItemType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        ItemType::Stringifiable => any_json().prop_map(Value::Stringifiable).boxed(),
        ItemType::ReferenceToObject => {
            hash().prop_map(|hash| Value::Reference(Reference::Object(ObjectHash::from_bytes(hash)))).boxed()
        }
        ItemType::ReferenceToId => {
            hash().prop_map(|hash| Value::Reference(Reference::Id(IdHash::from_bytes(hash)))).boxed()
        }
        ItemType::ReferenceToBlob => {
            hash().prop_map(|hash| Value::Reference(Reference::Blob(BlobHash::from_bytes(hash)))).boxed()
        }
        ItemType::ReferenceToClob => {
            hash().prop_map(|hash| Value::Reference(Reference::Clob(ClobHash::from_bytes(hash)))).boxed()
        }
        ItemType::Array(item) => vec(of(item), 0..5).prop_map(Value::Array).boxed(),
        ItemType::Bag(item) => vec(of(item), 0..5).prop_map(Value::Bag).boxed(),
        ItemType::Set(item) => vec(of(item), 0..5).prop_map(Value::Set).boxed(),
        ItemType::Map(key, item) => vec((of(key), of(item)), 0..4).prop_map(Value::Map).boxed(),
        ItemType::Object(rules) => fields(rules).prop_map(Value::Object).boxed(),
    }
}

/// Properties by rules; those that may be missing are missing half of the time.
fn fields(rules: &[Rule]) -> BoxedStrategy<Fields> {
    let each: Vec<_> = rules
        .iter()
        .map(|rule| {
            let (name, optional) = (rule.name.clone(), rule.optional);
            (of(&rule.item), any::<bool>())
                .prop_map(move |(value, there)| (!optional || there).then_some((name.clone(), value)))
        })
        .collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

fn item() -> impl Strategy<Value = ItemType> {
    let leaf = select(vec![
        ItemType::String(Pattern::Any),
        ItemType::Integer,
        ItemType::Number,
        ItemType::Boolean,
        ItemType::Stringifiable,
        ItemType::ReferenceToObject,
        ItemType::ReferenceToId,
        ItemType::ReferenceToBlob,
        ItemType::ReferenceToClob,
    ]);
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(ItemType::array),
            inner.clone().prop_map(ItemType::bag),
            inner.clone().prop_map(ItemType::set),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| key.map_to(value)),
            rules(inner, 0..3).prop_map(ItemType::Object),
        ]
    })
}

fn rules(item: impl Strategy<Value = ItemType>, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Rule>> {
    // In an order that is not the alphabet's.
    btree_map("[a-zA-Z$_.-]{1,6}", (item, any::<bool>(), any::<bool>()), count).prop_map(|rules: BTreeMap<_, _>| {
        let rule = |(name, (item, optional, id))| Rule { name, item, optional, id };
        rules.into_iter().rev().map(rule).collect()
    })
}

/// A recipe and an object by it.
fn recipe_and_object() -> impl Strategy<Value = (Recipes, Object)> {
    rules(item(), 0..5).prop_flat_map(|rules| {
        fields(&rules).prop_map(move |fields| {
            let mut recipes = Recipes::standard().clone();
            recipes.insert(Recipe::new("Any", rules.clone()));
            (recipes, Object { type_name: "Any".to_owned(), fields })
        })
    })
}

/// A text of ours is good for others, and says everything about its object.
fn round_trip(recipes: &Recipes, written: &Microdata) -> Object {
    let checked = Microdata::check(written.as_str(), &Limits::DEFAULT).expect("what we write is canonical");
    let read = recipes.read(&checked).expect("what we write can be read");
    let again = if checked.is_id_object() { recipes.write_id(&read) } else { recipes.write(&read) };
    assert_eq!(again.expect("what was read can be written").as_str(), written.as_str());
    read
}

/// What an object refers to, in any order.
fn references(value: &Value, out: &mut Vec<Reference>) {
    match value {
        Value::Reference(reference) => out.push(*reference),
        Value::Array(items) | Value::Bag(items) | Value::Set(items) => {
            items.iter().for_each(|item| references(item, out));
        }
        Value::Map(entries) => entries.iter().for_each(|(key, value)| {
            references(key, out);
            references(value, out);
        }),
        Value::Object(fields) => fields.values().for_each(|value| references(value, out)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_value_under_any_recipe((recipes, object) in recipe_and_object()) {
        let written = match recipes.write(&object) {
            // Two equal items of a set, two equal keys of a map.
            Err(WriteError::Duplicate(_)) => return Ok(()),
            written => written.unwrap(),
        };
        let read = round_trip(&recipes, &written);
        let mut expected = Vec::new();
        read.fields.values().for_each(|value| references(value, &mut expected));
        expected.sort();
        expected.dedup();
        let mut found = written.references();
        found.sort();
        prop_assert_eq!(found, expected);
        match recipes.write_id(&object) {
            Err(WriteError::NotVersioned(_)) => {}
            id => {
                // An id object of an id object is itself.
                let id = id.unwrap();
                let read = round_trip(&recipes, &id);
                prop_assert_eq!(recipes.write_id(&read).unwrap(), id);
            }
        }
    }

    /// What has no order has one text in whatever order it is given; what has an order has as many as orders.
    #[test]
    fn order_matters_where_it_has_a_meaning(items in vec(text(), 2..6), at in any::<Index>(), turn in 1..5usize) {
        let mut recipes = Recipes::empty();
        let kinds = [("Array", ItemType::STRING.array()), ("Bag", ItemType::STRING.bag())];
        kinds.into_iter().for_each(|(name, item)| recipes.insert(Recipe::new(name, vec![Rule::new("x", item)])));
        let mut turned = items.clone();
        turned.rotate_left(turn % items.len());
        turned.swap(0, at.index(items.len()));
        let values = |items: &[String]| items.iter().cloned().map(Value::String).collect();
        let bag = |items: &[String]| recipes.write(&Object::new("Bag").with("x", Value::Bag(values(items)))).unwrap();
        let array = |items: &[String]| recipes.write(&Object::new("Array").with("x", Value::Array(values(items)))).unwrap();
        prop_assert_eq!(bag(&items), bag(&turned));
        prop_assert_eq!(array(&items) == array(&turned), items == turned);
    }

    /// One or more characters changed: what is still taken is the one text of what it says.
    #[test]
    fn a_changed_text_is_refused_or_canonical(
        (recipes, object) in recipe_and_object(),
        changes in vec((any::<Index>(), 0..4u8, any::<Index>(), any::<char>()), 1..4),
    ) {
        let Ok(written) = recipes.write(&object) else { return Ok(()) };
        let mut characters: Vec<char> = written.as_str().chars().collect();
        for (at, change, from, character) in changes {
            let at = at.index(characters.len());
            match change {
                0 => characters[at] = character,
                1 => characters.insert(at, character),
                2 if characters.len() > 1 => drop(characters.remove(at)),
                // A piece from somewhere else, which may be a tag.
                _ => {
                    let from = from.index(characters.len());
                    let piece: Vec<_> = characters[from..].iter().copied().take(12).collect();
                    characters.splice(at..at, piece);
                }
            }
        }
        if let Ok(checked) = Microdata::check(&String::from_iter(characters), &Limits::DEFAULT)
            && recipes.read(&checked).is_ok()
        {
            round_trip(&recipes, &checked);
        }
    }

    /// ECMAScript's numbers read back as the same number: the shortest digits that do.
    #[test]
    fn numbers_keep_their_value(number in number()) {
        let mut recipes = Recipes::empty();
        recipes.insert(Recipe::new("N", vec![Rule::new("n", ItemType::Number)]));
        let written = recipes.write(&Object::new("N").with("n", Value::Number(number))).unwrap();
        let Some(Value::Number(read)) = recipes.read(&written).unwrap().fields.remove("n") else { panic!("no number") };
        let same = if number.is_finite() { read == number } else { read.is_nan() };
        prop_assert!(same);
    }
}
