//! Objects: microdata and hashes, done with `ratatosk-objects`.

use ratatosk_objects::{
    BlobHash, ClobHash, Fields, ItemType, Limits, Microdata, Object, Recipe, Recipes, Reference, Rule, Value, json,
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::vectors::{Answer, CodecError, recipes};

/// What an object has to be written by.
fn recipe(json: &Json) -> Result<(Recipes, Recipe), CodecError> {
    let recipe = recipes::from_json(json).ok_or_else(|| CodecError(format!("{json} is no recipe")))?;
    let mut all = Recipes::empty();
    all.insert(recipe.clone());
    Ok((all, recipe))
}

pub(super) fn write(by: &Json, object: &Json, is_id: bool) -> Result<Answer, CodecError> {
    let (recipes, recipe) = recipe(by)?;
    let Some(fields) = fields(&recipe.rules, object) else {
        return Ok(Answer::Error("a value is not of the kind that its rule says".to_owned()));
    };
    let object = Object { type_name: recipe.name, fields };
    let written = if is_id { recipes.write_id(&object) } else { recipes.write(&object) };
    Ok(super::answer(written, |microdata| Answer::Text(microdata.as_str().to_owned())))
}

pub(super) fn hash(text: &str) -> Answer {
    Answer::Text(hex::encode(Sha256::digest(text)))
}

pub(super) fn rewrite(by: &Json, text: &str) -> Result<Answer, CodecError> {
    let (recipes, _) = recipe(by)?;
    let microdata = match Microdata::check(text, &Limits::DEFAULT) {
        Ok(microdata) => microdata,
        Err(error) => return Ok(Answer::Error(error.to_string())),
    };
    let object = match recipes.read(&microdata) {
        Ok(object) => object,
        Err(error) => return Ok(Answer::Error(error.to_string())),
    };
    let written = if microdata.is_id_object() { recipes.write_id(&object) } else { recipes.write(&object) };
    Ok(super::answer(written, |microdata| Answer::Text(microdata.as_str().to_owned())))
}

/// A property without a rule becomes a text, so that the writer can refuse it. `None` if a value is of another kind.
fn fields(rules: &[Rule], json: &Json) -> Option<Fields> {
    let named = json.as_object()?.iter().filter(|(_, json)| !json.is_null());
    named
        .map(|(name, json)| {
            let rule = rules.iter().find(|rule| rule.name == *name);
            let value = rule.map_or_else(|| Some(Value::String(json.to_string())), |rule| value(&rule.item, json))?;
            Some((name.clone(), value))
        })
        .collect()
}

fn value(item: &ItemType, json: &Json) -> Option<Value> {
    let list = |of: &ItemType| json.as_array()?.iter().map(|json| value(of, json)).collect::<Option<Vec<_>>>();
    Some(match item {
        ItemType::String(_) => Value::String(json.as_str()?.to_owned()),
        ItemType::Number | ItemType::Integer => Value::Number(number(json)?),
        ItemType::Boolean => Value::Boolean(json.as_bool()?),
        ItemType::Stringifiable => Value::Stringifiable(any(json)?),
        ItemType::ReferenceToObject => Value::Reference(Reference::Object(json.as_str()?.parse().ok()?)),
        ItemType::ReferenceToId => Value::Reference(Reference::Id(json.as_str()?.parse().ok()?)),
        ItemType::ReferenceToBlob => Value::Reference(Reference::Blob(json.as_str()?.parse::<BlobHash>().ok()?)),
        ItemType::ReferenceToClob => Value::Reference(Reference::Clob(json.as_str()?.parse::<ClobHash>().ok()?)),
        ItemType::Array(of) => Value::Array(list(of)?),
        ItemType::Bag(of) => Value::Bag(list(of)?),
        ItemType::Set(of) => Value::Set(list(of)?),
        ItemType::Map(key, of) => {
            let entry = |pair: &Json| Some((value(key, &pair[0])?, value(of, &pair[1])?));
            Value::Map(json.as_array()?.iter().map(entry).collect::<Option<_>>()?)
        }
        ItemType::Object(rules) => Value::Object(fields(rules, json)?),
    })
}

/// A number, or the name of one that JSON does not have.
fn number(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| json["number"].as_str()?.parse().ok())
}

/// Any JSON in which sets and maps have their names.
fn any(json: &Json) -> Option<Json> {
    let named = |name: &str| json.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(name));
    if let Some(items) = named("set") {
        return Some(json::set(items.as_array()?.iter().map(any).collect::<Option<Vec<_>>>()?));
    }
    if let Some(entries) = named("map") {
        let pairs = entries.as_array()?.iter().map(|pair| Some((any(&pair[0])?, any(&pair[1])?)));
        return Some(json::map(pairs.collect::<Option<Vec<_>>>()?));
    }
    Some(match json {
        Json::Array(items) => items.iter().map(any).collect::<Option<_>>()?,
        Json::Object(map) => {
            Json::Object(map.iter().map(|(key, item)| Some((key.clone(), any(item)?))).collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}
