//! A node that runs by itself, and commands that find it, or find that it is not there.

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Child;

use crate::support::{Person, line, relay, text, within};

/// A node that runs by itself.
async fn serve(person: &Person) -> Child {
    let mut serving = person.start(&["serve"]);
    line(&mut serving, "Ctrl-C stops the node").await;
    serving
}

fn record(person: &Person) -> std::path::PathBuf {
    person.0.join("daemon.json")
}

#[tokio::test]
async fn several_commands_at_once_find_the_node_that_runs() {
    let relay = relay().await;
    let anna = Person::new("daemon", "anna", &relay).await;
    let mut serving = serve(&anna).await;
    line(&mut serving, "The CommServer has us").await;
    assert!(record(&anna).exists());

    let commands: [&[&str]; 8] = [
        &["status", "--json"],
        &["contacts", "--json"],
        &["topics", "list", "--json"],
        &["model", "list", "--json"],
        &["agent", "list", "--json"],
        &["trace", "--json"],
        &["invite", "--no-wait", "--json"],
        &["doctor"],
    ];
    let mut running = tokio::task::JoinSet::new();
    for (index, arguments) in commands.iter().enumerate() {
        let mut command = anna.command(arguments);
        let output = command.stdin(Stdio::null()).output();
        running.spawn(async move { (index, within(output).await.unwrap()) });
    }
    let mut outputs: Vec<_> = running.join_all().await;
    outputs.sort_by_key(|(index, _)| *index);
    for (index, output) in &outputs {
        assert!(output.status.success(), "{:?}: {output:?}", commands[*index]);
    }
    let status: Value = serde_json::from_slice(&outputs[0].1.stdout).unwrap();
    assert_eq!(status["running"], true);
    assert_eq!(status["status"]["pid"], serving.id().unwrap());
    assert_eq!(status["status"]["relay"]["online"], true);
    for (_, output) in &outputs[1..7] {
        serde_json::from_slice::<Value>(&output.stdout).unwrap();
    }

    // Nobody else can serve this folder, and a command does not change the CommServer of a node that runs.
    for (arguments, wanted) in [
        (&["serve"][..], "your node runs already"),
        (&["invite", "--relay", "ws://localhost:1"], "your node runs already"),
    ] {
        let refused = anna.run(arguments).await;
        assert!(!refused.status.success() && text(&refused.stderr).contains(wanted), "{refused:?}");
    }
    stop(serving).await;
    assert!(!record(&anna).exists());
}

/// Stops a node as the system does.
async fn stop(mut serving: Child) {
    let pid = serving.id().unwrap().to_string();
    let killed = within(tokio::process::Command::new("kill").args(["-TERM", &pid]).status()).await.unwrap();
    assert!(killed.success());
    assert!(within(serving.wait()).await.unwrap().success());
}

#[tokio::test]
async fn what_a_killed_node_leaves_behind_keeps_nobody_out() {
    let relay = relay().await;
    let anna = Person::new("killed", "anna", &relay).await;
    let mut serving = serve(&anna).await;
    within(serving.kill()).await.unwrap();
    assert!(record(&anna).exists());
    let status = anna.run(&["status"]).await;
    assert!(status.status.success() && text(&status.stdout).contains("not running by itself"), "{status:?}");
    stop(serve(&anna).await).await;
    // The next one that others shall find leaves its own record, and takes it away.
    assert!(!record(&anna).exists());
}

