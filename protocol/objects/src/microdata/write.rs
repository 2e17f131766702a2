//! Writing an object by its recipe.

use std::collections::HashSet;

use super::Microdata;
use super::cursor::{ID_START, START};
use crate::error::WriteError;
use crate::hash::Reference;
use crate::limits::Limits;
use crate::recipe::{ItemType, Recipes, Rule, is_name};
use crate::value::{Fields, Object, Value};
use crate::{escape, json, number};

impl Recipes {
    /// Writes an object.
    ///
    /// # Errors
    ///
    /// If there is no recipe for it, or it does not fit its recipe: something is missing, unknown, or of another kind.
    pub fn write(&self, object: &Object) -> Result<Microdata, WriteError> {
        let recipe = self.recipe_of(object)?;
        if object.fields.keys().any(|name| recipe.rule(name).is_none()) {
            return Err(unknown(&object.fields, &recipe.rules));
        }
        whole(START, &recipe.name, &recipe.rules.iter().collect::<Vec<_>>(), &object.fields)
    }

    /// Writes the id object of an object: its identity without the rest.
    ///
    /// # Errors
    ///
    /// As [`Recipes::write`], but other properties than those of the identity do not matter;
    /// [`WriteError::NotVersioned`] if the type has no identity.
    pub fn write_id(&self, object: &Object) -> Result<Microdata, WriteError> {
        let recipe = self.recipe_of(object)?;
        let rules: Vec<_> = recipe.rules.iter().filter(|rule| rule.id).collect();
        if rules.is_empty() {
            return Err(WriteError::NotVersioned(recipe.name.clone()));
        }
        whole(ID_START, &recipe.name, &rules, &object.fields)
    }

    fn recipe_of(&self, object: &Object) -> Result<&crate::recipe::Recipe, WriteError> {
        self.get(&object.type_name).ok_or_else(|| WriteError::UnknownType(object.type_name.clone()))
    }
}

/// The error for properties without a rule: it names the first.
fn unknown(fields: &Fields, rules: &[Rule]) -> WriteError {
    let name = fields.keys().find(|name| rules.iter().all(|rule| rule.name != **name));
    WriteError::Unknown(name.cloned().unwrap_or_default())
}

/// A whole object.
fn whole(start: &str, type_name: &str, rules: &[&Rule], fields: &Fields) -> Result<Microdata, WriteError> {
    let mut writer =
        Writer { out: String::with_capacity(256), depth: Limits::DEFAULT.depth, values: Limits::DEFAULT.values };
    if !is_name(type_name) {
        return Err(WriteError::Name);
    }
    writer.out.push_str(start);
    writer.out.push_str(type_name);
    writer.out.push_str("\">");
    writer.fields(rules, fields)?;
    writer.out.push_str("</div>");
    if writer.out.len() > Limits::DEFAULT.bytes {
        return Err(WriteError::TooLarge);
    }
    Ok(Microdata::trusted(&writer.out))
}

/// A text that grows.
struct Writer {
    out: String,
    /// Levels that may still be opened, and values that may still be written.
    depth: usize,
    values: usize,
}

impl Writer {
    /// Properties in the order of the rules.
    fn fields(&mut self, rules: &[&Rule], fields: &Fields) -> Result<(), WriteError> {
        for rule in rules {
            match fields.get(&rule.name) {
                Some(value) => self.value(value, &rule.item, &rule.name, true)?,
                None if rule.optional => {}
                None => return Err(WriteError::Missing(rule.name.clone())),
            }
        }
        Ok(())
    }

