//! JSON values of which only the simple ones are kept.
//!
//! A list of empty lists is small on the wire and large in memory; whatever nobody will look at is read over.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::UNDEFINED;
use super::binary::whole;

/// A text, a number, or something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Loose {
    Text(String),
    Whole(i64),
    Other,
    #[default]
    Undefined,
}

impl Loose {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(if text == UNDEFINED { Loose::Undefined } else { Loose::Text(text.to_owned()) })
    }

    fn visit_string<E>(self, text: String) -> Result<Loose, E> {
        Ok(if text == UNDEFINED { Loose::Undefined } else { Loose::Text(text) })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(if number.abs() <= super::MAX_REQUEST_ID { Loose::Whole(number) } else { Loose::Other })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        let small = i64::try_from(number).ok().filter(|number| *number <= super::MAX_REQUEST_ID);
        Ok(small.map_or(Loose::Other, Loose::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(whole(number).map_or(Loose::Other, Loose::Whole))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Loose, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<Loose, A::Error> {
        while values.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}
