//! Two versions of an object become one, property by property (`spec/one.md §5`).

mod order;
mod value;

use std::cmp::Ordering;

use ratatosk_objects::{ItemType, Object, ObjectsMut, Recipe, Recipes, Reference, Rule, Value, WriteError};

use crate::error::Error;
use crate::limits::Limits;
use crate::list::{self, Plan};
use crate::read;

/// The algorithm that merges the lists of channels, as recipes call it (`crdtConfig`).
const LINKED_LIST: &str = "LinkedListCrdtAlgorithm";

/// What is merged, of both sides, and which side is later.
#[derive(Debug)]
pub(crate) struct Sides<'a, T> {
    /// What we have.
    pub(crate) ours: &'a T,
    /// What somebody else has.
    pub(crate) theirs: &'a T,
    /// How the time of ours stands to the time of theirs.
    pub(crate) order: Ordering,
}

impl<'a, T> Sides<'a, T> {
    /// Parts of both.
    fn with<U>(&self, ours: &'a U, theirs: &'a U) -> Sides<'a, U> {
        Sides { ours, theirs, order: self.order }
    }
}

/// Merges two versions of one object. What the result refers to and was not there is stored; the result itself is not. All is
/// read before anything is written.
pub(crate) fn objects<O: ObjectsMut>(
    objects: &mut O,
    recipes: &Recipes,
    sides: &Sides<'_, Object>,
    limits: &Limits,
) -> Result<Object, Error<O::Error>> {
    let recipe = recipe(recipes, &sides.ours.type_name)?;
    let mut merged = Object::new(&recipe.name);
    for rule in recipe.rules.iter().filter(|rule| !is_list(recipe, rule)) {
        if let Some(value) = value::property(rule, &sides.with(&sides.ours.fields, &sides.theirs.fields)) {
            merged.fields.insert(rule.name.clone(), value);
        }
    }
    lists(objects, recipe, merged, [Some(sides.ours), Some(sides.theirs)], limits)
}

/// The first version of an object that somebody else has, with its lists in order.
pub(crate) fn in_order<O: ObjectsMut>(
    objects: &mut O,
    recipes: &Recipes,
    theirs: &Object,
    limits: &Limits,
) -> Result<Object, Error<O::Error>> {
    lists(objects, recipe(recipes, &theirs.type_name)?, theirs.clone(), [None, Some(theirs)], limits)
}

/// Sets the properties that are lists to the merged ones.
fn lists<O: ObjectsMut>(
    objects: &mut O,
    recipe: &Recipe,
    mut merged: Object,
    sides: [Option<&Object>; 2],
    limits: &Limits,
) -> Result<Object, Error<O::Error>> {
    let mut plans: Vec<(&str, Plan)> = Vec::new();
    for rule in recipe.rules.iter().filter(|rule| is_list(recipe, rule)) {
        let [ours, theirs] = sides.map(|side| side.and_then(|object| read::reference(object, &rule.name)));
        plans.push((&rule.name, list::plan(objects, ours, theirs, limits)?));
    }
    for (property, plan) in plans {
        if let Some(head) = plan.write(objects)? {
            merged.fields.insert(property.to_owned(), Value::Reference(Reference::Object(head)));
        }
    }
    Ok(merged)
}

fn recipe<'a, E>(recipes: &'a Recipes, type_name: &str) -> Result<&'a Recipe, Error<E>> {
    recipes.get(type_name).ok_or_else(|| Error::Write(WriteError::UnknownType(type_name.to_owned())))
}

/// Whether the recipe says that a property is the head of a list.
fn is_list(recipe: &Recipe, rule: &Rule) -> bool {
    rule.item == ItemType::ReferenceToObject
        && [format!("{}#referenceToObj", rule.name), rule.name.clone()]
            .iter()
            .find_map(|path| recipe.crdt_algorithm(path))
            .is_some_and(|algorithm| algorithm == LINKED_LIST)
}
