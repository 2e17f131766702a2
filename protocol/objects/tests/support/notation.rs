//! Objects as the vectors write them in JSON, read by their recipes.

use ratatosk_objects::{
    BlobHash, ClobHash, Fields, HashError, ItemType, Object, Recipes, Reference, Rule, Value, json,
};
use serde_json::Value as Json;

/// An object of a type. `null` stands for a property that is missing; a property without a rule becomes a text, so that the
/// writer can refuse it.
pub fn object(recipes: &Recipes, type_name: &str, json: &Json) -> Result<Object, HashError> {
    let rules = &recipes.get(type_name).expect("a recipe").rules;
    Ok(Object { type_name: type_name.to_owned(), fields: fields(rules, json)? })
}

fn fields(rules: &[Rule], json: &Json) -> Result<Fields, HashError> {
    let named = json.as_object().expect("an object").iter().filter(|(_, json)| !json.is_null());
    named
        .map(|(name, json)| {
            let rule = rules.iter().find(|rule| rule.name == *name);
            let value = rule.map_or_else(|| Ok(Value::String(json.to_string())), |rule| value(&rule.item, json))?;
            Ok((name.clone(), value))
        })
        .collect()
}

fn value(item: &ItemType, json: &Json) -> Result<Value, HashError> {
    let list = |of: &ItemType| array(json).iter().map(|json| value(of, json)).collect::<Result<Vec<_>, _>>();
    let text = || json.as_str().expect("a text");
    Ok(match item {
        ItemType::String(_) => Value::String(text().to_owned()),
        ItemType::Number | ItemType::Integer => Value::Number(number(json)),
        ItemType::Boolean => Value::Boolean(json.as_bool().expect("true or false")),
        ItemType::Stringifiable => Value::Stringifiable(stringifiable(json)),
        ItemType::ReferenceToObject => Value::Reference(Reference::Object(text().parse()?)),
        ItemType::ReferenceToId => Value::Reference(Reference::Id(text().parse()?)),
        ItemType::ReferenceToBlob => Value::Reference(Reference::Blob(text().parse::<BlobHash>()?)),
        ItemType::ReferenceToClob => Value::Reference(Reference::Clob(text().parse::<ClobHash>()?)),
        ItemType::Array(of) => Value::Array(list(of)?),
        ItemType::Bag(of) => Value::Bag(list(of)?),
        ItemType::Set(of) => Value::Set(list(of)?),
        ItemType::Map(key, of) => {
            let entry = |pair: &Json| Ok((value(key, &pair[0])?, value(of, &pair[1])?));
            Value::Map(array(json).iter().map(entry).collect::<Result<_, _>>()?)
        }
        ItemType::Object(rules) => Value::Object(fields(rules, json)?),
    })
}

fn array(json: &Json) -> &Vec<Json> {
    json.as_array().expect("an array")
}

/// A number, or the name of one that JSON does not have.
fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| json["number"].as_str().expect("a number").parse().expect("a number"))
}

/// Any JSON in which sets and maps have their names.
fn stringifiable(json: &Json) -> Json {
    let named = |name: &str| json.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(name));
    if let Some(items) = named("set") {
        return json::set(array(items).iter().map(stringifiable));
    }
    if let Some(entries) = named("map") {
        return json::map(array(entries).iter().map(|pair| (stringifiable(&pair[0]), stringifiable(&pair[1]))));
    }
    match json {
        Json::Array(items) => items.iter().map(stringifiable).collect(),
        Json::Object(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), stringifiable(item))).collect()),
        other => other.clone(),
    }
}
