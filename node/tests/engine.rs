//! A model in the process that `ratatosk worker` is.
#![cfg(all(unix, feature = "llama"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ratatosk_engine::ipc::Load;
use ratatosk_engine::local::{Local, Phase, Program, Settings, Waits};
use ratatosk_engine::testing::{Broken, Tiny, broken_model, tiny_model};
use ratatosk_engine::{Engine, EngineError, Event, Finish, Generation, Request, Role, Sampling, Turn, Usage};

const CONTEXT: u32 = 8192;
/// Of an answer that has no end of its own: more than fits into a pipe that nobody reads.
const LONG: u32 = 2500;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("engine-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn pid(&self) -> PathBuf {
        self.0.join("pid")
    }

    /// An engine for this model. The file `pid` says which process it is.
    fn engine(&self, model: &[u8]) -> Local {
        let path = self.0.join("model.gguf");
        std::fs::write(&path, model).unwrap();
        let script = format!("echo $$ > '{}'; exec '{}' worker", self.pid().display(), env!("CARGO_BIN_EXE_ratatosk"));
        Local::new(Settings {
            name: "tiny".to_owned(),
            program: Program { path: "sh".into(), arguments: vec!["-c".into(), script.into()] },
            load: Load {
                path: path.display().to_string(),
                context: CONTEXT,
                threads: 1,
                batch_threads: 1,
                gpu_layers: 0,
            },
            needs: None,
            idle: None,
            waits: Waits::default(),
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn ask(engine: &Local, max_tokens: u32) -> Generation {
    let turns = vec![Turn { role: Role::User, content: "What are you?".to_owned() }];
    let (label, conversation) = ("topic".to_owned(), "topic".to_owned());
    let sampling = Sampling::greedy();
    engine
        .generate(Request { label, conversation, priority: 5, turns, sampling, max_tokens, stop: Vec::new() })
        .unwrap()
}

/// How an answer ended, and its text since the last restart.
async fn rest(generation: &mut Generation) -> (String, Event, u32) {
    let (mut text, mut restarts) = (String::new(), 0);
    loop {
        match generation.next().await.unwrap() {
            Event::Text(more) => text.push_str(&more),
            Event::Restarted => {
                text.clear();
                restarts += 1;
            }
            event if event.is_last() => return (text, event, restarts),
            _ => {}
        }
    }
}

async fn first_text(generation: &mut Generation) {
    while !matches!(generation.next().await.unwrap(), Event::Text(_)) {}
}

fn usage(event: &Event) -> (Finish, Usage) {
    let Event::Finished { reason, usage } = event else { panic!("there is no answer: {event:?}") };
    (*reason, *usage)
}

#[tokio::test]
async fn a_model_answers_and_reuses_what_it_has_computed() {
    let folder = Folder::new("answers");
    let engine = folder.engine(&tiny_model(&Tiny::saying("I am a squirrel. 🐿")));
    let (text, end, _) = rest(&mut ask(&engine, 100)).await;
    assert_eq!(text, "I am a squirrel. 🐿");
    assert_eq!((usage(&end).0, usage(&end).1.reused_tokens), (Finish::Stop, 0));
    let (again, end, _) = rest(&mut ask(&engine, 100)).await;
    assert_eq!(again, text);
    assert!(usage(&end).1.reused_tokens > 0, "{end:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_killed_in_the_middle_is_replaced_and_the_answer_finished() {
    let folder = Folder::new("killed");
    let engine = folder.engine(&tiny_model(&Tiny { context: CONTEXT, ..Tiny::endless("on and on ") }));
    let mut generation = ask(&engine, LONG);
    first_text(&mut generation).await;
    let pid = std::fs::read_to_string(folder.pid()).unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    let (text, end, restarts) = rest(&mut generation).await;
    assert_eq!(restarts, 1);
    assert_eq!((usage(&end).0, usage(&end).1.generated_tokens), (Finish::Length, LONG));
    assert!(text.starts_with("on and on on and on "), "{text}");
    assert_ne!(std::fs::read_to_string(folder.pid()).unwrap(), pid, "it is another process");
    engine.stop().await;
}

#[tokio::test]
async fn a_cancellation_arrives_before_the_next_tokens() {
    let folder = Folder::new("cancelled");
    // Large enough that an answer takes its time.
    let model = Tiny { context: CONTEXT, embedding: 256, layers: 8, ..Tiny::endless("on and on ") };
    let engine = folder.engine(&tiny_model(&model));
    for _ in 0..5 {
        let mut generation = ask(&engine, LONG);
        first_text(&mut generation).await;
        generation.cancel();
        let cancelled = Instant::now();
        let (_, end, _) = rest(&mut generation).await;
        let took = cancelled.elapsed();
        println!("cancelled within {took:?}, after {} tokens", usage(&end).1.generated_tokens);
        assert_eq!(usage(&end).0, Finish::Cancelled);
        // A tenth of a second is the aim; a machine that builds other things meanwhile gets more.
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    assert_eq!(*engine.phase().borrow(), Phase::Loaded, "the worker did not have to be ended for it");
    engine.stop().await;
}

#[tokio::test]
async fn the_worker_ends_with_its_input() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_ratatosk"))
        .arg("worker")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await.expect("it is still there").unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn broken_files_are_refused_in_words() {
    let folder = Folder::new("broken");
    for broken in Broken::ALL {
        let engine = folder.engine(&broken_model(broken));
        match engine.load().await {
            // What has no template, or none that works, gets the usual one.
            Ok(_) => {
                assert!(matches!(broken, Broken::NoTemplate | Broken::EndlessTemplate), "{broken:?}");
                let (text, end, _) = rest(&mut ask(&engine, 20)).await;
                assert!(!text.is_empty(), "{broken:?}: {end:?}");
            }
            Err(error) => {
                let crash = matches!(error, EngineError::WorkerDied { .. } | EngineError::Protocol { .. });
                assert!(!crash, "{broken:?}: {error}");
                println!("{broken:?}: {error}");
            }
        }
        engine.stop().await;
    }
}
