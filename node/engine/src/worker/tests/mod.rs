//! The worker with tiny models: every path that a real model takes, in milliseconds.

mod answers;
mod injection;
mod pipes;
mod reuse;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::model::Model;
use super::session::{Listener, Session, Step};
use crate::ipc::{Generate, Load};
use crate::testing::{Tiny, tiny_model};
use crate::{EngineError, Finish, Role, Sampling, Turn, Usage};

/// A model file, gone at the end of the test.
struct File(PathBuf);

impl File {
    fn new(bytes: &[u8]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        crate::worker::log::start();
        let name = format!("ratatosk-worker-{}-{}.gguf", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn load(&self, context: u32) -> Load {
        Load { path: self.0.to_str().unwrap().to_owned(), context, threads: 1, batch_threads: 1, gpu_layers: 0 }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn model(tiny: &Tiny, context: u32) -> Model {
    let file = File::new(&tiny_model(tiny));
    Model::load(&file.load(context), |_| true).unwrap()
}

fn user(content: &str) -> Turn {
    Turn { role: Role::User, content: content.to_owned() }
}

fn assistant(content: &str) -> Turn {
    Turn { role: Role::Assistant, content: content.to_owned() }
}

fn ask(turns: &[Turn]) -> Generate {
    Generate {
        id: 1,
        conversation: "one".to_owned(),
        turns: turns.to_vec(),
        sampling: Sampling::greedy(),
        max_tokens: 200,
        stop: Vec::new(),
    }
}

/// Collects an answer, and cancels it after so many steps.
#[derive(Default)]
struct Reader {
    text: String,
    started: Option<(u32, u32, u32)>,
    steps: usize,
    cancel_after: Option<usize>,
}

impl Listener for Reader {
    fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Started { prompt_tokens, reused_tokens, left_out } => {
                assert_eq!(self.started, None, "it starts once");
                self.started = Some((prompt_tokens, reused_tokens, left_out));
            }
            Step::Text(text) => {
                assert!(self.started.is_some() && !text.is_empty());
                self.text.push_str(&text);
            }
        }
        self.steps += 1;
        true
    }

    fn cancelled(&self) -> bool {
        self.cancel_after.is_some_and(|after| self.steps >= after)
    }
}

fn answer(session: &mut Session<'_>, ask: &Generate) -> Result<(String, Finish, Usage), EngineError> {
    let mut reader = Reader::default();
    let (finish, usage) = session.generate(ask, &mut reader)?;
    Ok((reader.text, finish, usage))
}
