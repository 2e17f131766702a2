//! Plugins in every form: who talks to whom, and what is told of them.

use serde_json::{Value, json};

use super::modules::{Folder, speaker};
use super::support::{Peer, relay, url};

const BUILT_IN: [&str; 3] = ["encryption", "keepalive", "fragmentation"];

/// Forms in the order of [`BUILT_IN`].
fn forms(plugins: &Value) -> Vec<(&str, &str)> {
    let entry = |plugin: &'static str, value: &Value| (plugin, value["name"].as_str().unwrap().to_owned());
    let plugins = plugins.as_array().unwrap();
    let names: Vec<_> = BUILT_IN.into_iter().zip(plugins).map(|(name, value)| entry(name, value)).collect();
    assert!(names.iter().all(|(name, found)| name == found), "{names:?}");
    plugins.iter().map(|value| (value["name"].as_str().unwrap(), value["form"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn every_form_talks_to_every_other() {
    let folder = Folder::new("mixed");
    folder.write("keepalive = \"native\"\n");
    let mixed = folder.file();
    let cases = [
        ("wasm", ["wasm"; 3], "wasm", ["wasm"; 3]),
        ("wasm", ["wasm"; 3], "native", ["native"; 3]),
        ("native", ["native"; 3], "wasm", ["wasm"; 3]),
        (&*mixed, ["wasm", "native", "wasm"], "native", ["native"; 3]),
        ("wasm", ["wasm"; 3], &*mixed, ["wasm", "native", "wasm"]),
    ];
    let relay = relay().await;
    let contents = [("text", "Grüße 🎉".to_owned()), ("text", "x".repeat(70_000)), ("hex", "00ff".repeat(50_000))];
    for (one, forms_of_one, other, forms_of_other) in cases {
        let mut initiator = Peer::ready(&url(&relay), &[("RATATOSK_PLUGINS", one)]).await;
        let mut listener = Peer::online(&url(&relay), &[("RATATOSK_PLUGINS", other)]).await;
        for (field, content) in &contents {
            initiator.tell(json!({"cmd": "raw", "key": listener.key, *field: content})).await;
            assert!(listener.event("raw").await[field] == content.as_str(), "{one} to {other}");
            listener.tell(json!({"cmd": "raw", "key": initiator.key, *field: content})).await;
            assert!(initiator.event("raw").await[field] == content.as_str(), "{other} to {one}");
        }
        for (peer, expected) in [(&mut initiator, forms_of_one), (&mut listener, forms_of_other)] {
            let expected: Vec<_> = BUILT_IN.into_iter().zip(expected).collect();
            let answer = peer.ask(json!({"cmd": "timeline"})).await;
            assert_eq!(forms(&answer["timelines"][0]["plugins"]), expected);
            let answer = peer.ask(json!({"cmd": "plugins"})).await;
            assert_eq!(forms(&answer["plugins"]), expected);
            for plugin in answer["plugins"].as_array().unwrap() {
                let is_wasm = plugin["form"] == "wasm";
                assert_eq!(
                    (&plugin["connections"], &plugin["traps"], &plugin["failures"]),
                    (&json!(1), &json!(0), &json!(0))
                );
                assert!(plugin["calls"].as_u64().unwrap() > 0 && plugin["timeMs"].as_f64().unwrap() > 0.0, "{plugin}");
                assert_eq!(plugin["sha256"].as_str().map(str::len), is_wasm.then_some(64), "{plugin}");
                assert_eq!(plugin["instances"], u64::from(is_wasm), "{plugin}");
                assert_eq!(plugin["deadlineMs"].is_u64() && plugin["memoryMax"].is_u64(), is_wasm, "{plugin}");
            }
        }
    }
}

#[tokio::test]
async fn modules_are_what_runs_if_nothing_is_said() {
    let relay = relay().await;
    let mut peer = Peer::ready(&url(&relay), &[]).await;
    let answer = peer.ask(json!({"cmd": "plugins"})).await;
    assert_eq!(forms(&answer["plugins"]), BUILT_IN.map(|name| (name, "wasm")));
}

#[tokio::test]
async fn what_a_plugin_notes_is_told_before_the_end_and_stands_in_the_timeline() {
    let folder = Folder::with_guest("notes", &speaker("a text passed"));
    let environment = [("RATATOSK_PLUGINS", &*folder.file())];
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &environment).await;
    let mut listener = Peer::online(&url(&relay), &environment).await;
    for text in ["one", "two"] {
        initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": text})).await;
    }
    listener.find(|event| event["text"] == "two").await;
    initiator.tell(json!({"cmd": "quit"})).await;
    let (events, _) = initiator.rest().await;
    let note = json!({"event": "note", "connection": 1, "plugin": "guest", "text": "a text passed"});
    let place = |wanted: &dyn Fn(&&Value) -> bool| events.iter().position(|event| wanted(&event)).unwrap();
    assert_eq!(events.iter().filter(|event| **event == note).count(), 2, "{events:?}");
    let connected = place(&|event| event["event"] == "connected");
    let [first, end] = [place(&|event| **event == note), place(&|event| event["event"] == "disconnected")];
    assert!(connected < first, "{events:?}");
    assert!(events[end..].iter().all(|event| *event != note), "{events:?}");

    listener.event("disconnected").await;
    let answer = listener.ask(json!({"cmd": "timeline"})).await;
    let timeline = &answer["timelines"][0];
    let notes = timeline["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    assert_eq!((&notes[0]["plugin"], &notes[0]["text"]), (&json!("guest"), &json!("a text passed")));
    assert!(notes[0]["atMs"].as_f64().unwrap() <= notes[1]["atMs"].as_f64().unwrap());
    let lines: Vec<_> = timeline["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    for part in ["+ encryption (wasm)", "+ guest (wasm)", "# guest: \"a text passed\""] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:?}");
    }
}
