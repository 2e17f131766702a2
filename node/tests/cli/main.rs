//! The commands for people, as processes without a terminal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use ratatosk_relay::{Config, Server};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

async fn relay() -> Server {
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Server::bind(Config { listen, ..Config::default() }).await.unwrap()
}

/// Somebody's folder.
struct Person(PathBuf);

impl Person {
    /// A folder for a test of that name, in which nothing is.
    fn nobody(test: &str, name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{test}-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    /// Somebody with a node at this relay.
    async fn new(test: &str, name: &str, relay: &Server) -> Self {
        let person = Self::nobody(test, name);
        let (email, url) = (format!("{name}@example.test"), format!("ws://{}", relay.local_addr()));
        let made =
            person.run(&["init", "--email", &email, "--name", name, "--relay", &url, "--without-passphrase"]).await;
        assert!(made.status.success() && text(&made.stdout).contains(&email), "{made:?}");
        person
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
        for variable in ["RATATOSK_KEY_FILE", "RATATOSK_RELAY"] {
            command.env_remove(variable);
        }
        command.args(arguments).env("RATATOSK_DIR", &self.0).env("RATATOSK_LOG", "error").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        within(self.command(arguments).stdin(Stdio::null()).output()).await.unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Waits for a line with this in it.
async fn line(child: &mut Child, wanted: &str) -> String {
    let stdout = BufReader::new(child.stdout.as_mut().unwrap());
    let mut lines = stdout.lines();
    within(async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(wanted) {
                return line;
            }
        }
        panic!("it ended without {wanted:?}")
    })
    .await
}

async fn pair(inviter: &Person, invited: &Person) {
    let mut waiting = inviter.start(&["invite", "--life", "60"]);
    let link = line(&mut waiting, "https://").await;
    let accepted = invited.run(&["accept", &link]).await;
    assert!(accepted.status.success(), "{accepted:?}");
    assert!(within(waiting.wait()).await.unwrap().success());
}

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
    let cases: [(&Person, &[&str], &str, &str); 7] = [
        (&nobody, &["contacts"], "there is no home", "ratatosk init"),
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
