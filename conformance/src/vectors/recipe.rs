//! Large or random values, written as how they are made, and compared by their hash.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Most characters of a value that a recipe makes.
const MAX_LEN: usize = 1 << 20;

/// Why a recipe makes no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// No data of this name in the file.
    #[error("no data is called {0}")]
    NoSuchData(String),
    /// Nothing came before, or nothing that could be used here.
    #[error("the previous step gave nothing to go on with")]
    NoPrevious,
    /// Numbers or texts are missing, or make too much.
    #[error("malformed recipe {0}")]
    Malformed(String),
}

/// Replaces every recipe in `value` by what it makes.
pub(super) fn expand(
    value: &Value,
    data: &BTreeMap<String, String>,
    previous: Option<&Value>,
) -> Result<Value, RecipeError> {
    Ok(match value {
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| expand(item, data, previous)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => match made(fields, data, previous)? {
            Some(made) => made,
            None => {
                let field = |(key, value): (&String, &Value)| Ok((key.clone(), expand(value, data, previous)?));
                Value::Object(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
        },
        other => other.clone(),
    })
}

/// What an object makes if it is a recipe.
fn made(
    fields: &Map<String, Value>,
    data: &BTreeMap<String, String>,
    previous: Option<&Value>,
) -> Result<Option<Value>, RecipeError> {
    let malformed = || RecipeError::Malformed(Value::Object(fields.clone()).to_string());
    let text = |key: &str| fields.get(key).map_or(Some(""), Value::as_str).ok_or_else(malformed);
    let number = |key: &str| match fields.get(key) {
        Some(value) => {
            value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|&n| n <= MAX_LEN).ok_or_else(malformed)
        }
        None => Ok(0),
    };
    let has = |key: &str| fields.contains_key(key);
    let made = if has("name") {
        let name = text("name")?;
        data.get(name).ok_or_else(|| RecipeError::NoSuchData(name.to_owned()))?.clone()
    } else if has("repeat") {
        let (unit, times) = (text("repeat")?, number("times")?);
        if unit.len().saturating_mul(times) > MAX_LEN {
            return Err(malformed());
        }
        format!("{}{}{}", text("before")?, unit.repeat(times), text("after")?)
    } else if has("ramp") {
        hex::encode(ramp(number("skip")?, number("ramp")?))
    } else if has("stream") {
        hex::encode(stream(text("stream")?, number("skip")?, number("len")?))
    } else if has("from") {
        let answer = previous.and_then(Value::as_object).and_then(|answer| answer.values().next());
        return answer.cloned().map(Some).ok_or(RecipeError::NoPrevious);
    } else {
        return Ok(None);
    };
    Ok(Some(Value::String(made)))
}

/// Byte `i` is `7 i + i / 256`.
fn ramp(skip: usize, len: usize) -> Vec<u8> {
    (skip..skip + len).map(|i| (i * 7 + (i >> 8)).to_le_bytes()[0]).collect()
}

/// SHA-256 of the prefix and a decimal counter, block after block.
fn stream(prefix: &str, skip: usize, len: usize) -> Vec<u8> {
    let blocks = (skip / 32)..(skip + len).div_ceil(32);
    let bytes = blocks.flat_map(|block| Sha256::digest(format!("{prefix}{block}")));
    bytes.skip(skip % 32).take(len).collect()
}

/// Whether an answer is the expected one. `key` is the name of the field that holds both.
///
/// `{"len", "sha256"}` stands for a value with this hash, `{"any"}` for any text; `seen` is not compared.
pub(super) fn matches(key: &str, expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::String(actual)) => {
            expected.contains_key("any") || digest(key, actual) == Some(Value::Object(expected.clone()))
        }
        (Value::Object(expected), Value::Object(actual)) => {
            let mut fields = expected.iter().filter(|(key, _)| *key != "seen");
            let same =
                |(key, value): (&String, &Value)| actual.get(key).is_some_and(|actual| matches(key, value, actual));
            fields.clone().count() == actual.len() && fields.all(same)
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| matches(key, e, a))
        }
        _ => expected == actual,
    }
}

/// Length and hash of a value: of its bytes if the field holds hex.
fn digest(key: &str, value: &str) -> Option<Value> {
    let decoded = if key == "bytes" { hex::decode(value).ok()? } else { value.as_bytes().to_vec() };
    Some(serde_json::json!({ "len": decoded.len(), "sha256": hex::encode(Sha256::digest(&decoded)) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(value: &Value, previous: Option<&Value>) -> Result<Value, RecipeError> {
        let data = BTreeMap::from([("key".to_owned(), "0a0b".to_owned())]);
        expand(value, &data, previous)
    }

    #[test]
    fn recipes_make_values() {
        assert_eq!(made(&json!([{ "name": "key" }, 5]), None), Ok(json!(["0a0b", 5])));
        let repeat = json!({ "x": { "before": "a", "repeat": "bc", "times": 2, "after": "d" } });
        assert_eq!(made(&repeat, None), Ok(json!({ "x": "abcbcd" })));
        assert_eq!(made(&json!({ "ramp": 3, "skip": 255 }), None), Ok(json!("f90108")));
        assert_eq!(made(&json!({ "from": "previous" }), Some(&json!({ "text": "t" }))), Ok(json!("t")));
        let whole = hex::encode(Sha256::digest("p:0")) + &hex::encode(Sha256::digest("p:1"));
        assert_eq!(made(&json!({ "stream": "p:", "skip": 31, "len": 2 }), None), Ok(json!(whole[62..66])));
    }

    #[test]
    fn what_makes_nothing_is_an_error() {
        assert_eq!(made(&json!({ "name": "no" }), None), Err(RecipeError::NoSuchData("no".to_owned())));
        assert_eq!(made(&json!({ "from": "previous" }), None), Err(RecipeError::NoPrevious));
        for bad in
            [json!({ "repeat": "ab", "times": 1_000_000 }), json!({ "repeat": 5, "times": 1 }), json!({ "ramp": -1 })]
        {
            assert!(matches!(made(&bad, None), Err(RecipeError::Malformed(_))));
        }
    }

    #[test]
    fn answers_are_compared_whole() {
        let same = |expected: Value, actual: Value| matches("", &expected, &actual);
        assert!(same(json!({ "bytes": "00" }), json!({ "bytes": "00" })));
        assert!(!same(json!({ "bytes": "00" }), json!({ "text": "00" })));
        assert!(!same(json!({ "messages": [] }), json!({ "messages": [{ "text": "" }] })));
        assert!(!same(json!({ "value": { "bytes": "" } }), json!({ "value": { "bytes": "", "flags": 1 } })));
        assert!(same(json!({ "error": { "any": "x" } }), json!({ "error": "y" })));
        assert!(!same(json!({ "error": { "any": "x" } }), json!({ "text": "y" })));
        assert!(same(json!({ "at": 1, "seen": 2 }), json!({ "at": 1 })));
    }

    #[test]
    fn hashes_are_of_bytes_or_of_text() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let hash = json!({ "len": 0, "sha256": empty });
        assert!(matches("bytes", &hash, &json!("")));
        assert!(matches("text", &hash, &json!("")));
        assert!(!matches("text", &hash, &json!("a")));
        let byte = json!({ "len": 1, "sha256": hex::encode(Sha256::digest([0xab])) });
        assert!(matches("bytes", &byte, &json!("ab")));
        assert!(!matches("text", &byte, &json!("ab")));
    }
}
