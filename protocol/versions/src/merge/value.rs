//! Merging values, by the kind that the recipe says.

use std::cmp::Ordering;

use ratatosk_objects::{Fields, ItemType, Rule, Value};

use super::Sides;
use super::order::compare;

/// A property, of both sides' properties. One that only one side has is kept: who does not have it may never have known it.
pub(super) fn property(rule: &Rule, sides: &Sides<'_, Fields>) -> Option<Value> {
    match (sides.ours.get(&rule.name), sides.theirs.get(&rule.name)) {
        (Some(ours), Some(theirs)) => Some(value(&rule.item, &sides.with(ours, theirs))),
        (ours, theirs) => ours.or(theirs).cloned(),
    }
}

/// A value that both sides have.
fn value(item: &ItemType, sides: &Sides<'_, Value>) -> Value {
    if compare(sides.ours, sides.theirs).is_eq() {
        return sides.ours.clone();
    }
    match (item, sides.ours, sides.theirs) {
        (ItemType::Array(_), Value::Array(ours), Value::Array(theirs)) => Value::Array(union(ours, theirs)),
        (ItemType::Bag(_), Value::Bag(ours), Value::Bag(theirs)) => Value::Bag(union(ours, theirs)),
        (ItemType::Set(_), Value::Set(ours), Value::Set(theirs)) => Value::Set(union(ours, theirs)),
        (ItemType::Map(_, item), Value::Map(ours), Value::Map(theirs)) => {
            Value::Map(map(item, &sides.with(ours, theirs)))
        }
        (ItemType::Object(rules), Value::Object(ours), Value::Object(theirs)) => {
            let sides = sides.with(ours, theirs);
            let properties = rules.iter().filter_map(|rule| Some((rule.name.clone(), property(rule, &sides)?)));
            Value::Object(properties.collect())
        }
        _ => later(sides),
    }
}

/// The value of the later side. In the same millisecond it is the greater one.
fn later(sides: &Sides<'_, Value>) -> Value {
    let ours = sides.order.then_with(|| compare(sides.ours, sides.theirs)).is_gt();
    if ours { sides.ours.clone() } else { sides.theirs.clone() }
}

/// All items of both, in order, each once.
fn union(ours: &[Value], theirs: &[Value]) -> Vec<Value> {
    let mut all: Vec<&Value> = ours.iter().chain(theirs).collect();
    all.sort_by(|a, b| compare(a, b));
    all.dedup_by(|a, b| compare(a, b).is_eq());
    all.into_iter().cloned().collect()
}

type Pairs = Vec<(Value, Value)>;

/// All keys of both, with their values merged. The order of keys is part of a map: if both sides have the same keys in the same
/// order it stays, else they are sorted, since two sides that keep their own would never agree.
fn map(item: &ItemType, sides: &Sides<'_, Pairs>) -> Pairs {
    let same_keys = sides.ours.len() == sides.theirs.len()
        && sides.ours.iter().zip(sides.theirs).all(|(ours, theirs)| compare(&ours.0, &theirs.0).is_eq());
    if same_keys {
        let pairs = sides.ours.iter().zip(sides.theirs);
        return pairs.map(|(ours, theirs)| (ours.0.clone(), value(item, &sides.with(&ours.1, &theirs.1)))).collect();
    }
    let [ours, theirs] = [sides.ours, sides.theirs].map(|pairs| {
        let mut pairs: Vec<_> = pairs.iter().collect();
        pairs.sort_by(|a, b| compare(&a.0, &b.0));
        pairs
    });
    let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
    let mut merged = Vec::new();
    loop {
        let order = match (ours.peek(), theirs.peek()) {
            (Some(ours), Some(theirs)) => compare(&ours.0, &theirs.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return merged,
        };
        let ours = if order.is_le() { ours.next() } else { None };
        let theirs = if order.is_ge() { theirs.next() } else { None };
        merged.extend(match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some((ours.0.clone(), value(item, &sides.with(&ours.1, &theirs.1)))),
            (ours, theirs) => ours.or(theirs).cloned(),
        });
    }
}
