//! The engine and real processes: shell scripts that behave as a worker, or do not.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatosk_engine::ipc::Load;
use ratatosk_engine::local::{Local, Phase, Program, Settings, Waits};
use ratatosk_engine::{Engine, EngineError, Event, Finish, Generation, Request, Role, Sampling, Turn};

/// The beginning of every worker.
const LOADS: &str = r#"
    echo '{"reply":"ready","version":1}'
    read -r load
    echo '{"reply":"loaded","description":{"name":"x","context":64,"place":"local"}}'
"#;

/// Begins an answer; the number of the request is the first in the line.
const BEGINS: &str = r#"
    read -r line || exit 0
    id=${line#*'"id":'}; id=${id%%,*}
    echo '{"reply":"started","id":'$id',"prompt_tokens":1,"reused_tokens":0,"left_out":0}'
    echo '{"reply":"text","id":'$id',"text":"half"}'
"#;

const FINISHES: &str = r#"
    echo '{"reply":"finished","id":'$id',"reason":"stop","usage":{"prompt_tokens":1,"reused_tokens":0,"generated_tokens":1,"first_token":{"secs":0,"nanos":1},"duration":{"secs":0,"nanos":1}}}'
"#;

fn engine(script: &str) -> Local {
    let waits = Waits { stop: Duration::from_millis(200), ..Waits::default() };
    let arguments = vec!["-c".into(), script.into()];
    Local::new(Settings {
        name: "script".to_owned(),
        program: Program { path: "sh".into(), arguments },
        load: Load { path: "none".to_owned(), context: 64, threads: 1, batch_threads: 1, gpu_layers: 0 },
        needs: Some(0),
        idle: None,
        waits,
    })
}

fn ask(engine: &Local) -> Generation {
    let turns = vec![Turn { role: Role::User, content: "hello".to_owned() }];
    let (label, conversation) = ("topic".to_owned(), "topic".to_owned());
    let sampling = Sampling::greedy();
    engine
        .generate(Request { label, conversation, priority: 5, turns, sampling, max_tokens: 8, stop: Vec::new() })
        .unwrap()
}

async fn events(mut generation: Generation) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = generation.next().await {
        events.push(event);
    }
    events
}

/// A path that is this test's alone, with nothing there.
fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("engine-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Waits until a process is gone, which the operating system does not tell to others than its parent.
async fn gone(pid: &str) {
    let gone = async {
        while std::process::Command::new("kill")
            .args(["-0", pid])
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
            .success()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the process is still there");
}

#[tokio::test]
async fn a_worker_that_is_killed_is_replaced() {
    let marker = path("killed");
    let script = format!(
        "{LOADS} while :; do {BEGINS} if [ ! -e '{0}' ]; then : > '{0}'; kill -9 $$; fi; {FINISHES} done",
        marker.display()
    );
    let engine = engine(&script);
    let events = events(ask(&engine)).await;
    assert_eq!(events.iter().filter(|event| **event == Event::Restarted).count(), 1, "{events:?}");
    assert!(matches!(events.last(), Some(Event::Finished { reason: Finish::Stop, .. })), "{events:?}");
    engine.stop().await;
    std::fs::remove_file(marker).unwrap();
}

#[tokio::test]
async fn the_last_words_of_a_worker_are_told() {
    let engine = engine(&format!("{LOADS} {BEGINS} printf 'GGML_ASSERT\\033[31m\\n' >&2; kill -6 $$"));
    let Some(Event::Failed(EngineError::WorkerDied { reason })) = events(ask(&engine)).await.pop() else {
        panic!("it has died");
    };
    assert!(reason.contains("signal: 6") && reason.contains("GGML_ASSERT\\u{1b}[31m"), "{reason}");
}

#[tokio::test]
async fn a_worker_that_does_not_end_is_killed() {
    let pid = path("stubborn");
    let engine = engine(&format!("echo $$ > '{}'; trap '' TERM INT HUP; {LOADS} exec sleep 1000", pid.display()));
    engine.load().await.unwrap();
    let number = std::fs::read_to_string(&pid).unwrap();
    engine.stop().await;
    assert_eq!(*engine.phase().borrow(), Phase::Stopped);
    gone(number.trim()).await;
    std::fs::remove_file(pid).unwrap();
}

#[tokio::test]
async fn a_worker_ends_with_its_engine() {
    let pid = path("dropped");
    let engine = engine(&format!("echo $$ > '{}'; {LOADS} exec cat", pid.display()));
    engine.load().await.unwrap();
    let number = std::fs::read_to_string(&pid).unwrap();
    drop(engine);
    gone(number.trim()).await;
    std::fs::remove_file(pid).unwrap();
}

#[tokio::test]
async fn a_worker_knows_nothing_of_our_environment() {
    // Cargo sets this for tests.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "run it with cargo");
    let engine = engine(&format!("[ -z \"$CARGO_PKG_NAME\" ] || exit 1; {LOADS} read -r line"));
    engine.load().await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_told() {
    let result = engine("echo 'usage: something'; cat > /dev/null").load().await;
    assert!(matches!(result, Err(EngineError::Protocol { .. })), "{result:?}");
    let result = engine("echo 'no such option' >&2; exit 2").load().await;
    let Err(EngineError::WorkerDied { reason }) = result else { panic!("{result:?}") };
    assert!(reason.contains("exit status: 2"), "{reason}");
}
