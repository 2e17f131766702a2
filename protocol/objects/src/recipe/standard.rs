//! The recipes of the ONE network's own types (`spec/one.md §4`).

use super::ItemType::{self, Boolean, Number, ReferenceToBlob, ReferenceToId, ReferenceToObject, Stringifiable};
use super::{Pattern, Recipe, Rule};

/// Shorthands, so that the tables below read as such.
const STRING: ItemType = ItemType::STRING;
const KEY: ItemType = ItemType::String(Pattern::Key);

fn only(text: &str) -> ItemType {
    ItemType::String(Pattern::Exactly(text.to_owned()))
}

fn rule(name: &str, item: ItemType) -> Rule {
    Rule::new(name, item)
}

/// All of them.
pub(super) fn recipes() -> Vec<Recipe> {
    [people(), keys_and_trust(), models(), channels(), versions(), meta()].concat()
}

/// Persons, their instances and profiles, and who knows whom.
fn people() -> Vec<Recipe> {
    let types_by_name = || STRING.map_to(STRING.set());
    vec![
        Recipe::new("Person", vec![rule("email", STRING).id(), rule("name", STRING).optional()]),
        Recipe::new(
            "Instance",
            vec![
                rule("name", STRING).id(),
                rule("owner", ReferenceToId).id(),
                rule("recipe", ReferenceToObject.set()),
                rule("enabledReverseMapTypes", types_by_name()),
                rule("enabledReverseMapTypesForIdObjects", types_by_name()),
            ],
        ),
        Recipe::new(
            "OneInstanceEndpoint",
            vec![
                rule("personId", ReferenceToId),
                rule("instanceId", ReferenceToId),
                rule("personKeys", ReferenceToObject),
                rule("instanceKeys", ReferenceToObject),
                rule("url", STRING).optional(),
            ],
        ),
        Recipe::new("Email", vec![rule("email", STRING)]),
        Recipe::new("PersonName", vec![rule("name", STRING)]),
        Recipe::new("PersonStatus", vec![rule("value", STRING), rule("timestamp", Number), rule("location", STRING)]),
        Recipe::new("ProfileImage", vec![rule("image", ReferenceToBlob)]),
        Recipe::new(
            "Profile",
            vec![
                rule("profileId", STRING).id(),
                rule("personId", ReferenceToId).id(),
                rule("owner", ReferenceToId).id(),
                rule("communicationEndpoint", ReferenceToObject.bag()),
                rule("personDescription", ReferenceToObject.bag()),
            ],
        ),
        Recipe::new(
            "Someone",
            vec![
                rule("someoneId", STRING).id(),
                rule("mainProfile", ReferenceToId),
                rule("identities", ReferenceToId.map_to(ReferenceToId.set())),
            ],
        ),
        Recipe::new(
            "Leute",
            vec![
                rule("appId", only("one.leute")).id(),
                rule("me", ReferenceToId),
                rule("other", ReferenceToId.bag()),
                rule("group", ReferenceToId.bag()),
            ],
        ),
        Recipe::new("Group", vec![rule("name", STRING).id(), rule("person", ReferenceToId.bag())]),
    ]
}

/// Keys, signatures, and what a signature certifies.
fn keys_and_trust() -> Vec<Recipe> {
    let certificate =
        |name, about| Recipe::new(name, vec![rule(about, ReferenceToObject), rule("license", ReferenceToObject)]);
    vec![
        Recipe::new("Keys", vec![rule("owner", ReferenceToId), rule("publicKey", KEY), rule("publicSignKey", KEY)]),
        Recipe::new("SignKey", vec![rule("key", KEY)]),
        Recipe::new("License", vec![rule("name", STRING), rule("description", STRING)]),
        certificate("AffirmationCertificate", "data"),
        certificate("TrustKeysCertificate", "profile"),
        Recipe::new(
            "Signature",
            vec![
                rule("issuer", ReferenceToId),
                rule("data", ReferenceToObject),
                rule("signature", ItemType::String(Pattern::HexPairs)),
            ],
        ),
    ]
}

