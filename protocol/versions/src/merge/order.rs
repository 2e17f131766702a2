//! A total order of values, for choices in which nothing else tells two values apart. Any order would do, as long as all peers
//! have the same.

use std::cmp::Ordering;

use ratatosk_objects::Value;

/// Compares two values of one kind. Equal are those that are written alike.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => number(*a).total_cmp(&number(*b)),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        // The keys of its objects are in order, so one value is one text.
        (Value::Stringifiable(a), Value::Stringifiable(b)) => a.to_string().cmp(&b.to_string()),
        (Value::Reference(a), Value::Reference(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) | (Value::Bag(a), Value::Bag(b)) | (Value::Set(a), Value::Set(b)) => {
            each(a.iter().zip(b).map(|(a, b)| compare(a, b)), a.len(), b.len())
        }
        (Value::Map(a), Value::Map(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| compare(&a.0, &b.0).then_with(|| compare(&a.1, &b.1)));
            each(pairs, a.len(), b.len())
        }
        (Value::Object(a), Value::Object(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| a.0.cmp(b.0).then_with(|| compare(a.1, b.1)));
            each(pairs, a.len(), b.len())
        }
        // Two values of one property have one kind.
        _ => a.kind().cmp(b.kind()),
    }
}

/// There is one zero in microdata, and one number that is none.
fn number(number: f64) -> f64 {
    if number.is_finite() { number + 0.0 } else { f64::NAN }
}

fn each(mut pairs: impl Iterator<Item = Ordering>, a: usize, b: usize) -> Ordering {
    pairs.find(|order| order.is_ne()).unwrap_or_else(|| a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_written_alike_are_equal() {
        for (a, b) in [(0.0, -0.0), (f64::NAN, f64::INFINITY), (-f64::NAN, f64::NEG_INFINITY)] {
            assert_eq!(compare(&Value::Number(a), &Value::Number(b)), Ordering::Equal, "{a} {b}");
        }
        assert_eq!(compare(&Value::Number(-1.0), &Value::Number(0.0)), Ordering::Less);
    }

    #[test]
    fn containers_compare_by_items_then_by_length() {
        let text = |text: &str| Value::String(text.into());
        let array = |items: &[&str]| Value::Array(items.iter().map(|item| text(item)).collect());
        assert_eq!(compare(&array(&["a"]), &array(&["a", "b"])), Ordering::Less);
        assert_eq!(compare(&array(&["b"]), &array(&["a", "b"])), Ordering::Greater);
        let map = |value| Value::Map(vec![(text("k"), text(value))]);
        assert_eq!(compare(&map("v"), &map("w")), Ordering::Less);
        assert_eq!(compare(&map("v"), &map("v")), Ordering::Equal);
    }
}
