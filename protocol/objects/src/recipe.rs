//! Recipes as data: which properties a type has, in which order, of which kinds (`spec/one.md §4`).

mod standard;

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What an object of one type consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The name of the type. Letters, digits and a few signs ([`is_name`]).
    pub name: String,
    /// The properties, in the order in which they are written.
    pub rules: Vec<Rule>,
    /// Which algorithm merges a property, where it is not the one that its kind has (`crdtConfig`): by a path such as
    /// `head#referenceToObj`.
    pub crdt: Vec<(String, String)>,
}

impl Recipe {
    /// A recipe without a say in how its properties merge.
    pub fn new(name: impl Into<String>, rules: Vec<Rule>) -> Self {
        Self { name: name.into(), rules, crdt: Vec::new() }
    }

    /// Whether objects of this type have versions: whether a property belongs to their identity.
    #[must_use]
    pub fn is_versioned(&self) -> bool {
        self.rules.iter().any(|rule| rule.id)
    }

    /// The rule of a property.
    #[must_use]
    pub fn rule(&self, property: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == property)
    }

    /// The algorithm that the recipe itself chooses for a path, e.g. `head#referenceToObj`.
    #[must_use]
    pub fn crdt_algorithm(&self, path: &str) -> Option<&str> {
        self.crdt.iter().find(|(at, _)| at == path).map(|(_, algorithm)| algorithm.as_str())
    }
}

/// One property of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the property (`itemprop`).
    pub name: String,
    /// What kind of value it has.
    pub item: ItemType,
    /// Whether it may be missing.
    pub optional: bool,
    /// Whether it belongs to the identity (`isId`). This has a meaning at the top of a recipe only.
    pub id: bool,
}

impl Rule {
    /// A property that must be there.
    pub fn new(name: impl Into<String>, item: ItemType) -> Self {
        Self { name: name.into(), item, optional: false, id: false }
    }

    /// The same, but it may be missing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same, but it belongs to the identity.
    #[must_use]
    pub fn id(mut self) -> Self {
        self.id = true;
        self
    }
}

/// The kind of a value.
///
/// Which types a reference may point at is not in it: nobody checks that when an object is written or read, because what it
/// points at need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// Text that matches a pattern.
    String(Pattern),
    /// A number without a fraction.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON.
    Stringifiable,
    /// A reference to one version of an object.
    ReferenceToObject,
    /// A reference to all versions of an object.
    ReferenceToId,
    /// A reference to bytes.
    ReferenceToBlob,
    /// A reference to a text.
    ReferenceToClob,
    /// Values in their order.
    Array(Box<ItemType>),
    /// Values in no order.
    Bag(Box<ItemType>),
    /// Values in no order, none twice.
    Set(Box<ItemType>),
    /// Keys and values, in their order.
    Map(Box<ItemType>, Box<ItemType>),
    /// An object inside, by rules of its own.
    Object(Vec<Rule>),
}

impl ItemType {
    /// Any text.
    pub const STRING: Self = Self::String(Pattern::Any);

    /// An array of this.
    #[must_use]
    pub fn array(self) -> Self {
        Self::Array(Box::new(self))
    }

    /// A bag of this.
    #[must_use]
    pub fn bag(self) -> Self {
        Self::Bag(Box::new(self))
    }

    /// A set of this.
    #[must_use]
    pub fn set(self) -> Self {
        Self::Set(Box::new(self))
    }

    /// A map from this to that.
    #[must_use]
    pub fn map_to(self, value: Self) -> Self {
        Self::Map(Box::new(self), Box::new(value))
    }

    /// How a recipe calls it (`itemtype.type`), and messages of errors do.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Stringifiable => "stringifiable",
            Self::ReferenceToObject => "referenceToObj",
            Self::ReferenceToId => "referenceToId",
            Self::ReferenceToBlob => "referenceToBlob",
            Self::ReferenceToClob => "referenceToClob",
            Self::Array(_) => "array",
            Self::Bag(_) => "bag",
            Self::Set(_) => "set",
            Self::Map(..) => "map",
            Self::Object(_) => "object",
        }
    }
}

/// What a text has to look like. Recipes have regular expressions for it; these are all that occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Anything.
    Any,
    /// This text only.
    Exactly(String),
    /// 64 characters of `[A-Za-z0-9+/]`, as keys have it: wider than the hex digits that stand there.
    Key,
    /// Any number of pairs of hex digits, of either case.
    HexPairs,
}

impl Pattern {
    /// Whether a text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(only) => text == only,
            Self::Key => {
                text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            }
            Self::HexPairs => text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        }
    }
}

/// Whether it may be the name of a type or of a property: 1 to 128 visible ASCII characters without `"`, `<`, `>`, `&`.
///
/// Names stand unescaped in the tags of microdata. Real peers check none, and have none that would not fit here.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'&'))
}

/// The types that are known, by name.
#[derive(Clone, Debug, Default)]
pub struct Recipes(BTreeMap<String, Recipe>);

impl Recipes {
    /// No types.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// The types of the ONE network that a peer needs for contacts, sync and chat.
    #[must_use]
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Recipes> = LazyLock::new(|| {
            let mut recipes = Recipes::empty();
            standard::recipes().into_iter().for_each(|recipe| recipes.insert(recipe));
            recipes
        });
        &STANDARD
    }

    /// Adds a type, in place of one with the same name.
    pub fn insert(&mut self, recipe: Recipe) {
        self.0.insert(recipe.name.clone(), recipe);
    }

    /// The recipe of a type.
    #[must_use]
    pub fn get(&self, type_name: &str) -> Option<&Recipe> {
        self.0.get(type_name)
    }

    /// All recipes, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Recipe> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(Pattern::Key.matches(&"+/Aa09".repeat(11)[..64]));
        assert!(!Pattern::Key.matches(&"-".repeat(64)) && !Pattern::Key.matches(&"a".repeat(63)));
        assert!(Pattern::HexPairs.matches("") && Pattern::HexPairs.matches("aF") && !Pattern::HexPairs.matches("a"));
        assert!(Pattern::Exactly("x".into()).matches("x") && !Pattern::Exactly("x".into()).matches("xx"));
    }

    #[test]
    fn every_name_of_ours_is_a_name() {
        fn check(rules: &[Rule]) {
            for rule in rules {
                assert!(is_name(&rule.name), "{}", rule.name);
            }
        }
        for recipe in Recipes::standard().iter() {
            assert!(is_name(&recipe.name));
            check(&recipe.rules);
        }
        assert!(!is_name("") && !is_name("a b") && !is_name("a\"") && !is_name(&"a".repeat(129)));
    }

    #[test]
    fn what_has_versions() {
        let versioned: Vec<_> = Recipes::standard()
            .iter()
            .filter(|recipe| recipe.is_versioned())
            .map(|recipe| recipe.name.as_str())
            .collect();
        assert_eq!(
            versioned,
            [
                "Access",
                "ChannelInfo",
                "ChannelRegistry",
                "Group",
                "IdAccess",
                "Instance",
                "LLM",
                "Leute",
                "Person",
                "Profile",
                "Recipe",
                "Someone",
                "TopicAppRegistry"
            ]
        );
    }
}
