//! Plugins that change, break, or cannot be used while the peer runs.

use std::process::Command;

use serde_json::{Value, json};

use super::modules::{Folder, speaker, trap};
use super::support::{Peer, relay, url};

/// Sends a text to the listener; what the plugin there says of it.
async fn note_of(initiator: &mut Peer, listener: &mut Peer) -> Value {
    initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": "text"})).await;
    listener.event("note").await["text"].clone()
}

#[tokio::test]
async fn new_connections_get_the_new_module_and_old_ones_keep_theirs() {
    let folder = Folder::with_guest("reload", &speaker("old"));
    let relay = relay().await;
    let mut listener = Peer::online(&url(&relay), &[("RATATOSK_PLUGINS", &folder.file())]).await;
    let mut early = Peer::ready(&url(&relay), &[]).await;
    assert_eq!(note_of(&mut early, &mut listener).await, "old");
    assert_eq!(listener.ask(json!({"cmd": "reload-plugins"})).await["changes"], json!([]));

    folder.put(&speaker("new"));
    let answer = listener.ask(json!({"cmd": "reload-plugins"})).await;
    assert_eq!(answer["changes"], json!([{"name": "guest", "what": "replaced"}]));
    let mut late = Peer::ready(&url(&relay), &[]).await;
    assert_eq!(note_of(&mut late, &mut listener).await, "new");
    assert_eq!(note_of(&mut early, &mut listener).await, "old");

    // Nothing of this is taken, and everything goes on as it was.
    let before = listener.ask(json!({"cmd": "plugins"})).await["plugins"].clone();
    let guest = std::fs::read_to_string(folder.file()).unwrap();
    let broken = [
        ("encryption = ", "line 1"),
        ("colour = 1", "colour"),
        (&*guest.replace("\" }", "\", config = \"x\" }"), "refused its configuration: new"),
        (&*guest.replace("guest.wasm", "nowhere.wasm"), "nowhere.wasm"),
        (&*guest.replace("sha256 = \"", "sha256 = \"00"), "sha256"),
    ];
    for (text, problem) in broken {
        folder.write(text);
        let answer = listener.ask(json!({"cmd": "reload-plugins"})).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(problem) && message.contains("nothing has changed"), "{text}: {message}");
    }
    folder.put(b"no module");
    let answer = listener.ask(json!({"cmd": "reload-plugins"})).await;
    assert_eq!(answer["event"], "error", "{answer}");
    let after = listener.ask(json!({"cmd": "plugins"})).await["plugins"].clone();
    let hashes = |plugins: &Value| -> Vec<Value> {
        plugins.as_array().unwrap().iter().map(|plugin| plugin["sha256"].clone()).collect()
    };
    assert_eq!(hashes(&after), hashes(&before));
    let mut last = Peer::ready(&url(&relay), &[]).await;
    assert_eq!(note_of(&mut last, &mut listener).await, "new");
    assert_eq!(note_of(&mut early, &mut listener).await, "old");
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reads_the_file_again() {
    let folder = Folder::with_guest("hangup", &speaker("old"));
    let relay = relay().await;
    let mut listener = Peer::online(&url(&relay), &[("RATATOSK_PLUGINS", &folder.file())]).await;
    let hang_up = |peer: &Peer| {
        assert!(Command::new("kill").args(["-HUP", &peer.id().to_string()]).status().unwrap().success());
    };
    folder.put(&speaker("new"));
    hang_up(&listener);
    assert_eq!(listener.event("reloaded").await["changes"], json!([{"name": "guest", "what": "replaced"}]));
    folder.write("order = 1");
    hang_up(&listener);
    let error = listener.event("error").await;
    assert_eq!((&error["where"], &error["id"]), (&json!("reload-plugins"), &Value::Null));
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    assert_eq!(note_of(&mut initiator, &mut listener).await, "new");
}

/// A pipe that nobody writes to stands for a module that takes for ever.
#[cfg(unix)]
#[tokio::test]
async fn nobody_waits_for_a_reload() {
    let folder = Folder::with_guest("slow", &speaker("old"));
    let relay = relay().await;
    let mut listener = Peer::online(&url(&relay), &[("RATATOSK_PLUGINS", &folder.file())]).await;
    let pipe = folder.path().join("guest.wasm");
    std::fs::remove_file(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    listener.tell(json!({"cmd": "reload-plugins", "id": 7})).await;
    // Commands are answered, and connections come about.
    assert_eq!(listener.ask(json!({"cmd": "info"})).await["phases"], 5);
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    assert_eq!(note_of(&mut initiator, &mut listener).await, "old");
    std::fs::write(&pipe, b"no module").unwrap();
    let answer = listener.find(|line| line["id"] == 7).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("SHA-256"), "{answer}");
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again() {
    let relay = relay().await;
    for plugins in ["wasm", "native"] {
        let mut peer = Peer::ready(&url(&relay), &[("RATATOSK_PLUGINS", plugins)]).await;
        let answer = peer.ask(json!({"cmd": "reload-plugins"})).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains("no file of plugins"), "{answer}");
    }
}

#[tokio::test]
async fn a_module_that_traps_ends_its_connection_and_no_other() {
    let folder = Folder::with_guest("trap", &trap());
    let relay = relay().await;
    let mut listener = Peer::online(&url(&relay), &[("RATATOSK_PLUGINS", &folder.file())]).await;
    let mut victim = Peer::ready(&url(&relay), &[]).await;
    let mut other = Peer::ready(&url(&relay), &[]).await;
    for peer in [&mut victim, &mut other] {
        peer.tell(json!({"cmd": "raw", "key": listener.key, "text": "hello"})).await;
        assert_eq!(listener.event("raw").await["key"], peer.key);
    }
    victim.tell(json!({"cmd": "raw", "key": listener.key, "text": "!"})).await;
    for (peer, origin) in [(&mut listener, "local"), (&mut victim, "remote")] {
        let end = peer.event("disconnected").await;
        assert_eq!(end["reason"], "Close called: plugin guest stopped");
        assert_eq!(end["origin"], origin);
        // Why is for the end that runs the plugin.
        let error = end["error"].as_str().unwrap();
        assert_eq!(
            error.contains("plugin guest stopped: ") && error.contains("unreachable"),
            origin == "local",
            "{error}"
        );
    }
    // The message is lost with its connection.
    other.tell(json!({"cmd": "raw", "key": listener.key, "text": "still here"})).await;
    assert_eq!(listener.event("raw").await["text"], "still here");
    victim.tell(json!({"cmd": "raw", "key": listener.key, "text": "back"})).await;
    assert_eq!(listener.event("raw").await["text"], "back");
    let answer = listener.ask(json!({"cmd": "plugins"})).await;
    let plugins = answer["plugins"].as_array().unwrap();
    let guest = plugins.iter().find(|plugin| plugin["name"] == "guest").unwrap();
    assert_eq!((&guest["traps"], &guest["connections"]), (&json!(1), &json!(2)), "{guest}");
    assert!(plugins.iter().all(|plugin| plugin["name"] == "guest" || plugin["traps"] == 0), "{plugins:?}");
}
