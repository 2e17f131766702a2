//! Lists that travel as JSON in a JSON string (`spec/one.md §5`, services 2, 4 and 5).

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// A list that is longer than allowed, or no list of this kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// No JSON, or not of this kind.
    #[error("malformed list: {0}")]
    Malformed(String),
    /// Longer than allowed.
    #[error("the list has more than {0} entries")]
    TooLong(usize),
}

/// What one entry of a list becomes, as soon as it is read.
pub(crate) trait Entry<'de>: Sized {
    type Raw: Deserialize<'de>;

    /// None: an entry of a kind that we do not know, left out.
    fn from_raw(raw: Self::Raw) -> Result<Option<Self>, String>;
}

/// Reads a list of at most `max` entries. Each becomes its final form at once, so that a long list of large nothings costs nothing.
pub(crate) fn read<'de, T: Entry<'de>>(json: &'de str, max: usize) -> Result<Vec<T>, ListError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let mut too_long = false;
    let seed = Bounded { max, too_long: &mut too_long, entry: PhantomData };
    let list = seed.deserialize(&mut deserializer).and_then(|list| deserializer.end().map(|()| list));
    match list {
        Ok(list) => Ok(list),
        Err(_) if too_long => Err(ListError::TooLong(max)),
        Err(error) => Err(ListError::Malformed(error.to_string())),
    }
}

struct Bounded<'a, T> {
    max: usize,
    too_long: &'a mut bool,
    entry: PhantomData<T>,
}

impl<'de, T: Entry<'de>> DeserializeSeed<'de> for Bounded<'_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Entry<'de>> Visitor<'de> for Bounded<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        let mut count = 0;
        while let Some(raw) = entries.next_element::<T::Raw>()? {
            count += 1;
            if count > self.max {
                *self.too_long = true;
                return Err(A::Error::custom("too many entries"));
            }
            list.extend(T::from_raw(raw).map_err(A::Error::custom)?);
        }
        Ok(list)
    }
}

/// Writes the 64 digits of a hash: lists have hundreds of thousands.
pub(crate) fn push_hex(out: &mut String, hash: &[u8; 32]) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for byte in hash {
        out.extend(
            [usize::from(byte >> 4), usize::from(byte & 15)].map(|digit| DIGITS.get(digit).copied().unwrap_or('0')),
        );
    }
}
