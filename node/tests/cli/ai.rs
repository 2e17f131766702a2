//! An AI from the file of its model to its first answer, by the commands alone.

use ratatosk_engine::testing::{Tiny, tiny_model};
use serde_json::Value;

use crate::support::{Person, relay, text};

/// Somebody with a model file that says one sentence.
pub(crate) async fn somebody(test: &str) -> (Person, String, ratatosk_relay::Server) {
    let relay = relay().await;
    let anna = Person::new(test, "anna", &relay).await;
    let file = anna.0.join("tiny-file.gguf");
    let tiny = Tiny { says: "Hello from a small model.".to_owned(), ..Tiny::default() };
    std::fs::write(&file, tiny_model(&tiny)).unwrap();
    (anna, file.to_str().unwrap().to_owned(), relay)
}

async fn json(person: &Person, arguments: &[&str]) -> Value {
    let output = person.run(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn models_and_ais_come_and_go() {
    let (anna, file, _relay) = somebody("ais").await;
    let steps: [(&[&str], &str); 9] = [
        (&["model", "import", &file, "--name", "tiny"], "Next: ratatosk agent create NAME --model tiny"),
        (&["model", "list"], "tiny, llama"),
        (
            &["agent", "create", "smol", "--model", "tiny", "--title", "Smol", "--preset", "precise"],
            "Next: ratatosk chat smol",
        ),
        (&["agent", "list"], "Smol (smol), model tiny"),
        (&["model", "list"], "used by smol"),
        (&["contacts"], "Smol [AI of you]"),
        (
            &["agent", "edit", "smol", "--active", "false", "--personality", "Be brief.", "--audience", "owner"],
            "for you alone, off",
        ),
        (&["agent", "show", "smol"], "Be brief."),
        (&["topics", "create", "us all", "--with", "smol"], "Next: ratatosk chat 'us all'"),
    ];
    for (arguments, wanted) in steps {
        let output = anna.run(arguments).await;
        assert!(output.status.success() && text(&output.stdout).contains(wanted), "{arguments:?}: {output:?}");
    }
    let mode = anna.run(&["topics", "mode", "us all", "round-robin", "--hops", "3"]).await;
    assert!(mode.status.success(), "{mode:?}");
    assert!(anna.run(&["topics", "priority", "us all", "9"]).await.status.success());
    let topics = json(&anna, &["topics", "list", "--json"]).await;
    let group = topics.as_array().unwrap().iter().find(|topic| topic["name"] == "us all").unwrap();
    assert_eq!(group["rules"], serde_json::json!({ "mode": "round-robin", "hops": 3 }));
    assert_eq!(group["priority"], 9);

    let hidden = anna.run(&["agent", "edit", "smol", "--personality", "Be\u{1b}[2J brief."]).await;
    assert!(!hidden.status.success() && text(&hidden.stderr).contains("cannot be shown"), "{hidden:?}");

    let used = anna.run(&["model", "remove", "tiny"]).await;
    assert!(!used.status.success() && text(&used.stderr).contains("smol"), "{used:?}");
    for arguments in [&["agent", "remove", "smol"], &["model", "remove", "tiny"]] {
        assert!(anna.run(arguments).await.status.success(), "{arguments:?}");
    }
    // What it has said stays, and nobody waits for more.
    let contacts = anna.run(&["contacts"]).await;
    assert!(text(&contacts.stdout).contains("[AI of you], removed"), "{contacts:?}");
    let asked = anna.run(&["chat", "smol", "--say", "Hello?", "--wait"]).await;
    assert!(!asked.status.success() && text(&asked.stderr).contains("is removed"), "{asked:?}");
    assert_eq!(json(&anna, &["agent", "list", "--json"]).await, serde_json::json!([]));

    // A file that is cut off is refused, and nothing of it stays.
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let cut = anna.run(&["model", "import", &file]).await;
    assert!(!cut.status.success() && text(&cut.stderr).contains("→"), "{cut:?}");
    assert_eq!(json(&anna, &["model", "list", "--json"]).await, serde_json::json!([]));
}

#[tokio::test]
async fn a_backup_makes_the_same_node_somewhere_else() {
    let (anna, _, _relay) = somebody("backup").await;
    let (file, secret) = (anna.0.join("all.backup"), anna.0.join("passphrase"));
    let (file, secret) = (file.to_str().unwrap(), secret.to_str().unwrap());
    std::fs::write(secret, "long enough to be one\n").unwrap();
    let made = anna.run(&["backup", file, "--passphrase-file", secret]).await;
    assert!(made.status.success() && text(&made.stdout).contains("ratatosk restore"), "{made:?}");

    let elsewhere = Person::nobody("backup", "elsewhere");
    let restored = elsewhere.run(&["restore", file, "--passphrase-file", secret]).await;
    assert!(restored.status.success() && text(&restored.stdout).contains("anna@example.test"), "{restored:?}");
    let [old, new] = [json(&anna, &["status", "--json"]).await, json(&elsewhere, &["status", "--json"]).await];
    assert_eq!(old["status"]["me"], new["status"]["me"]);
    let doctor = elsewhere.run(&["doctor"]).await;
    assert!(doctor.status.success(), "{doctor:?}");

    // A folder with something in it is left as it is.
    let again = elsewhere.run(&["restore", file, "--passphrase-file", secret]).await;
    assert!(!again.status.success() && text(&again.stderr).contains("→"), "{again:?}");
}
