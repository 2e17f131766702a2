//! Reading an object by its recipe.

use super::Microdata;
use super::cursor::{Cursor, Order};
use crate::error::ReadError;
use crate::hash::Reference;
use crate::limits::Limits;
use crate::recipe::{ItemType, Recipes, Rule};
use crate::value::{Fields, Object, Value};
use crate::{escape, json, number};

impl Recipes {
    /// Reads an object, or an id object with what it has.
    ///
    /// What it gives is written to the same text again; all that would not be is refused.
    ///
    /// # Errors
    ///
    /// [`ReadError::UnknownType`] if there is no recipe (the object is still good to keep and to pass on), otherwise where and why
    /// it does not fit the recipe.
    pub fn read(&self, microdata: &Microdata) -> Result<Object, ReadError> {
        let mut cursor = Cursor::new(microdata.as_str(), &Limits::DEFAULT)?;
        let (id, type_name) = cursor.open_object()?;
        let recipe = self.get(type_name).ok_or_else(|| ReadError::UnknownType(type_name.to_owned()))?;
        if id && !recipe.is_versioned() {
            return Err(ReadError::IdObject);
        }
        let fields = fields(&mut cursor, recipe.rules.iter().filter(|rule| rule.id || !id))?;
        cursor.end()?;
        Ok(Object { type_name: type_name.to_owned(), fields })
    }
}

/// Properties in the order of the rules, up to the end of the object.
fn fields<'r>(cursor: &mut Cursor<'_>, rules: impl Iterator<Item = &'r Rule>) -> Result<Fields, ReadError> {
    let mut fields = Fields::new();
    for rule in rules {
        if cursor.take_all(&["<", tag(&rule.item), " itemprop=\"", &rule.name, "\""]) {
            fields.insert(rule.name.clone(), property(cursor, &rule.item)?);
        } else if !rule.optional {
            return Err(cursor.wrong("a property that must be there"));
        }
    }
    cursor.expect("</div>", "the end of the object")?;
    Ok(fields)
}

/// The tag of a kind of value, when it is a property's.
const fn tag(item: &ItemType) -> &'static str {
    match item {
        ItemType::String(_) | ItemType::Integer | ItemType::Number | ItemType::Boolean | ItemType::Stringifiable => {
            "span"
        }
        ItemType::ReferenceToObject
        | ItemType::ReferenceToId
        | ItemType::ReferenceToBlob
        | ItemType::ReferenceToClob => "a",
        ItemType::Array(_) => "ol",
        ItemType::Bag(_) | ItemType::Set(_) => "ul",
        ItemType::Map(..) => "dl",
        ItemType::Object(_) => "div",
    }
}

/// A property's value, after its name.
fn property(cursor: &mut Cursor<'_>, item: &ItemType) -> Result<Value, ReadError> {
    cursor.count()?;
    match tag(item) {
        "span" => {
            cursor.expect(">", ">")?;
            let value = primitive(cursor, item)?;
            cursor.expect("</span>", "</span>")?;
            Ok(value)
        }
        "a" => {
            cursor.expect(" ", "data-type")?;
            link(cursor, item)
        }
        _ => {
            cursor.expect(">", ">")?;
            cursor.below(|cursor| content(cursor, item))
        }
    }
}

/// A value in a container.
fn value(cursor: &mut Cursor<'_>, item: &ItemType) -> Result<Value, ReadError> {
    cursor.count()?;
    match tag(item) {
        "span" => primitive(cursor, item),
        "a" => {
            cursor.expect("<a ", "a reference")?;
            link(cursor, item)
        }
        container => {
            if !cursor.take_all(&["<", container, ">"]) {
                return Err(cursor.wrong("a container"));
            }
            cursor.below(|cursor| content(cursor, item))
        }
    }
}

/// What follows the opening tag of a container, with its closing tag.
fn content(cursor: &mut Cursor<'_>, item: &ItemType) -> Result<Value, ReadError> {
    let mut items = Vec::new();
    let mut list = |cursor: &mut Cursor<'_>, end, order, of: &ItemType| {
        cursor.items(end, order, |cursor| {
            items.push(value(cursor, of)?);
            Ok(())
        })
    };
    match item {
        ItemType::Array(of) => {
            list(cursor, "</ol>", Order::Given, of)?;
            Ok(Value::Array(items))
        }
        ItemType::Bag(of) => {
            list(cursor, "</ul>", Order::Sorted, of)?;
            Ok(Value::Bag(items))
        }
        ItemType::Set(of) => {
            list(cursor, "</ul>", Order::Distinct, of)?;
            Ok(Value::Set(items))
        }
        ItemType::Map(key, of) => entries(cursor, key, of),
        ItemType::Object(rules) => fields(cursor, rules.iter()).map(Value::Object),
        _ => Err(cursor.wrong("a container")),
    }
}

/// The entries of a map. That no two keys are alike has been checked when the text became [`Microdata`].
fn entries(cursor: &mut Cursor<'_>, key: &ItemType, of: &ItemType) -> Result<Value, ReadError> {
    let mut entries = Vec::new();
    while !cursor.take("</dl>") {
        cursor.expect("<dt>", "<dt>")?;
        let key = value(cursor, key)?;
        cursor.expect("</dt>", "</dt>")?;
        cursor.expect("<dd>", "<dd>")?;
        let value = value(cursor, of)?;
        cursor.expect("</dd>", "</dd>")?;
        entries.push((key, value));
    }
    Ok(Value::Map(entries))
}

/// A reference, from its `data-type` on.
fn link(cursor: &mut Cursor<'_>, item: &ItemType) -> Result<Value, ReadError> {
    let data_type = match item {
        ItemType::ReferenceToObject => "obj",
        ItemType::ReferenceToId => "id",
        ItemType::ReferenceToBlob => "blob",
        _ => "clob",
    };
    if !cursor.take_all(&["data-type=\"", data_type, "\">"]) {
        return Err(cursor.wrong("another data-type"));
    }
    let hash = cursor.hash()?;
    let reference = Reference::new(data_type, hash).ok_or_else(|| cursor.wrong("another data-type"))?;
    cursor.expect("</a>", "</a>")?;
    Ok(Value::Reference(reference))
}

/// A text that stands for itself, for a number, a truth value or JSON.
fn primitive(cursor: &mut Cursor<'_>, item: &ItemType) -> Result<Value, ReadError> {
    let (start, text) = (cursor.at(), cursor.escaped()?);
    let text = escape::read(text).ok_or_else(|| cursor.wrong("escaped text"))?;
    let value = match item {
        ItemType::String(pattern) if pattern.matches(&text) => Some(Value::String(text.into_owned())),
        ItemType::Integer => number::read(&text).filter(|number| number.fract() == 0.0).map(Value::Number),
        ItemType::Number => number::read(&text).map(Value::Number),
        ItemType::Boolean => match text.as_ref() {
            "true" => Some(Value::Boolean(true)),
            "false" => Some(Value::Boolean(false)),
            _ => None,
        },
        ItemType::Stringifiable => json::read(&text).map(Value::Stringifiable),
        _ => None,
    };
    value.ok_or(ReadError::Syntax { at: start, expected: "a value that the recipe allows" })
}
