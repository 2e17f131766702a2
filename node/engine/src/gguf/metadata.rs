//! The metadata: keys and values, of which only what can be asked for is kept.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::error::{Error, damaged, quoted};
use super::header::Limits;
use super::source::Source;

/// Elements of an array of numbers that are kept: one for each layer.
const KEPT: u64 = 1024;

/// A value, as far as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Whole numbers and truth values; a negative one is none that anything here asks for.
    Number(u64),
    /// Everything else that is one number.
    Other,
    /// A text; `None` if it was longer than the limit.
    Text(Option<String>),
    /// An array of texts: how many, and where the first begins.
    Texts { count: u64, at: u64 },
    /// An array of numbers: how many, and those that are kept.
    Numbers { count: u64, kept: Vec<u64> },
}

/// Keys and values of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata(BTreeMap<String, Value>);

impl Metadata {
    /// Reads `count` entries.
    pub(super) fn read<R: Read + Seek>(from: &mut Source<R>, count: u64, limits: &Limits) -> Result<Self, Error> {
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let Some(key) = from.text(limits.key, "a key of the metadata")? else {
                return damaged(format!("a key of its metadata has more than {} bytes", limits.key));
            };
            let kind = from.u32()?;
            let value = value(from, kind, limits)?;
            if entries.contains_key(&key) {
                return damaged(format!("its metadata has {} twice", quoted(&key)));
            }
            entries.insert(key, value);
        }
        Ok(Self(entries))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => text.as_deref(),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number, or one for each layer.
    pub(super) fn numbers(&self, key: &str) -> Option<Vec<u64>> {
        match self.get(key)? {
            Value::Number(number) => Some(vec![*number]),
            Value::Numbers { count, kept } if *count == kept.len() as u64 => Some(kept.clone()),
            _ => None,
        }
    }
}

fn value<R: Read + Seek>(from: &mut Source<R>, kind: u32, limits: &Limits) -> Result<Value, Error> {
    Ok(match kind {
        8 => Value::Text(from.text(limits.text, "a text of the metadata")?),
        9 => array(from, limits)?,
        _ => number(from, kind)?.map_or(Value::Other, Value::Number),
    })
}

fn array<R: Read + Seek>(from: &mut Source<R>, limits: &Limits) -> Result<Value, Error> {
    let kind = from.u32()?;
    let count = from.u64()?;
    if count > limits.elements {
        return damaged(format!("an array of its metadata claims {count} elements"));
    }
    let at = from.at();
    if kind == 8 {
        for _ in 0..count {
            let length = from.u64()?;
            from.skip(length, "a text of the metadata")?;
        }
        return Ok(Value::Texts { count, at });
    }
    let size = size(kind)?;
    from.expect(size * count, "an array of the metadata")?;
    let mut kept = Vec::new();
    for _ in 0..count.min(KEPT) {
        kept.extend(number(from, kind)?);
    }
    from.skip(size * count.saturating_sub(KEPT), "an array of the metadata")?;
    Ok(Value::Numbers { count, kept })
}

/// Bytes of a number of this type.
fn size(kind: u32) -> Result<u64, Error> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        // Arrays of arrays are allowed by the format, but no model has them and llama.cpp refuses them.
        9 => damaged("its metadata has arrays inside arrays"),
        _ => damaged(format!("its metadata has a value of the unknown type {kind}")),
    }
}

/// A number, if it is whole and not negative.
fn number<R: Read + Seek>(from: &mut Source<R>, kind: u32) -> Result<Option<u64>, Error> {
    size(kind)?;
    Ok(match kind {
        0 | 7 => Some(u64::from(u8::from_le_bytes(from.bytes()?))),
        1 => u64::try_from(i8::from_le_bytes(from.bytes()?)).ok(),
        2 => Some(u64::from(u16::from_le_bytes(from.bytes()?))),
        3 => u64::try_from(i16::from_le_bytes(from.bytes()?)).ok(),
        4 => Some(u64::from(from.u32()?)),
        5 => u64::try_from(i32::from_le_bytes(from.bytes()?)).ok(),
        6 => from.bytes::<4>().map(|_| None)?,
        10 => Some(from.u64()?),
        11 => u64::try_from(i64::from_le_bytes(from.bytes()?)).ok(),
        _ => from.bytes::<8>().map(|_| None)?,
    })
}
