//! Two versions of an object become one, property by property (`spec/one.md §5`).

mod order;
mod value;

use std::cmp::Ordering;

use ratatosk_objects::{
    ItemType, Object, ObjectHash, Objects, ObjectsMut, Recipe, Recipes, Reference, Rule, Value, WriteError,
};

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
    let mut lists: Vec<(&str, Plan)> = Vec::new();
    for rule in &recipe.rules {
        if is_list(recipe, rule) {
            let [ours, theirs] = [sides.ours, sides.theirs].map(|side| read::reference(side, &rule.name));
            lists.push((&rule.name, list::plan(objects, ours, theirs, limits)?));
        } else if let Some(value) = value::property(rule, &sides.with(&sides.ours.fields, &sides.theirs.fields)) {
            merged.fields.insert(rule.name.clone(), value);
        }
    }
    for (property, plan) in lists {
        if let Some(head) = plan.write(objects)? {
            merged.fields.insert(property.to_owned(), Value::Reference(Reference::Object(head)));
        }
    }
    Ok(merged)
}

/// Looks at the first version of an object that somebody else has: whether its lists are in order.
pub(crate) fn verify<O: Objects>(
    objects: &O,
    recipes: &Recipes,
    object: &Object,
    limits: &Limits,
) -> Result<(), Error<O::Error>> {
    let recipe = recipe(recipes, &object.type_name)?;
    let heads = recipe.rules.iter().filter(|rule| is_list(recipe, rule));
    let mut heads = heads.filter_map(|rule| read::reference(object, &rule.name));
    heads.try_for_each(|head: ObjectHash| list::plan(objects, None, Some(head), limits).map(drop))
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
