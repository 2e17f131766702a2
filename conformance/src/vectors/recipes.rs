//! Recipes as the vectors give them to a codec, so that it needs none of its own (`spec/one.md §4`):
//!
//! `{"name": TYPE, "rules": [{"name": PROPERTY, "type": KIND, "id": true, "optional": true}, …]}`, where a kind is one of
//! `string`, `key` and `hex` (strings that have to look so), `integer`, `number`, `boolean`, `json` (stringifiable), `obj`,
//! `id`, `blob`, `clob` (references), `{"exactly": TEXT}`, `{"array": KIND}`, `{"bag": KIND}`, `{"set": KIND}`,
//! `{"map": [KIND, KIND]}` or `{"object": RULES}`.

use ratatosk_objects::{ItemType, Pattern, Recipe, Rule};
use serde_json::{Map, Value, json};

/// Deeper than any recipe.
const MAX_DEPTH: usize = 16;

/// A recipe as JSON.
pub(super) fn to_json(recipe: &Recipe) -> Value {
    json!({"name": recipe.name, "rules": rules_to_json(&recipe.rules)})
}

fn rules_to_json(rules: &[Rule]) -> Value {
    rules
        .iter()
        .map(|rule| {
            let mut json =
                Map::from_iter([("name".to_owned(), json!(rule.name)), ("type".to_owned(), kind(&rule.item))]);
            for (name, _) in [("id", rule.id), ("optional", rule.optional)].iter().filter(|(_, is)| *is) {
                json.insert((*name).to_owned(), json!(true));
            }
            Value::Object(json)
        })
        .collect()
}

fn kind(item: &ItemType) -> Value {
    match item {
        ItemType::String(Pattern::Any) => json!("string"),
        ItemType::String(Pattern::Key) => json!("key"),
        ItemType::String(Pattern::HexPairs) => json!("hex"),
        ItemType::String(Pattern::Exactly(text)) => json!({"exactly": text}),
        ItemType::Integer => json!("integer"),
        ItemType::Number => json!("number"),
        ItemType::Boolean => json!("boolean"),
        ItemType::Stringifiable => json!("json"),
        ItemType::ReferenceToObject => json!("obj"),
        ItemType::ReferenceToId => json!("id"),
        ItemType::ReferenceToBlob => json!("blob"),
        ItemType::ReferenceToClob => json!("clob"),
        ItemType::Array(of) => json!({"array": kind(of)}),
        ItemType::Bag(of) => json!({"bag": kind(of)}),
        ItemType::Set(of) => json!({"set": kind(of)}),
        ItemType::Map(key, value) => json!({"map": [kind(key), kind(value)]}),
        ItemType::Object(rules) => json!({"object": rules_to_json(rules)}),
    }
}

/// Reads a recipe; `None` if it is none.
pub(super) fn from_json(json: &Value) -> Option<Recipe> {
    Some(Recipe::new(json["name"].as_str()?, rules(&json["rules"], MAX_DEPTH)?))
}

fn rules(json: &Value, depth: usize) -> Option<Vec<Rule>> {
    let rule = |json: &Value| {
        let mut rule = Rule::new(json["name"].as_str()?, item(&json["type"], depth.checked_sub(1)?)?);
        rule.id = json["id"] == true;
        rule.optional = json["optional"] == true;
        Some(rule)
    };
    json.as_array()?.iter().map(rule).collect()
}

fn item(json: &Value, depth: usize) -> Option<ItemType> {
    if let Some(name) = json.as_str() {
        return Some(match name {
            "string" => ItemType::STRING,
            "key" => ItemType::String(Pattern::Key),
            "hex" => ItemType::String(Pattern::HexPairs),
            "integer" => ItemType::Integer,
            "number" => ItemType::Number,
            "boolean" => ItemType::Boolean,
            "json" => ItemType::Stringifiable,
            "obj" => ItemType::ReferenceToObject,
            "id" => ItemType::ReferenceToId,
            "blob" => ItemType::ReferenceToBlob,
            "clob" => ItemType::ReferenceToClob,
            _ => return None,
        });
    }
    let of = |json: &Value| item(json, depth.checked_sub(1)?);
    let (name, json) = json.as_object()?.iter().next()?;
    Some(match name.as_str() {
        "exactly" => ItemType::String(Pattern::Exactly(json.as_str()?.to_owned())),
        "array" => of(json)?.array(),
        "bag" => of(json)?.bag(),
        "set" => of(json)?.set(),
        "map" => of(&json[0])?.map_to(of(&json[1])?),
        "object" => ItemType::Object(rules(json, depth)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::Recipes;

    use super::*;

    #[test]
    fn every_standard_recipe_is_read_as_it_was_written() {
        for recipe in Recipes::standard().iter() {
            let read = from_json(&to_json(recipe)).unwrap();
            assert_eq!((&read.name, &read.rules), (&recipe.name, &recipe.rules));
        }
    }

    #[test]
    fn what_is_no_recipe_is_refused() {
        let deep = (0..100).fold(json!("string"), |kind, _| json!({"array": kind}));
        for kind in [json!("dance"), json!({"array": 1}), json!({}), deep] {
            assert_eq!(from_json(&json!({"name": "X", "rules": [{"name": "x", "type": kind}]})), None);
        }
    }
}
