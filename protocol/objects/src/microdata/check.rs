//! What every object's text looks like, whatever its type.

use std::collections::HashSet;

use super::cursor::{Cursor, Order};
use crate::error::ReadError;
use crate::hash::Reference;
use crate::limits::Limits;

/// Checks a whole text.
pub(super) fn check(text: &str, limits: &Limits) -> Result<(), ReadError> {
    let mut cursor = Cursor::new(text, limits)?;
    cursor.open_object()?;
    properties(&mut cursor)?;
    cursor.end()
}

/// Properties up to the end of the object: each of them once.
fn properties(cursor: &mut Cursor<'_>) -> Result<(), ReadError> {
    let mut names = HashSet::new();
    while !cursor.take("</div>") {
        let start = cursor.at();
        let name = property(cursor)?;
        if !names.insert(name) {
            return Err(ReadError::Syntax { at: start, expected: "each property once" });
        }
    }
    Ok(())
}

/// One property; returns its name.
fn property<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ReadError> {
    cursor.count()?;
    for tag in ["span", "a", "ol", "ul", "dl", "div"] {
        if !cursor.take_all(&["<", tag, " itemprop=\""]) {
            continue;
        }
        let name = cursor.name("the name of a property")?;
        cursor.expect("\"", "\"")?;
        match tag {
            "span" => {
                cursor.expect(">", ">")?;
                cursor.escaped()?;
                cursor.expect("</span>", "</span>")?;
            }
            "a" => {
                cursor.expect(" ", "data-type")?;
                link(cursor)?;
            }
            container => {
                cursor.expect(">", ">")?;
                cursor.below(|cursor| content(cursor, container))?;
            }
        }
        return Ok(name);
    }
    Err(cursor.wrong("a property"))
}

/// What follows the opening tag of a container, with its closing tag.
fn content(cursor: &mut Cursor<'_>, tag: &str) -> Result<(), ReadError> {
    match tag {
        "ol" => cursor.items("</ol>", Order::Given, value),
        "ul" => cursor.items("</ul>", Order::Sorted, value),
        "dl" => entries(cursor),
        _ => properties(cursor),
    }
}

/// The entries of a map: no two keys alike.
fn entries(cursor: &mut Cursor<'_>) -> Result<(), ReadError> {
    let mut keys = HashSet::new();
    while !cursor.take("</dl>") {
        let start = cursor.at();
        cursor.expect("<dt>", "<dt>")?;
        value(cursor)?;
        cursor.expect("</dt>", "</dt>")?;
        if !keys.insert(cursor.since(start)) {
            return Err(ReadError::Syntax { at: start, expected: "each key once" });
        }
        cursor.expect("<dd>", "<dd>")?;
        value(cursor)?;
        cursor.expect("</dd>", "</dd>")?;
    }
    Ok(())
}

/// A value in a container.
fn value(cursor: &mut Cursor<'_>) -> Result<(), ReadError> {
    cursor.count()?;
    if cursor.take("<a ") {
        return link(cursor);
    }
    for (open, tag) in [("<ol>", "ol"), ("<ul>", "ul"), ("<dl>", "dl"), ("<div>", "div")] {
        if cursor.take(open) {
            return cursor.below(|cursor| content(cursor, tag));
        }
    }
    cursor.escaped().map(drop)
}

/// A reference, from its `data-type` on.
fn link(cursor: &mut Cursor<'_>) -> Result<(), ReadError> {
    cursor.expect("data-type=\"", "data-type")?;
    let data_type = cursor.name("a data-type")?;
    cursor.expect("\">", "\">")?;
    let start = cursor.at();
    let hash = cursor.hash()?;
    if Reference::new(data_type, hash).is_none() {
        return Err(ReadError::Syntax { at: start, expected: "a data-type that is known" });
    }
    cursor.expect("</a>", "</a>")
}