    /// A value: as a property with its name in the tag, or in a container. `name` is for errors too.
    fn value(&mut self, value: &Value, item: &ItemType, name: &str, property: bool) -> Result<(), WriteError> {
        self.values = self.values.checked_sub(1).ok_or(WriteError::TooLarge)?;
        if property && !is_name(name) {
            return Err(WriteError::Name);
        }
        match (value, item) {
            (Value::Reference(reference), _) if fits(reference, item) => {
                self.open("a", name, property, Some(reference.data_type()));
                self.out.push_str(&hex::encode(reference.hash_bytes()));
                self.out.push_str("</a>");
            }
            (Value::Array(items), ItemType::Array(of)) => {
                self.container("ol", name, property, |writer| {
                    writer.items(items, of, name)?.into_iter().for_each(|item| writer.out.push_str(&item));
                    Ok(())
                })?;
            }
            (Value::Bag(items), ItemType::Bag(of)) | (Value::Set(items), ItemType::Set(of)) => {
                self.container("ul", name, property, |writer| {
                    let mut written = writer.items(items, of, name)?;
                    written.sort_by(|a, b| escape::utf16_order(a, b));
                    if matches!(value, Value::Set(_)) && written.windows(2).any(|pair| pair[0] == pair[1]) {
                        return Err(WriteError::Duplicate(name.to_owned()));
                    }
                    written.into_iter().for_each(|item| writer.out.push_str(&item));
                    Ok(())
                })?;
            }
            (Value::Map(entries), ItemType::Map(key, of)) => {
                self.container("dl", name, property, |writer| writer.entries(entries, key, of, name))?;
            }
            (Value::Object(fields), ItemType::Object(rules)) => {
                if fields.keys().any(|name| rules.iter().all(|rule| rule.name != *name)) {
                    return Err(unknown(fields, rules));
                }
                let rules: Vec<_> = rules.iter().collect();
                self.container("div", name, property, |writer| writer.fields(&rules, fields))?;
            }
            _ => {
                let text = primitive(value, item, name)?;
                if property {
                    self.open("span", name, true, None);
                    escape::write(&text, &mut self.out);
                    self.out.push_str("</span>");
                } else {
                    escape::write(&text, &mut self.out);
                }
            }
        }
        if self.out.len() > Limits::DEFAULT.bytes { Err(WriteError::TooLarge) } else { Ok(()) }
    }

    /// The items of a list, each with its tags.
    fn items(&mut self, items: &[Value], of: &ItemType, name: &str) -> Result<Vec<String>, WriteError> {
        let outer = std::mem::take(&mut self.out);
        let written = items
            .iter()
            .map(|item| {
                self.out.push_str("<li>");
                self.value(item, of, name, false)?;
                self.out.push_str("</li>");
                Ok(std::mem::take(&mut self.out))
            })
            .collect();
        self.out = outer;
        written
    }

    /// The entries of a map, in their order.
    fn entries(
        &mut self,
        entries: &[(Value, Value)],
        key: &ItemType,
        of: &ItemType,
        name: &str,
    ) -> Result<(), WriteError> {
        let mut keys = HashSet::new();
        for (entry_key, value) in entries {
            self.out.push_str("<dt>");
            let start = self.out.len();
            self.value(entry_key, key, name, false)?;
            if !keys.insert(self.out[start..].to_owned()) {
                return Err(WriteError::Duplicate(name.to_owned()));
            }
            self.out.push_str("</dt><dd>");
            self.value(value, of, name, false)?;
            self.out.push_str("</dd>");
        }
        Ok(())
    }

    /// A container with its tags, one level below.
    fn container(
        &mut self,
        tag: &str,
        name: &str,
        property: bool,
        content: impl FnOnce(&mut Self) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.depth = self.depth.checked_sub(1).ok_or(WriteError::TooLarge)?;
        self.open(tag, name, property, None);
        content(self)?;
        self.out.extend(["</", tag, ">"]);
        self.depth += 1;
        Ok(())
    }

    /// An opening tag.
    fn open(&mut self, tag: &str, name: &str, property: bool, data_type: Option<&str>) {
        self.out.extend(["<", tag]);
        if property {
            self.out.extend([" itemprop=\"", name, "\""]);
        }
        if let Some(data_type) = data_type {
            self.out.extend([" data-type=\"", data_type, "\""]);
        }
        self.out.push('>');
    }
}

/// Whether a reference is of the kind that the recipe says.
const fn fits(reference: &Reference, item: &ItemType) -> bool {
    matches!(
        (reference, item),
        (Reference::Object(_), ItemType::ReferenceToObject)
            | (Reference::Id(_), ItemType::ReferenceToId)
            | (Reference::Blob(_), ItemType::ReferenceToBlob)
            | (Reference::Clob(_), ItemType::ReferenceToClob)
    )
}

/// The text of a value that is no container, not yet escaped.
fn primitive(value: &Value, item: &ItemType, name: &str) -> Result<String, WriteError> {
    let mut text = String::new();
    let allowed = match (value, item) {
        (Value::String(string), ItemType::String(pattern)) => {
            text.push_str(string);
            pattern.matches(string)
        }
        (Value::Number(value), ItemType::Number | ItemType::Integer) => {
            number::write(*value, &mut text);
            matches!(item, ItemType::Number) || value.fract() == 0.0
        }
        (Value::Boolean(flag), ItemType::Boolean) => {
            text.push_str(if *flag { "true" } else { "false" });
            true
        }
        (Value::Stringifiable(value), ItemType::Stringifiable) => json::write(value, &mut text),
        _ => return Err(WriteError::Kind { property: name.to_owned(), expected: item.name(), found: value.kind() }),
    };
    if allowed { Ok(text) } else { Err(WriteError::Value(name.to_owned())) }
}
