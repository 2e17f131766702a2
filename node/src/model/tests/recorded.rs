//! What two real peers said to each other: taken over by a node of ours that has the name of one of them.

use std::collections::BTreeMap;

use ratatosk_chum::{Imported, Item, Library as _, Root};
use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::typed::{ChannelInfo, Typed, VersionNode, Versioned};
use ratatosk_objects::{Limits, Microdata, ObjectHash};
use ratatosk_protocol::key::PublicKey;

use super::super::{Affirmed, TopicId};
use super::*;

const RECORDED: [&str; 2] = [
    include_str!("../../../../protocol/chum/tests/recorded/first.txt"),
    include_str!("../../../../protocol/chum/tests/recorded/second.txt"),
];

/// Who a@peer.test was, as pairing told it.
fn recorded_identity() -> Identity {
    let sign_key = |text| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).unwrap();
        SignPublicKey::from_bytes(bytes)
    };
    let key = |text| PublicKey::from_hex(text).unwrap();
    Identity {
        email: "a@peer.test".to_owned(),
        instance_name: "instance-a".to_owned(),
        person_key: key("578700eb4a06c49fd0e391100f607815059f48297532276ba0e9f9c3578dab5e"),
        person_sign_key: sign_key("dd7ea5b0bf87739d77b6f84892c45e48e9b4b819c093743133d2aec53dfc5f34"),
        instance_key: key("0153c80dec602f6f787cee5f4455e130dd5df88492c817e70e5cb74083b18145"),
        instance_sign_key: sign_key("0a6eb5d41800c4c2ffd866abc3256f4301479318d6e94a664971ce19fbdca123"),
        url: None,
    }
}

/// All objects that went over the connections.
fn objects() -> BTreeMap<ObjectHash, Microdata> {
    let messages = RECORDED.iter().flat_map(|text| text.lines()).filter_map(|line| line.splitn(3, ' ').nth(2));
    let answers = messages.filter_map(|message| serde_json::from_str::<serde_json::Value>(message).ok());
    let texts = answers.filter_map(|answer| answer["data"].as_str().map(str::to_owned));
    let objects = texts.filter(|text| text.starts_with("<div"));
    objects
        .map(|text| Microdata::check(&text, &Limits::DEFAULT).unwrap())
        .map(|object| (object.hash(), object))
        .collect()
}

#[test]
fn the_conversation_of_real_peers_is_read_and_verified() {
    const LAST: &str = "002da6b5ee68a8f51f5a8d197dd81798397797abe80fcddd3246e8d98eb2d140";
    let b = Person::new("b@peer.test");
    let a = b.node.add_contact(&recorded_identity()).unwrap().person;
    let objects = objects();
    let channel = ChannelInfo { id: TopicId::one_to_one(a, b.id()).to_string(), owner: None, head: None };
    let mut items: Vec<_> = objects.values().map(|object| Item::Object(object.hash(), object.clone())).collect();
    let id_object = channel.id_microdata().unwrap();
    items.push(Item::Id(channel.id_hash().unwrap(), id_object));
    items.push(Item::Object(channel.microdata().unwrap().hash(), channel.microdata().unwrap()));
    let is_channel =
        |node: &VersionNode| objects.get(&node.data()).is_some_and(|data| data.type_name() == "ChannelInfo");
    let mut nodes: Vec<_> = objects
        .values()
        .filter(|object| VersionNode::is_node_type(object.type_name()))
        .map(|object| (object.hash(), VersionNode::read(object).unwrap()))
        .filter(|(_, node)| is_channel(node))
        .collect();
    nodes.sort_by_key(|(_, node)| node.creation_time());

    let mut library = b.node.library(a, recorded_identity().ids().unwrap().1);
    for (node, _) in &nodes {
        let root =
            Root::VersionNode { node: *node, id: channel.id_hash().unwrap(), one_type: "ChannelInfo".to_owned() };
        assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
    }
    assert_eq!(b.node.head(&channel.id).unwrap().to_string(), LAST);
    let page = b.node.messages(&channel.id, None, 10).unwrap();
    let shown: Vec<_> =
        page.messages.iter().map(|message| (message.text.as_str(), message.author, message.affirmed)).collect();
    // The other one was called as we are, and had other keys.
    assert_eq!(
        shown,
        [
            ("hello from a", a, Affirmed::Verified),
            ("hello from b", b.id(), Affirmed::Forged),
            ("unicode: ä € 😀 <b>&amp;</b>", a, Affirmed::Verified),
            ("after reconnect", b.id(), Affirmed::Forged),
        ]
    );
    let changes = library.take_changes();
    assert!(matches!(changes.first(), Some(Change::Topic(_))), "{changes:?}");
    assert_eq!(told(&changes), shown.iter().map(|(text, ..)| *text).collect::<Vec<_>>());
}
