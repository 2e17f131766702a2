//! The program's reports, from runs to the page that is published: what they hold, that programs can read them, and that
//! nothing that a server says becomes markup in them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use futures_util::SinkExt;
use ratatosk_conformance::report::{Mark, Report};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What a hostile server says when it closes.
const ATTACK: &str = "<script>alert(\"1\")</script>]]>&amp;|\u{202e}\u{1b}[2J";
/// The same as people see it.
const SHOWN: &str = "<script>alert(\"1\")</script>]]>&amp;|\\u{202e}\\u{1b}[2J";

fn conformance(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).args(arguments).output().unwrap()
}

/// A new folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(test);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn path<'a>(folder: &'a Path, name: &str) -> impl AsRef<str> + use<'a> {
    folder.join(name).to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn read(path: impl AsRef<str>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap()
}

/// A server that closes every connection with [`ATTACK`].
async fn hostile_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            let frame = CloseFrame { code: 1000.into(), reason: ATTACK.into() };
            let _ = socket.send(Message::Close(Some(frame))).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_hostile_server_says_stays_text_in_every_report() {
    let url = hostile_server().await;
    let folder = folder("hostile");
    let (json, junit, html) = (path(&folder, "r.json"), path(&folder, "r.xml"), path(&folder, "m.html"));
    let files = ["--report", json.as_ref(), "--junit", junit.as_ref(), "--subject", "<b>evil</b>"];
    let run = ["server", "--url", &url, "--only", "d/000", "--subject-version", "\"1\"", "--date", "2024-02-29"];
    let ran = conformance(&[&run[..], &files].concat());
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).starts_with("1/1 ! deviates"), "{}", text(&ran.stdout));
    assert!(!text(&ran.stdout).contains('\u{1b}'));

    let report = Report::parse(&read(&json)).unwrap();
    assert_eq!((report.suite.as_str(), report.name().as_str()), ("server", "<b>evil</b> \"1\""));
    assert_eq!((report.count(Mark::Deviates), report.surprises()), (1, 1));
    assert_eq!(report.scenarios[0].differences[0].got, format!("close 1000 {SHOWN}"));

    let junit = read(&junit);
    let document = roxmltree::Document::parse(&junit).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert!(failure.text().unwrap().contains(SHOWN) && failure.text().unwrap().contains("§6"), "{failure:?}");

    let joined = conformance(&["matrix", "--out", html.as_ref(), "--text", json.as_ref()]);
    assert_eq!(joined.status.code(), Some(0), "{}", text(&joined.stderr));
    let table = text(&joined.stdout);
    assert!(table.contains("| &lt;b&gt;evil&lt;/b&gt; \"1\" | 2024-02-29 | 1 ≠      | 1 ≠ |"), "{table}");
    let page = read(&html);
    assert!(!page.contains("<script") && !page.contains("<b>"));
    let document = roxmltree::Document::parse(page.strip_prefix("<!DOCTYPE html>").unwrap()).unwrap();
    let said = document.descendants().filter(|node| node.has_tag_name("samp")).filter_map(|node| node.text());
    assert!(said.collect::<Vec<_>>().contains(&format!("close 1000 {SHOWN}").as_str()));
}

#[test]
fn runs_are_joined_and_what_was_not_run_is_said() {
    let folder = folder("joined");
    let (one, two) = (path(&folder, "one.json"), path(&folder, "two.json"));
    let run = |only: &str, name: &str, report: &str| {
        let ran = conformance(&["client", "--only", only, "--json", "--subject", name, "--report", report]);
        assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
        let printed: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(printed, serde_json::from_str::<Value>(&read(report)).unwrap(), "one form for all");
        assert!(text(&ran.stderr).starts_with("1/1   conforms"), "{}", text(&ran.stderr));
    };
    run("d2/20", "one", one.as_ref());
    run("d2/33", "two", two.as_ref());
    let joined = conformance(&["matrix", "--text", one.as_ref(), two.as_ref()]);
    let table = text(&joined.stdout);
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let row = |name: &str| rows.iter().find(|row| row.get(1) == Some(&name)).expect(table);
    assert_eq!(row("Implementation")[3..6], ["failures", "encryption", "all"]);
    assert_eq!(row("one")[3..6], ["1 ✓", "1 ·", "1 ✓, 1 ·"]);
    assert_eq!(row("two")[3..6], ["1 ·", "1 ✓", "1 ✓, 1 ·"]);
    // Without a date from the caller it is that of the file.
    assert!(row("one")[2].starts_with("20") && row("one")[2].len() == "2024-02-29".len(), "{table}");
}

#[test]
fn what_is_no_report_is_refused_and_nothing_is_written() {
    let folder = folder("refused");
    std::fs::create_dir_all(&folder).unwrap();
    let (other, html) = (path(&folder, "other.json"), path(&folder, "m.html"));
    for content in ["{}", "", r#"{"format":"conformance-report","version":2,"scenarios":[]}"#] {
        std::fs::write(other.as_ref(), content).unwrap();
        let joined = conformance(&["matrix", "--out", html.as_ref(), other.as_ref()]);
        assert_eq!(joined.status.code(), Some(2), "{content}");
        assert!(text(&joined.stderr).contains("other.json"), "{}", text(&joined.stderr));
        assert!(!Path::new(html.as_ref()).exists());
    }
}

#[test]
fn what_cannot_be_reported_is_not_run() {
    let not_run = |arguments: &[&str]| {
        let ran = conformance(&[&["client", "--only", "d2/20"], arguments].concat());
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""), "{arguments:?}");
    };
    let folder = folder("not-run");
    std::fs::create_dir_all(&folder).unwrap();
    not_run(&["--report", folder.to_str().unwrap()]);
    not_run(&["--subject", "one", "--subject", "two"]);
    not_run(&["--date", "yesterday"]);
    not_run(&["--subject-version", "1"]);
}