/// Models that answer as a person: kept on the node, never given away. In the order of real applications.
fn models() -> Vec<Recipe> {
    vec![Recipe::new(
        "LLM",
        vec![
            rule("name", STRING).id(),
            rule("filename", STRING),
            rule("modelType", STRING),
            rule("active", Boolean),
            rule("lastUsed", STRING),
            rule("usageCount", Number).optional(),
            rule("personId", ReferenceToId).optional(),
            rule("capabilities", STRING.array()).optional(),
            rule("temperature", Number).optional(),
            rule("maxTokens", Number).optional(),
            rule("contextSize", Number).optional(),
            rule("provider", STRING).optional(),
            rule("relationships", ReferenceToId.bag()).optional(),
        ],
    )]
}

/// Channels, what is posted to them, and who may have it.
fn channels() -> Vec<Recipe> {
    let access = |name, to: &str, kind| {
        Recipe::new(
            name,
            vec![rule(to, kind).id(), rule("person", ReferenceToId.bag()), rule("group", ReferenceToId.bag())],
        )
    };
    vec![
        Recipe::new("Topic", vec![rule("name", STRING).optional(), rule("id", STRING), rule("channel", ReferenceToId)]),
        Recipe::new(
            "TopicAppRegistry",
            vec![rule("id", only("TopicAppRegistry")).id(), rule("topics", STRING.map_to(ReferenceToObject))],
        ),
        Recipe {
            // Two lists are merged by their entries, not by which of them is newer.
            crdt: vec![("head#referenceToObj".to_owned(), "LinkedListCrdtAlgorithm".to_owned())],
            ..Recipe::new(
                "ChannelInfo",
                vec![
                    rule("id", STRING).id(),
                    rule("owner", ReferenceToId).id().optional(),
                    rule("head", ReferenceToObject).optional(),
                ],
            )
        },
        Recipe::new(
            "ChannelRegistry",
            vec![rule("id", only("ChannelRegistry")).id(), rule("channels", ReferenceToId.set())],
        ),
        Recipe::new(
            "LinkedListEntry",
            vec![
                rule("data", ReferenceToObject),
                rule("metadata", ReferenceToObject.bag()).optional(),
                rule("previous", ReferenceToObject).optional(),
            ],
        ),
        Recipe::new("CreationTime", vec![rule("timestamp", Number), rule("data", ReferenceToObject)]),
        Recipe::new(
            "ChatMessage",
            vec![
                rule("text", STRING),
                rule("attachments", ReferenceToObject.array()).optional(),
                rule("sender", ReferenceToId),
                rule("thumbnails", ReferenceToObject.array()).optional(),
            ],
        ),
        Recipe::new(
            "BlobDescriptor",
            vec![
                rule("data", ReferenceToBlob),
                rule("lastModified", Number),
                rule("name", STRING),
                rule("size", Number),
                rule("type", STRING),
            ],
        ),
        access("Access", "object", ReferenceToObject),
        access("IdAccess", "id", ReferenceToId),
    ]
}

/// Nodes of the history of versioned objects.
fn versions() -> Vec<Recipe> {
    let node = |name, before: Option<Rule>| {
        let rules = [rule("data", ReferenceToObject), rule("depth", Number), rule("creationTime", Number)];
        Recipe::new(name, before.into_iter().chain(rules).collect())
    };
    vec![
        node("VersionNodeEdge", None),
        node("VersionNodeChange", Some(rule("prev", ReferenceToObject).optional())),
        node("VersionNodeMerge", Some(rule("nodes", ReferenceToObject.set()))),
    ]
}

/// Recipes as objects themselves.
fn meta() -> Vec<Recipe> {
    let part = ItemType::Object(vec![
        rule("itemprop", STRING),
        rule("optional", Boolean).optional(),
        rule("isId", Boolean).optional(),
        rule("itemtype", Stringifiable).optional(),
        rule("inheritFrom", Stringifiable).optional(),
    ]);
    vec![Recipe::new(
        "Recipe",
        vec![
            rule("name", STRING).id(),
            rule("crdtConfig", STRING.map_to(STRING)).optional(),
            rule("rule", part.array()),
        ],
    )]
}
