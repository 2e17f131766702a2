//! What the tests share: a store, and shorthands for the objects in it.

pub mod network;

use ratatosk_objects::memory::Memory;
use ratatosk_objects::{IdHash, Object, ObjectHash, ObjectsMut, Recipes, Reference, Value, Versions};
use ratatosk_versions::{Limits, list};

pub type Error = ratatosk_versions::Error<std::convert::Infallible>;

pub const LIMITS: Limits = Limits::DEFAULT;

pub fn recipes() -> &'static Recipes {
    Recipes::standard()
}

pub fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

pub fn number(number: f64) -> Value {
    Value::Number(number)
}

pub fn object_ref(hash: ObjectHash) -> Value {
    Value::Reference(Reference::Object(hash))
}

pub fn id_ref(id: IdHash) -> Value {
    Value::Reference(Reference::Id(id))
}

pub fn put<S: ObjectsMut>(store: &mut S, object: &Object) -> ObjectHash {
    let Ok(hash) = store.put(&recipes().write(object).unwrap()) else { panic!("the store failed") };
    hash
}

/// Something that can be posted, or be metadata.
pub fn thing(store: &mut impl ObjectsMut, name: &str) -> ObjectHash {
    put(store, &Object::new("PersonName").with("name", text(name)))
}

pub fn time(store: &mut impl ObjectsMut, timestamp: f64, data: ObjectHash) -> ObjectHash {
    let time = Object::new("CreationTime").with("timestamp", number(timestamp)).with("data", object_ref(data));
    put(store, &time)
}

/// An entry as given, in whatever order.
pub fn raw_entry(
    store: &mut impl ObjectsMut,
    creation_time: ObjectHash,
    metadata: Option<&[ObjectHash]>,
    previous: Option<ObjectHash>,
) -> ObjectHash {
    let mut entry = Object::new("LinkedListEntry").with("data", object_ref(creation_time));
    if let Some(metadata) = metadata {
        entry = entry.with("metadata", Value::Bag(metadata.iter().map(|hash| object_ref(*hash)).collect()));
    }
    if let Some(previous) = previous {
        entry = entry.with("previous", object_ref(previous));
    }
    put(store, &entry)
}

/// Posts a text at a time, without metadata.
pub fn post(store: &mut Memory, head: Option<ObjectHash>, timestamp: f64, name: &str) -> ObjectHash {
    let data = thing(store, name);
    let creation_time = time(store, timestamp, data);
    list::insert(store, head, creation_time, None, &LIMITS).unwrap()
}

pub fn channel(head: Option<ObjectHash>) -> Object {
    let channel = Object::new("ChannelInfo").with("id", text("channel"));
    match head {
        Some(head) => channel.with("head", object_ref(head)),
        None => channel,
    }
}

pub fn id_of(object: &Object) -> IdHash {
    recipes().write_id(object).unwrap().id_hash().unwrap()
}

/// Copies objects, as a sync does; not which version is current.
pub fn copy(from: &Memory, to: &mut Memory) {
    for object in from.objects() {
        to.put(object).unwrap();
    }
}

/// What a store announces for an object, put into another store with all that it refers to.
pub fn tell(from: &Memory, to: &mut Memory, id: &IdHash) -> ObjectHash {
    copy(from, to);
    ratatosk_versions::published(from, id).unwrap().unwrap().node.hash()
}

/// The data of the current version.
pub fn current(store: &impl Versions, id: &IdHash) -> ObjectHash {
    let Ok(Some(published)) = ratatosk_versions::published(store, id) else { panic!("no version") };
    published.data
}
