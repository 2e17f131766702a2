//! JSON in microdata: keys in the order of UTF-16, numbers as ECMAScript writes them, no whitespace (`spec/one.md §4`).

use serde_json::Value;

use crate::{escape, number};

/// The most levels of arrays and objects.
const MAX_DEPTH: usize = 64;

/// Appends a value; false if it cannot be written.
///
/// A key that JSON would have to escape is refused: real peers write it as it is, and nobody could read that.
pub(crate) fn write(value: &Value, out: &mut String) -> bool {
    write_at(value, MAX_DEPTH, out)
}

fn write_at(value: &Value, depth: usize, out: &mut String) -> bool {
    let Some(below) = depth.checked_sub(1) else { return false };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64() {
            Some(number) => number::write(number, out),
            None => return false,
        },
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if !write_at(item, below, out) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(a, _), (b, _)| escape::utf16_order(a, b));
            out.push('{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                let key_text = quoted(key);
                if key_text.len() != key.len() + 2 {
                    return false;
                }
                out.push_str(&key_text);
                out.push(':');
                if !write_at(item, below, out) {
                    return false;
                }
            }
            out.push('}');
        }
    }
    true
}

/// A text as JSON: serde escapes the same characters in the same way as ECMAScript.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Reads what [`write`] writes, and nothing else.
pub(crate) fn read(text: &str) -> Option<Value> {
    let value = serde_json::from_str(text).ok()?;
    let mut canonical = String::with_capacity(text.len());
    (write(&value, &mut canonical) && canonical == text).then_some(value)
}

/// A set as JSON has it: an array, in the order of its items' texts, none of them twice.
#[must_use]
pub fn set(items: impl IntoIterator<Item = Value>) -> Value {
    let mut items: Vec<(String, Value)> = items
        .into_iter()
        .map(|item| {
            let mut text = String::new();
            // What cannot be written is refused when the whole is.
            let _ = write(&item, &mut text);
            (text, item)
        })
        .collect();
    items.sort_by(|(a, _), (b, _)| escape::utf16_order(a, b));
    items.dedup_by(|(a, _), (b, _)| a == b);
    Value::Array(items.into_iter().map(|(_, item)| item).collect())
}

/// A map as JSON has it: an array of pairs, in the order of their texts.
#[must_use]
pub fn map(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    set(entries.into_iter().map(|(key, value)| Value::Array(vec![key, value])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> Option<String> {
        let mut out = String::new();
        write(value, &mut out).then_some(out)
    }

    #[test]
    fn keys_in_order_and_numbers_as_in_javascript() {
        let value = json!({"9": 2, "10": 1, "z": 1e21, "a": ["ü<", null, true, -0.0], "m": {"x": "q\"\\\n"}});
        let text = r#"{"10":1,"9":2,"a":["ü<",null,true,0],"m":{"x":"q\"\\\n"},"z":1e+21}"#;
        assert_eq!(written(&value).unwrap(), text);
        assert_eq!(written(&read(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn only_one_text_for_each_value() {
        for wrong in ["", " 1", r#"{"b":1,"a":2}"#, r#"{"a":1,"a":1}"#, "[1, 2]", r#""\u0041""#, "1.0", "1e999", "01"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        // The shortest text that is not the nearest to what a careless reader makes of it.
        assert!(read("0.30000000000000004").is_some());
        assert!(read("9007199254740993").is_none());
    }

    #[test]
    fn what_nobody_could_read_is_not_written() {
        assert_eq!(written(&json!({"a\"b": 1})), None);
        let deep = (0..MAX_DEPTH).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(written(&deep), None);
        assert_eq!(read(&format!("{}1{}", "[".repeat(100), "]".repeat(100))), None);
    }

    #[test]
    fn sets_and_maps_are_sorted_arrays() {
        assert_eq!(set([json!("b"), json!("a"), json!(10), json!(9), json!("a")]), json!(["a", "b", 10, 9]));
        assert_eq!(map([(json!("z"), json!(1)), (json!("a"), json!(2))]), json!([["a", 2], ["z", 1]]));
    }
}
