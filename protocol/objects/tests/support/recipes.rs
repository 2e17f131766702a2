//! Recipes that no real type needs. The fuzz target has them too.

use ratatosk_objects::{ItemType, Pattern, Recipe, Recipes, Rule};

/// The standard recipes and two more, which the vectors have.
pub fn all() -> Recipes {
    let mut recipes = Recipes::standard().clone();
    recipes.insert(every_kind());
    recipes.insert(two_ids());
    recipes
}

/// A property of each kind.
fn every_kind() -> Recipe {
    let rule = Rule::new;
    let small = ItemType::Object(vec![rule("x", ItemType::Number), rule("y", ItemType::STRING).optional()]);
    let nested = ItemType::Object(vec![
        rule("b", ItemType::STRING),
        rule("a", ItemType::Number),
        rule("o", ItemType::String(Pattern::Any)).optional(),
    ]);
    let kinds = [
        ("num", ItemType::Number),
        ("int", ItemType::Integer),
        ("flag", ItemType::Boolean),
        ("any", ItemType::Stringifiable),
        ("list", ItemType::STRING.array()),
        ("bag", ItemType::STRING.bag()),
        ("set", ItemType::STRING.set()),
        ("nums", ItemType::Number.set()),
        ("map", ItemType::STRING.map_to(ItemType::Number)),
        ("mapOfSets", ItemType::STRING.map_to(ItemType::STRING.set())),
        ("lists", ItemType::Number.array().array()),
        ("obj", nested),
        ("objs", small.set()),
        ("refObj", ItemType::ReferenceToObject),
        ("refId", ItemType::ReferenceToId),
        ("refClob", ItemType::ReferenceToClob),
        ("refBlob", ItemType::ReferenceToBlob),
        ("refs", ItemType::ReferenceToBlob.bag()),
    ];
    let rules = kinds.map(|(name, item)| rule(name, item).optional());
    Recipe::new("TestEdge", [rule("key", ItemType::STRING).id()].into_iter().chain(rules).collect())
}

/// An identity of two properties that do not stand together, one of which may be missing.
fn two_ids() -> Recipe {
    Recipe::new(
        "TestId2",
        vec![
            Rule::new("b", ItemType::STRING).id().optional(),
            Rule::new("data", ItemType::STRING),
            Rule::new("a", ItemType::STRING.set()).id(),
        ],
    )
}
