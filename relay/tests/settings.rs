//! The settings of the program: where they come from, and how they change while it runs.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::program::{Program, command_with_ops};
use common::scrape::Page;
use common::{Client, PATIENCE, answer, http, key, pair, within};
use futures_util::StreamExt;
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use tokio_tungstenite::tungstenite::Message;

/// A file of settings that is removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("commserver-{name}-{}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What the program says to these flags, with this environment.
fn check(flags: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commserver"));
    command.arg("--check-config").args(flags).envs(env.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn flags_are_stronger_than_the_environment_and_that_than_the_file() {
    let file = File::new("sources", "[limits]\nspares = 11\nspares_per_key = 12\nspares_per_ip = 13\n");
    let env =
        [("COMMSERVER_CONFIG", file.path()), ("COMMSERVER_MAX_SPARES", "21"), ("COMMSERVER_MAX_SPARES_PER_IP", "22")];
    let output = check(&["--max-spares", "31"], &env);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    for line in [
        "spares = 31 # flag --max-spares".to_owned(),
        "spares_per_ip = 22 # environment COMMSERVER_MAX_SPARES_PER_IP".to_owned(),
        format!("spares_per_key = 12 # {}:3", file.path()),
        "connections = 131072 # default".to_owned(),
    ] {
        assert!(text(&output.stdout).lines().any(|found| found == line), "{line}: {}", text(&output.stdout));
    }
    // A flag that names another file wins as well.
    let other = File::new("other", "");
    let output = check(&["--config", other.path()], &env[..1]);
    assert!(text(&output.stdout).contains("\nspares_per_key = 1024 # default\n"), "{}", text(&output.stdout));
}

#[test]
fn what_is_printed_gives_the_same_again() {
    let first = check(&["--max-spares", "31", "--origins", "https://a.example,https://b.example"], &[]);
    let file = File::new("printed", text(&first.stdout));
    let second = check(&["--config", file.path()], &[]);
    assert_eq!((second.status.code(), text(&second.stderr)), (Some(0), ""));
    let values = |output: &Output| {
        text(&output.stdout).lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_mistake_is_named_and_ends_with_2() {
    let file = File::new("mistake", "[limits]\n\nspares_per_kye = 1\n");
    for flags in [&["--config", file.path()][..], &["--config", file.path(), "--check-config"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_commserver")).args(flags).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        let expected = format!(
            "{}:3: there is no setting limits.spares_per_kye; did you mean limits.spares_per_key?",
            file.path()
        );
        assert!(text(&output.stderr).contains(&expected), "{}", text(&output.stderr));
    }
    let output = check(&[], &[("COMMSERVER_MAX_SPARE", "1")]);
    assert_eq!(output.status.code(), Some(0));
    let warning = "the environment variable COMMSERVER_MAX_SPARE is no setting and does nothing; did you mean COMMSERVER_MAX_SPARES?";
    assert!(text(&output.stderr).contains(warning), "{}", text(&output.stderr));
}

/// Waits until the program has read its settings so often, with that outcome.
async fn reloaded(program: &Program, outcome: &str, times: f64) {
    let counted = async {
        while value(program, &[("outcome", outcome)]).await != times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the settings are not read again");
}

async fn value(program: &Program, labels: &[(&str, &str)]) -> f64 {
    let page = http::get(program.ops.unwrap(), "/metrics").await;
    Page::parse(&page.body).value("config_reloads_total", labels)
}

/// Whether one more spare of that key is accepted.
async fn is_accepted(program: &Program, number: u16) -> Option<Client> {
    let mut client = Client::connect(program.address).await;
    client.send(message::register(key(number).public())).await;
    let request = AuthenticationRequest::parse(&client.recv().await).unwrap();
    client.send(answer(&key(number), &request)).await;
    let answer = within(client.ws.next()).await?.unwrap();
    let Message::Text(answer) = answer else { return None };
    let answer = Payload::text(answer.as_str());
    message::parse_authentication_success(&answer).unwrap();
    Some(client)
}

#[tokio::test]
async fn a_hangup_reads_the_settings_again() {
    let log = File::new("log", "");
    let file = File::new("reload", "[limits]\nspares_per_key = 3\n");
    let mut command = command_with_ops(&["--config", file.path()]);
    command.stderr(Stdio::from(fs::File::create(&log.0).unwrap()));
    let mut program = Program::start_with_ops(command);
    let (mut connector, mut listener) = pair(program.address, &key(1), &key(2)).await;
    let mut spares = Vec::new();
    for _ in 0..2 {
        spares.push(is_accepted(&program, 3).await.expect("there is room"));
    }
    assert_eq!(value(&program, &[]).await, 0.0);

    // The next one is too many. Those that are there stay.
    file.write("[limits]\nspares_per_key = 2\n[log]\nformat = \"json\"\n");
    program.signal("HUP");
    reloaded(&program, "ok", 1.0).await;
    assert!(is_accepted(&program, 3).await.is_none());
    connector.send_text("still here").await;
    assert_eq!(listener.recv_text().await, "still here");

    // What cannot work changes nothing.
    file.write("[limits]\nspares_per_key = 9\nspares = 0\n");
    program.signal("HUP");
    reloaded(&program, "error", 1.0).await;
    assert!(is_accepted(&program, 3).await.is_none());
    file.write("spares_per_key = 9\n");
    program.signal("HUP");
    reloaded(&program, "error", 2.0).await;
    assert!(is_accepted(&program, 3).await.is_none());

    file.write("[limits]\nspares_per_key = 9\n");
    program.signal("HUP");
    reloaded(&program, "ok", 2.0).await;
    spares.push(is_accepted(&program, 3).await.expect("there is room again"));

    drop((connector, listener));
    program.signal("TERM");
    for spare in &mut spares {
        assert_eq!(spare.ended().await, common::end(1000, "Close called."));
    }
    assert_eq!(program.exit().await.code(), Some(0));
    let text = fs::read_to_string(&log.0).unwrap();
    for expected in [
        "the settings were read again changed=\"limits.spares_per_key\"",
        "these settings have changed and need a restart settings=log.format",
        "limits.spares (",
        "every limit must be at least 1",
        ":1: there is no setting spares_per_key; did you mean limits.spares_per_key?",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(text.matches(" ERROR ").count(), 2, "{text}");
}

/// A deadline and a rate that are others now hold for whoever comes next.
#[tokio::test]
async fn a_hangup_changes_deadlines_and_rates() {
    let file = File::new("deadlines", "");
    let program = Program::start_with_ops(command_with_ops(&["--config", file.path()]));
    let mut spares = Vec::new();
    for _ in 0..5 {
        spares.push(is_accepted(&program, 6).await.expect("nothing is in the way"));
    }
    let text = "[timeouts]\nhandshake_ms = 500\n[rates]\nregistrations_per_key_per_second = 1\nregistrations_per_key_burst = 1\n";
    file.write(text);
    program.signal("HUP");
    reloaded(&program, "ok", 1.0).await;
    let mut silent = Client::connect(program.address).await;
    assert_eq!(silent.ended().await, common::end(1000, "Terminate called: Handshake: Connection timed out"));
    spares.push(is_accepted(&program, 6).await.expect("one is allowed"));
    assert!(is_accepted(&program, 6).await.is_none());
    assert!(is_accepted(&program, 7).await.is_some(), "each key has its own");

    file.write("");
    program.signal("HUP");
    reloaded(&program, "ok", 2.0).await;
    spares.push(is_accepted(&program, 6).await.expect("the old rate holds again"));
    let _patient = Client::connect(program.address).await;
}

#[tokio::test]
async fn a_hangup_reads_the_lists_again() {
    let list = File::new("deny", "# nobody yet\n");
    let program = Program::start_with_ops(command_with_ops(&["--deny-file", list.path()]));
    let _spare = is_accepted(&program, 4).await.expect("nobody is denied");
    list.write(&key(4).public().to_hex());
    program.signal("HUP");
    reloaded(&program, "ok", 1.0).await;
    assert!(is_accepted(&program, 4).await.is_none());
    assert!(is_accepted(&program, 5).await.is_some());
    // A list that cannot be understood lets nobody in by mistake.
    list.write("nobody");
    program.signal("HUP");
    reloaded(&program, "error", 1.0).await;
    assert!(is_accepted(&program, 4).await.is_none());
}

#[tokio::test]
async fn an_allow_list_that_is_cut_off_lets_nobody_else_in() {
    let list = File::new("allow", &key(4).public().to_hex());
    let program = Program::start_with_ops(command_with_ops(&["--allow-file", list.path()]));
    // As it looks while it is being written.
    list.write("");
    program.signal("HUP");
    reloaded(&program, "error", 1.0).await;
    assert!(is_accepted(&program, 4).await.is_some());
    assert!(is_accepted(&program, 5).await.is_none());
}

#[tokio::test]
async fn a_hangup_sets_the_log_filter_only_if_it_is_another() {
    let file = File::new("filter", "[log]\nfilter = \"warn\"\n");
    let mut command = command_with_ops(&["--config", file.path()]);
    // It would be stronger than the file.
    command.env_remove("COMMSERVER_LOG");
    let program = Program::start_with_ops(command);
    let ops = program.ops.unwrap();
    assert_eq!(http::put(ops, "/log", "", "error").await.status, 200);
    program.signal("HUP");
    reloaded(&program, "ok", 1.0).await;
    assert_eq!(http::get(ops, "/log").await.body, "error\n");
    file.write("[log]\nfilter = \"off\"\n");
    program.signal("HUP");
    reloaded(&program, "ok", 2.0).await;
    assert_eq!(http::get(ops, "/log").await.body, "off\n");
}

/// A signal to read the settings again is none to stop, also while the program drains.
#[tokio::test]
async fn a_hangup_while_draining_ends_nothing() {
    let mut program = Program::start_with_ops(command_with_ops(&[]));
    let (mut connector, mut listener) = pair(program.address, &key(1), &key(2)).await;
    program.signal("TERM");
    program.line();
    program.signal("HUP");
    connector.send_text("last words").await;
    assert_eq!(listener.recv_text().await, "last words");
    connector.close(1000, "done").await;
    listener.ended().await;
    assert_eq!(program.exit().await.code(), Some(0));
}
