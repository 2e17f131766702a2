//! An AI that answers: a script asks it, and a chat shows what it said. Needs llama.cpp.

use std::process::Stdio;

use crate::ai::somebody;
use crate::support::{line, text, within};

#[tokio::test]
async fn a_script_asks_an_ai_and_a_chat_shows_its_answer() {
    let (anna, file, _relay) = somebody("asked").await;
    let mut serving = anna.start(&["serve"]);
    line(&mut serving, "Ctrl-C stops the node").await;
    for arguments in [
        &["model", "import", &file, "--name", "tiny"][..],
        &["agent", "create", "smol", "--model", "tiny", "--title", "Smol"],
    ] {
        let output = anna.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    let asked = anna.run(&["chat", "smol", "--say", "Hello?", "--wait", "--stream", "--deadline", "50"]).await;
    assert!(asked.status.success(), "{asked:?}");
    assert_eq!(text(&asked.stdout), "Hello from a small model.\n");
    let streamed = text(&asked.stderr);
    assert!(streamed.contains("Smol [AI] is writing: Hello from a small model."), "{streamed}");

    let history = within(anna.command(&["chat", "smol"]).stdin(Stdio::null()).output()).await.unwrap();
    let shown = text(&history.stdout);
    assert!(shown.contains("Smol [AI] ✓ Hello from a small model."), "{shown}");
    within(serving.kill()).await.unwrap();
}
