//! A place in a text that is read, and the tags that may stand there.

use std::cmp::Ordering;

use crate::error::ReadError;
use crate::escape;
use crate::hash::{HASH_LEN, HEX_LEN, decode};
use crate::limits::Limits;
use crate::recipe::is_name;

/// What an object begins with; the name of its type follows.
pub(super) const START: &str = "<div itemscope itemtype=\"//refin.io/";

/// What an id object begins with.
pub(super) const ID_START: &str = "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/";

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Levels that may still be opened, and values that may still be read.
    depth: usize,
    values: usize,
}

impl<'a> Cursor<'a> {
    /// The start of a text.
    pub(super) fn new(text: &'a str, limits: &Limits) -> Result<Self, ReadError> {
        if text.len() > limits.bytes {
            return Err(ReadError::Limit("size"));
        }
        Ok(Self { text, at: 0, depth: limits.depth, values: limits.values })
    }

    /// Reads the tag of a whole object: whether it is an id object, and the name of its type.
    pub(super) fn open_object(&mut self) -> Result<(bool, &'a str), ReadError> {
        let id = self.take(ID_START);
        if !id {
            self.expect(START, "an object")?;
        }
        let name = self.name("the name of a type")?;
        self.expect("\">", "\">")?;
        Ok((id, name))
    }

    /// A name, up to its quote.
    pub(super) fn name(&mut self, what: &'static str) -> Result<&'a str, ReadError> {
        let rest = self.rest();
        match rest.split_once('"') {
            Some((name, _)) if is_name(name) => {
                self.at += name.len();
                Ok(name)
            }
            _ => Err(self.wrong(what)),
        }
    }

    /// Goes on if this stands here.
    pub(super) fn take(&mut self, what: &str) -> bool {
        let here = self.rest().starts_with(what);
        if here {
            self.at += what.len();
        }
        here
    }

    /// Goes on if these stand here, one after the other: without them, nowhere.
    pub(super) fn take_all(&mut self, parts: &[&str]) -> bool {
        let start = self.at;
        let all = parts.iter().all(|part| self.take(part));
        if !all {
            self.at = start;
        }
        all
    }

    /// This has to stand here.
    pub(super) fn expect(&mut self, what: &str, name: &'static str) -> Result<(), ReadError> {
        if self.take(what) { Ok(()) } else { Err(self.wrong(name)) }
    }

    /// Text up to the next tag, still escaped.
    pub(super) fn escaped(&mut self) -> Result<&'a str, ReadError> {
        let rest = self.rest();
        let text = rest.find('<').map_or(rest, |end| &rest[..end]);
        if !escape::is_escaped(text) {
            return Err(self.wrong("escaped text"));
        }
        self.at += text.len();
        Ok(text)
    }

    /// A hash in lower-case hex.
    pub(super) fn hash(&mut self) -> Result<[u8; HASH_LEN], ReadError> {
        match self.rest().get(..HEX_LEN).map(decode) {
            Some(Ok(hash)) => {
                self.at += HEX_LEN;
                Ok(hash)
            }
            _ => Err(self.wrong("a hash")),
        }
    }

    /// Nothing more may follow.
    pub(super) fn end(&self) -> Result<(), ReadError> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// One more value.
    pub(super) fn count(&mut self) -> Result<(), ReadError> {
        self.values = self.values.checked_sub(1).ok_or(ReadError::Limit("number of values"))?;
        Ok(())
    }

    /// Reads something one level below.
    pub(super) fn below<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.depth = self.depth.checked_sub(1).ok_or(ReadError::Limit("depth"))?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    /// Reads the items of a list up to its closing tag; their order is what the kind of list asks for.
    pub(super) fn items(
        &mut self,
        end: &str,
        order: Order,
        mut item: impl FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let text = self.text;
        let mut previous: Option<&str> = None;
        while !self.take(end) {
            let start = self.at;
            self.expect("<li>", "<li>")?;
            item(self)?;
            self.expect("</li>", "</li>")?;
            let this = &text[start..self.at];
            let ordered = match (order, previous.map(|previous| escape::utf16_order(previous, this))) {
                (Order::Given, _) | (_, None | Some(Ordering::Less)) => true,
                (Order::Sorted, Some(Ordering::Equal)) => true,
                (Order::Sorted | Order::Distinct, _) => false,
            };
            if !ordered {
                return Err(ReadError::Syntax { at: start, expected: "items in their order" });
            }
            previous = Some(this);
        }
        Ok(())
    }

    /// The text between two places.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What follows.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Something else should stand here.
    pub(super) const fn wrong(&self, expected: &'static str) -> ReadError {
        ReadError::Syntax { at: self.at, expected }
    }
}

/// In which order the items of a list have to be.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// In any.
    Given,
    /// Sorted.
    Sorted,
    /// Sorted, and no two alike.
    Distinct,
}
