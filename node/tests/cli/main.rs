//! The commands for people, as processes without a terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod ai;
#[cfg(feature = "llama")]
mod answer;
mod daemon;
mod once;
mod support;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::support::{Person, line, pair, relay, text, within};

#[tokio::test]
async fn two_people_invite_accept_and_chat() {
    let relay = relay().await;
    let (anna, bert) = (Person::new("chat", "anna", &relay).await, Person::new("chat", "bert", &relay).await);
    let before = anna.run(&["contacts"]).await;
    assert!(text(&before.stdout).contains("no contacts yet"), "{before:?}");
    pair(&anna, &bert).await;
    let after = anna.run(&["contacts"]).await;
    assert!(text(&after.stdout).contains("bert@example.test"), "{after:?}");

    let mut listening = bert.start(&["chat"]);
    let said = "Grüße \u{1b}[2J\u{202e}";
    let mut speaking = anna.start(&["chat", "bert"]);
    let mut stdin = speaking.stdin.take().unwrap();
    within(stdin.write_all(format!("{said}\n").as_bytes())).await.unwrap();
    drop(stdin);
    // It waits until somebody has what it said.
    let heard = line(&mut listening, "Grüße").await;
    assert!(heard.ends_with("✓ Grüße \\e[2J\\u{202e}"), "{heard}");
    assert!(within(speaking.wait()).await.unwrap().success());
    drop(listening.stdin.take());
    assert!(within(listening.wait()).await.unwrap().success());

    let mut history = bert.start(&["chat", "--last", "5"]);
    drop(history.stdin.take());
    let mut shown = String::new();
    within(history.stdout.as_mut().unwrap().read_to_string(&mut shown)).await.unwrap();
    assert!(shown.contains("anna ✓ Grüße \\e[2J\\u{202e}"), "{shown}");

    for (arguments, wanted) in [(&["check", "--remove-garbage"][..], "Everything is there"), (&["check"], "no garbage")]
    {
        let checked = bert.run(arguments).await;
        assert!(checked.status.success() && text(&checked.stdout).contains(wanted), "{checked:?}");
    }
}

#[tokio::test]
async fn an_invitation_as_json_and_as_svg_that_nobody_takes() {
    let relay = relay().await;
    let anna = Person::new("unused", "anna", &relay).await;
    let svg = anna.0.join("code.svg");
    let invited = anna.run(&["invite", "--json", "--life", "1", "--svg", svg.to_str().unwrap()]).await;
    assert!(!invited.status.success());
    assert!(text(&invited.stderr).contains("nobody has taken the invitation"), "{invited:?}");
    let invitation: serde_json::Value = serde_json::from_slice(&invited.stdout).unwrap();
    assert_eq!(invitation.as_object().unwrap().len(), 3);
    assert!(std::fs::read_to_string(svg).unwrap().contains("<svg"));
}

#[tokio::test]
async fn errors_say_what_happened_and_what_to_do() {
    let relay = relay().await;
    let nobody = Person::nobody("errors", "nobody");
    let anna = Person::new("errors", "anna", &relay).await;
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let unreachable = format!("ws://{closed}");
    let alone = Person::nobody("errors", "alone");
    let made = alone.run(&["init", "--email", "alone@example.test", "--without-passphrase"]).await;
    assert!(made.status.success(), "{made:?}");
    let cases: [(&Person, &[&str], &str, &str); 10] = [
        (&nobody, &["init", "--email", "nobody", "--without-passphrase"], "no e-mail address", "@"),
        (&alone, &["invite"], "your node has no CommServer,", "--embedded-relay"),
        (&alone, &["backup", "unwritten"], "no terminal", "--passphrase-file"),
        (&nobody, &["contacts"], "there is no node", "ratatosk init"),
        (&nobody, &["init", "--email", "x@example.test"], "no terminal", "--without-passphrase"),
        (&nobody, &["init", "--email", "x@example.test", "--relay", "http://x"], "not WebSocket schemes", "ws://"),
        (&anna, &["init", "--email", "x@example.test", "--without-passphrase"], "there is a node", "--dir"),
        (&anna, &["accept", "hello"], "this is no invitation", "in quotes"),
        (&anna, &["chat", "Carl"], "nobody of your contacts is called \"carl\"", "ratatosk contacts"),
        (&anna, &["invite", "--relay", &unreachable], "connection refused", "--relay"),
    ];
    for (person, arguments, what, help) in cases {
        let failed = person.run(arguments).await;
        let said = text(&failed.stderr);
        assert!(!failed.status.success() && said.contains(what) && said.contains(help), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure() {
    let relay = relay().await;
    let anna = Person::new("gone", "anna", &relay).await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut contacts = anna.command(&["contacts"]);
    let ended = within(contacts.stdout(writer).spawn().unwrap().wait_with_output()).await.unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}
