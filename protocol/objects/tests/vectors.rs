//! Every recorded object: written as real peers write it, with their hash, and read back to the same text.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[allow(unreachable_pub, reason = "shared with other tests")]
mod support;

use ratatosk_objects::{Limits, Microdata, Object, Recipes, WriteError};
use serde_json::Value as Json;

use self::support::{notation, recipes};

/// As many as there are: nothing is skipped unnoticed.
const CASES: usize = 91;
const ERRORS: usize = 5;

#[test]
fn every_vector() {
    let file: Json = serde_json::from_str(include_str!("vectors/objects.json")).unwrap();
    let recipes = recipes::all();
    let (mut cases, mut errors) = (0, 0);
    for group in file["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let object = notation::object(&recipes, group["name"].as_str().unwrap(), &case["object"]);
            cases += 1;
            if let Some(error) = case["expect"]["error"].as_str() {
                errors += 1;
                let found = object.map_or("hash", |object| kind(&recipes.write(&object).unwrap_err()));
                assert_eq!(found, error, "{name}");
                continue;
            }
            let object = object.unwrap();
            expect(&recipes, &recipes.write(&object).unwrap(), &case["expect"], name);
            match case.get("id") {
                Some(id) => {
                    let written = recipes.write_id(&object).unwrap();
                    assert_eq!(written.id_hash().unwrap().to_string(), id["hash"].as_str().unwrap(), "{name}");
                    expect(&recipes, &written, id, name);
                }
                None => assert!(matches!(recipes.write_id(&object), Err(WriteError::NotVersioned(_))), "{name}"),
            }
        }
    }
    assert_eq!((cases, errors), (CASES, ERRORS));
}

/// What was written is what was recorded, passes the check, and is written the same after it was read.
fn expect(recipes: &Recipes, written: &Microdata, expect: &Json, name: &str) {
    assert_eq!(written.as_str(), expect["text"].as_str().unwrap(), "{name}");
    assert_eq!(written.hash().to_string(), expect["hash"].as_str().unwrap(), "{name}");
    let checked = Microdata::check(written.as_str(), &Limits::DEFAULT).unwrap();
    let again: Object = recipes.read(&checked).unwrap();
    let rewritten = if checked.is_id_object() { recipes.write_id(&again) } else { recipes.write(&again) };
    assert_eq!(rewritten.unwrap().as_str(), written.as_str(), "{name}");
}

fn kind(error: &WriteError) -> &'static str {
    match error {
        WriteError::Missing(_) => "missing",
        WriteError::Unknown(_) => "unknown",
        WriteError::Value(_) => "value",
        other => panic!("{other}"),
    }
}
