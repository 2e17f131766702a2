//! Objects as data: a type's name and named values (`spec/one.md §4`).

use std::collections::BTreeMap;

use crate::hash::Reference;

/// The properties of an object by name. Their order in microdata is the recipe's, not this one's.
pub type Fields = BTreeMap<String, Value>;

/// An object, or an id object: a type and properties. A property that is missing is not in `fields`: there is no null.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The name of the recipe.
    pub type_name: String,
    /// The properties.
    pub fields: Fields,
}

impl Object {
    /// An object of this type without properties.
    pub fn new(type_name: impl Into<String>) -> Self {
        Self { type_name: type_name.into(), fields: Fields::new() }
    }

    /// The same with one more property.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    /// A property, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }
}

/// A value of a property, or in a container.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    String(String),
    /// A number as JavaScript knows it, for `number` and `integer`. All that are not finite are written as `null` and read as
    /// NaN.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Any JSON, written with its keys in order.
    Stringifiable(serde_json::Value),
    /// A reference to something else.
    Reference(Reference),
    /// Values in an order that has a meaning.
    Array(Vec<Value>),
    /// Values in no order, some of them possibly alike.
    Bag(Vec<Value>),
    /// Values in no order, no two of them alike.
    Set(Vec<Value>),
    /// Keys and values, no two keys alike. **Their order is part of the object**: two orders have two hashes.
    Map(Vec<(Value, Value)>),
    /// An object inside, which has no type of its own.
    Object(Fields),
}

impl Value {
    /// What kind of value it is, for messages of errors.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Number(_) => "number",
            Self::Boolean(_) => "boolean",
            Self::Stringifiable(_) => "stringifiable",
            Self::Reference(_) => "reference",
            Self::Array(_) => "array",
            Self::Bag(_) => "bag",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
        }
    }
}
