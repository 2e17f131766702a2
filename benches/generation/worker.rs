//! The worker process of this repository, as its engine talks to it.

use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Program, Stdio};
use std::time::Instant;

use ratatosk_benches::{Outcome, resident_kib};
use ratatosk_engine::ipc::{Command, Generate, Load, MAX_COMMAND, MAX_REPLY, Reply, decode, encode, read_line};
use ratatosk_engine::{Preset, Role, Sampling, Turn, Usage};

use crate::options::{CONTEXT, THREADS, TOKENS};

/// Makes this program the worker.
pub(crate) const WORD: &str = "worker";

/// A worker with its model in memory.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
    /// From its start until the model was there, in milliseconds.
    pub(crate) load: f64,
}

/// One answer.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) usage: Usage,
}

impl Answer {
    /// Tokens a second, after the first.
    pub(crate) fn speed(&self) -> f64 {
        f64::from(self.usage.generated_tokens - 1) / (self.usage.duration - self.usage.first_token).as_secs_f64()
    }

    /// Milliseconds until the first token.
    pub(crate) fn first(&self) -> f64 {
        self.usage.first_token.as_secs_f64() * 1e3
    }
}

impl Worker {
    pub(crate) fn start(model: &Path) -> Outcome<Self> {
        let began = Instant::now();
        let mut child = Program::new(std::env::current_exe()?)
            .arg(WORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the worker has no pipes".into());
        };
        let mut worker = Self { child, input, output: BufReader::new(output), id: 0, load: 0.0 };
        worker.say(&Command::Load(Load {
            path: model.to_str().ok_or("the model's path is no text")?.to_owned(),
            context: CONTEXT,
            threads: THREADS,
            batch_threads: THREADS,
            gpu_layers: 0,
        }))?;
        while !matches!(worker.next()?, Reply::Loaded { .. }) {}
        worker.load = began.elapsed().as_secs_f64() * 1e3;
        Ok(worker)
    }

    /// Answers, sampled as conversations are by default.
    pub(crate) fn answer(&mut self, conversation: &str, turns: &[Turn], seed: u32) -> Outcome<Answer> {
        self.id += 1;
        self.say(&Command::Generate(Generate {
            id: self.id,
            conversation: conversation.to_owned(),
            turns: turns.to_vec(),
            sampling: Sampling { seed: Some(seed), ..Preset::default().into() },
            // The first token is the prompt's.
            max_tokens: TOKENS + 1,
            stop: Vec::new(),
        }))?;
        let mut answer = String::new();
        loop {
            match self.next()? {
                Reply::Text { text, .. } => answer.push_str(&text),
                Reply::Finished { usage, .. } => return Ok(Answer { text: answer, usage }),
                _ => {}
            }
        }
    }

    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        Ok(resident_kib(&self.child.id().to_string())? / 1024.0)
    }

    fn say(&mut self, command: &Command) -> Outcome<()> {
        Ok(self.input.write_all(&encode(command, MAX_COMMAND)?)?)
    }

    fn next(&mut self) -> Outcome<Reply> {
        let line = read_line(&mut self.output, MAX_REPLY)?.ok_or("the worker has ended")?;
        match decode(&line)? {
            Reply::Failed { error, .. } => Err(error.to_string().into()),
            reply => Ok(reply),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing that would have to be written.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn user(content: &str) -> Turn {
    Turn { role: Role::User, content: content.to_owned() }
}

pub(crate) fn assistant(content: &str) -> Turn {
    Turn { role: Role::Assistant, content: content.to_owned() }
}
