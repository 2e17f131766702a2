//! The vectors of objects, which lie where objects are written, as a file of cases.

use ratatosk_objects::{ItemType, Recipe, Recipes, Rule};
use serde_json::{Value, json};

use super::file::{Case, Group, Step, VectorFile};
use super::recipes;

/// How the file is called in ids.
pub(super) const NAME: &str = "objects";
const SOURCE: &str = include_str!("../../../protocol/objects/tests/vectors/objects.json");
/// What a case has that is refused.
const REFUSED: &str = "error";

/// Reads it.
///
/// # Errors
///
/// If it is malformed.
pub(super) fn file() -> Result<VectorFile, serde_json::Error> {
    let source: Value = serde_json::from_str(SOURCE)?;
    let list = |json: &Value| json.as_array().cloned().unwrap_or_default();
    let text = |json: &Value| json.as_str().unwrap_or_default().to_owned();
    let groups = list(&source["groups"]).into_iter().map(|group| {
        let name = text(&group["name"]);
        let recipe = recipe(&name).as_ref().map_or(Value::Null, recipes::to_json);
        let case = |case: &Value| Case { name: text(&case["name"]), steps: steps(&recipe, case) };
        Group { cases: list(&group["cases"]).iter().map(case).collect(), name, lasting: false, setup: Vec::new() }
    });
    Ok(VectorFile {
        name: NAME.to_owned(),
        literal: true,
        about: text(&source["about"]),
        data: std::collections::BTreeMap::new(),
        groups: groups.collect(),
    })
}

/// Writes the object, hashes it, reads it and writes it again; the same for its id object.
fn steps(recipe: &Value, case: &Value) -> Vec<Step> {
    let write = |what: &str, expect: Value| Step {
        op: json!({"do": what, "recipe": recipe, "object": case["object"]}),
        expect,
    };
    if case["expect"][REFUSED].is_string() {
        return vec![write("microdata", json!({"error": {"any": "in your own words"}}))];
    }
    let mut steps = Vec::new();
    for (what, expect) in [("microdata", &case["expect"]), ("id_microdata", &case["id"])] {
        let Some(text) = expect["text"].as_str() else { continue };
        let answer = |text: &str| json!({"text": text});
        steps.push(write(what, answer(text)));
        steps.push(Step { op: json!({"do": "hash", "text": text}), expect: json!({"text": expect["hash"]}) });
        steps.push(Step { op: json!({"do": "rewrite", "recipe": recipe, "text": text}), expect: answer(text) });
    }
    steps
}

/// The recipe of a type: a real one, or one of two that have what no real type has.
fn recipe(name: &str) -> Option<Recipe> {
    match name {
        "TestEdge" => Some(every_kind()),
        "TestId2" => Some(two_ids()),
        name => Recipes::standard().get(name).cloned(),
    }
}

/// A property of each kind.
fn every_kind() -> Recipe {
    let text = || ItemType::STRING;
    let small = vec![Rule::new("x", ItemType::Number), Rule::new("y", text()).optional()];
    let nested = vec![Rule::new("b", text()), Rule::new("a", ItemType::Number), Rule::new("o", text()).optional()];
    let kinds = [
        ("num", ItemType::Number),
        ("int", ItemType::Integer),
        ("flag", ItemType::Boolean),
        ("any", ItemType::Stringifiable),
        ("list", text().array()),
        ("bag", text().bag()),
        ("set", text().set()),
        ("nums", ItemType::Number.set()),
        ("map", text().map_to(ItemType::Number)),
        ("mapOfSets", text().map_to(text().set())),
        ("lists", ItemType::Number.array().array()),
        ("obj", ItemType::Object(nested)),
        ("objs", ItemType::Object(small).set()),
        ("refObj", ItemType::ReferenceToObject),
        ("refId", ItemType::ReferenceToId),
        ("refClob", ItemType::ReferenceToClob),
        ("refBlob", ItemType::ReferenceToBlob),
        ("refs", ItemType::ReferenceToBlob.bag()),
    ];
    let rules = kinds.map(|(name, item)| Rule::new(name, item).optional());
    Recipe::new("TestEdge", std::iter::once(Rule::new("key", text()).id()).chain(rules).collect())
}

/// An identity of two properties that do not stand together, one of which may be missing.
fn two_ids() -> Recipe {
    let id = |name: &str, item: ItemType| Rule::new(name, item).id();
    let rules = vec![
        id("b", ItemType::STRING).optional(),
        Rule::new("data", ItemType::STRING),
        id("a", ItemType::STRING.set()),
    ];
    Recipe::new("TestId2", rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_recipe_and_every_case_something_to_do() {
        let file = file().unwrap();
        for group in &file.groups {
            assert!(recipe(&group.name).is_some(), "{}", group.name);
            assert!(group.cases.iter().all(|case| !case.steps.is_empty()), "{}", group.name);
        }
    }
}
