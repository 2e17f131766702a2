//! Objects of a peer: refused, or the one text of what they say.
//!
//! Not in `lib.rs`, which the tests of the protocol crate include: this needs the crate of the objects, and its tests include it.

#[path = "../../objects/tests/support/recipes.rs"]
#[allow(unreachable_pub, reason = "shared with the tests")]
mod recipes;

use std::collections::HashSet;
use std::sync::LazyLock;

use ratatosk_objects::affirm;
use ratatosk_objects::memory::Memory;
use ratatosk_objects::storage::ObjectsMut;
use ratatosk_objects::typed::{
    Access, AffirmationCertificate, BlobDescriptor, ChannelInfo, ChatMessage, CreationTime, Group, IdAccess, Instance,
    Keys, Leute, License, LinkedListEntry, OneInstanceEndpoint, Person, PersonName, Profile, SignKey, Signature,
    Someone, Topic, TrustKeysCertificate, VersionNode, VersionNodeChange, VersionNodeEdge, VersionNodeMerge,
};
use ratatosk_objects::{Limits, Microdata, ReadError, Recipes, Typed};

/// Small, so that short inputs reach them.
const TIGHT: Limits = Limits { bytes: 1000, depth: 3, values: 20 };

pub fn run(data: &[u8]) {
    static RECIPES: LazyLock<Recipes> = LazyLock::new(recipes::all);
    let text = String::from_utf8_lossy(data);
    let checked = Microdata::check(&text, &Limits::DEFAULT);
    if let Ok(tight) = Microdata::check(&text, &TIGHT) {
        assert_eq!(checked.as_ref(), Ok(&tight), "what fits into less fits into more");
        assert!(text.len() <= TIGHT.bytes);
    }
    let object = match checked {
        Ok(object) => object,
        Err(ReadError::Syntax { at, .. }) => return assert!(text.is_char_boundary(at)),
        Err(_) => return,
    };
    assert_eq!(object.as_str(), text);
    assert!(ratatosk_objects::recipe::is_name(object.type_name()));
    let references = object.references();
    assert_eq!(references.len(), references.iter().collect::<HashSet<_>>().len());
    match RECIPES.read(&object) {
        Ok(read) => {
            let again = if object.is_id_object() { RECIPES.write_id(&read) } else { RECIPES.write(&read) };
            assert_eq!(again.expect("what was read can be written").as_str(), text);
            structs(&object);
        }
        Err(ReadError::UnknownType(name)) => assert_eq!(name, object.type_name()),
        Err(_) => {}
    }
}

/// What is read into a struct is written from it again; nothing that verifies is a matter of luck.
fn structs(object: &Microdata) {
    macro_rules! each {
        ($($name:ident)*) => {$(
            if let Ok(read) = $name::read(object) {
                assert_eq!(&read.microdata().expect("what was read can be written"), object);
            }
        )*};
    }
    each! {
        Access AffirmationCertificate BlobDescriptor ChannelInfo ChatMessage CreationTime Group IdAccess Instance Keys Leute License
        LinkedListEntry OneInstanceEndpoint Person PersonName Profile SignKey Signature Someone Topic TrustKeysCertificate
        VersionNodeChange VersionNodeEdge VersionNodeMerge
    }
    if let Ok(node) = VersionNode::read(object) {
        assert_eq!(&node.microdata().expect("what was read can be written"), object);
        assert!(VersionNode::is_node_type(object.type_name()));
    }
    if let Ok(signature) = Signature::read(object) {
        let mut memory = Memory::new();
        let Ok(hash) = memory.put(object);
        let Ok(found) = affirm::verify_affirmation(&memory, signature.data, &[hash], signature.issuer, &[]);
        assert_eq!(found, affirm::Affirmation::Unverified(affirm::Unverified::NoCertificate));
    }
}
