//! A program that was built without WebAssembly: what it can do, and what it says when more is asked of it.

use std::process::Command;

use serde_json::json;

use super::support::{Peer, relay, url};

#[tokio::test]
async fn its_plugins_are_native_code() {
    let relay = relay().await;
    for environment in [&[][..], &[("RATATOSK_PLUGINS", "native")]] {
        let mut initiator = Peer::ready(&url(&relay), environment).await;
        let mut listener = Peer::online(&url(&relay), environment).await;
        initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": "hello"})).await;
        assert_eq!(listener.event("raw").await["text"], "hello");
        let answer = listener.ask(json!({"cmd": "plugins"})).await;
        let forms: Vec<_> = answer["plugins"].as_array().unwrap().iter().map(|plugin| &plugin["form"]).collect();
        assert_eq!(forms, ["native"; 3]);
        let answer = listener.ask(json!({"cmd": "timeline"})).await;
        assert_eq!(answer["timelines"][0]["plugins"][0], json!({"name": "encryption", "form": "native"}));
        let answer = listener.ask(json!({"cmd": "reload-plugins"})).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains("feature \"wasm\""), "{answer}");
    }
}

#[tokio::test]
async fn what_it_lacks_is_named() {
    for plugins in ["wasm", "plugins.toml"] {
        let (events, code) = Peer::spawn("ws://127.0.0.1:1", &[("RATATOSK_PLUGINS", plugins)]).rest().await;
        let message = events[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains("feature \"wasm\""), "{message}");
        assert_eq!(code, 1);
    }
    for arguments in [["check", "plugins.toml"], ["inspect", "plugin.wasm"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
        let output = command.arg("plugin").args(arguments).output().unwrap();
        let problem = String::from_utf8(output.stderr).unwrap();
        assert!(problem.contains("feature \"wasm\"") && problem.contains(arguments[1]), "{problem}");
        assert_eq!(output.status.code(), Some(1));
    }
}