#[tokio::test]
async fn a_record_that_leads_to_somebody_else_means_nothing() {
    let relay = relay().await;
    let (anna, bert) = (Person::new("stale", "anna", &relay).await, Person::new("stale", "bert", &relay).await);
    let serving = serve(&bert).await;
    let berts = std::fs::read_to_string(record(&bert)).unwrap();
    // Somebody who listens and is no node.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let listening = std::thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = stranger.accept().unwrap();
        socket.write_all(b"220 mail.example.test ESMTP\r\n").unwrap();
    });
    let of_stranger = format!(r#"{{"port": {port}, "token": "x", "pid": 1, "version": "0"}}"#);
    let mut of_bert: Value = serde_json::from_str(&berts).unwrap();
    of_bert["pid"] = 1.into();
    for left in ["", "{", r#"{"port": 70000}"#, &of_stranger, &of_bert.to_string()] {
        std::fs::write(record(&anna), left).unwrap();
        let contacts = anna.run(&["contacts"]).await;
        assert!(
            contacts.status.success() && text(&contacts.stdout).contains("no contacts yet"),
            "{left}: {contacts:?}"
        );
    }
    listening.join().unwrap();
    stop(serving).await;
}

#[tokio::test]
async fn commands_without_a_node_that_runs_share_the_folder() {
    let relay = relay().await;
    let anna = Person::new("alone", "anna", &relay).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut command = anna.command(&["contacts"]);
        let output = command.stdin(Stdio::null()).output();
        running.spawn(async move { within(output).await.unwrap() });
    }
    for output in running.join_all().await {
        assert!(output.status.success(), "{output:?}");
    }
    for (arguments, wanted) in [
        (&["status"][..], "ratatosk serve"),
        // Where it is not on the network now, the address is known all the same.
        (&["status"], &format!("ws://{}", relay.local_addr())),
        (&["model", "list"], "ratatosk model import"),
        (&["agent", "list"], "ratatosk agent create"),
        (&["topics", "list"], "ratatosk topics create"),
    ] {
        let output = anna.run(arguments).await;
        assert!(output.status.success() && text(&output.stdout).contains(wanted), "{arguments:?}: {output:?}");
    }
    for (arguments, what, help) in [
        (&["trace"][..], "does not run by itself", "ratatosk serve"),
        (&["invite", "--no-wait"], "does not run by itself", "ratatosk serve"),
        (&["model", "import", "/nowhere.gguf"], "cannot find", "GGUF"),
        (&["model", "show", "nothing"], "nothing", "→"),
        (&["agent", "create", "smol", "--model", "nothing"], "nothing", "→"),
        (&["agent", "edit", "smol"], "nothing was named", "--help"),
        (&["topics", "mode", "us", "free"], "no conversation called", "topics list"),
    ] {
        let output = anna.run(arguments).await;
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(what) && said.contains(help), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_folder_that_is_none_is_said_to_be_none() {
    let nobody = Person::nobody("none", "nobody");
    for arguments in [&["contacts"][..], &["serve"], &["chat"], &["doctor"], &["status"], &["model", "list"]] {
        let failed = nobody.run(arguments).await;
        assert!(!failed.status.success() && text(&failed.stderr).contains("there is no node"), "{failed:?}");
    }
    std::fs::write(&nobody.0, "a file").unwrap();
    let failed = nobody.run(&["contacts"]).await;
    std::fs::remove_file(&nobody.0).unwrap();
    assert!(!failed.status.success() && !failed.stderr.is_empty(), "{failed:?}");
}

#[tokio::test]
async fn every_command_has_help_and_settings_have_a_sample() {
    let nobody = Person::nobody("help", "nobody");
    let listed = nobody.run(&["--help"]).await;
    for command in [
        "init",
        "serve",
        "status",
        "invite",
        "accept",
        "contacts",
        "forget-keys",
        "topics",
        "chat",
        "model",
        "agent",
        "trace",
        "backup",
        "restore",
        "doctor",
    ] {
        assert!(text(&listed.stdout).contains(&format!("\n  {command} ")), "{command}: {listed:?}");
        let help = nobody.run(&[command, "--help"]).await;
        assert!(help.status.success() && help.stdout.len() > 100, "{help:?}");
    }
    let settings = nobody.run(&["serve", "--print-config", "--embedded-relay"]).await;
    let sample = text(&settings.stdout);
    assert!(sample.contains("[relay]") && sample.contains("embedded = \"0.0.0.0:8000\""), "{settings:?}");
}
