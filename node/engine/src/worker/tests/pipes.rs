//! The worker as its engine sees it: lines in, lines out.

use std::io::{BufReader, PipeReader, PipeWriter, Write, pipe};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::*;
use crate::ipc::{Command, MAX_COMMAND, MAX_REPLY, Reply, VERSION, decode, encode, read_line};
use crate::worker::run;

struct Worker {
    input: Option<PipeWriter>,
    output: BufReader<PipeReader>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start() -> Self {
        let ((input, commands), (replies, output)) = (pipe().unwrap(), pipe().unwrap());
        let thread = std::thread::spawn(move || run(input, output));
        let mut worker = Self { input: Some(commands), output: BufReader::new(replies), thread };
        assert_eq!(worker.next(), Some(Reply::Ready { version: VERSION }));
        worker
    }

    fn loaded(tiny: &Tiny) -> (Self, File) {
        let (mut worker, file) = (Self::start(), File::new(&tiny_model(tiny)));
        worker.say(&Command::Load(file.load(1024)));
        let replies = worker.until(|reply| matches!(reply, Reply::Loaded { .. }));
        assert!(replies.iter().rev().skip(1).all(|reply| matches!(reply, Reply::Loading { .. })), "{replies:?}");
        (worker, file)
    }

    fn say(&mut self, command: &Command) {
        let line = encode(command, MAX_COMMAND).unwrap();
        self.input.as_mut().unwrap().write_all(&line).unwrap();
    }

    fn next(&mut self) -> Option<Reply> {
        read_line(&mut self.output, MAX_REPLY).unwrap().map(|line| decode(&line).unwrap())
    }

    /// All replies up to one.
    fn until(&mut self, last: impl Fn(&Reply) -> bool) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.next() {
            replies.push(reply);
            if replies.last().is_some_and(&last) {
                return replies;
            }
        }
        panic!("it ended after {replies:?}");
    }

    /// Ends the input; the worker ends, too.
    fn end(mut self) {
        self.input = None;
        while self.next().is_some() {}
        self.thread.join().unwrap();
    }
}

fn is_end(reply: &Reply) -> bool {
    matches!(reply, Reply::Finished { .. } | Reply::Failed { .. })
}

#[test]
fn it_loads_answers_and_ends_with_its_input() {
    let (mut worker, _file) = Worker::loaded(&Tiny::saying("Hello, world."));
    for id in 1..3 {
        worker.say(&Command::Generate(Generate { id, ..ask(&[user("Hi")]) }));
        let replies = worker.until(is_end);
        assert!(matches!(replies[0], Reply::Started { id: of, left_out: 0, .. } if of == id), "{replies:?}");
        assert!(
            matches!(replies.last(), Some(Reply::Finished { id: of, reason: Finish::Stop, .. }) if *of == id),
            "{replies:?}"
        );
        let text: String = replies
            .iter()
            .filter_map(|reply| if let Reply::Text { text, .. } = reply { Some(text.as_str()) } else { None })
            .collect();
        assert_eq!(text, "Hello, world.");
    }
    worker.end();
}

#[test]
fn a_cancellation_acts_within_a_tenth_of_a_second() {
    let (mut worker, _file) = Worker::loaded(&Tiny { layers: 4, embedding: 256, ..Tiny::endless("one two three ") });
    let long = "and on and on ".repeat(40);
    let mut waits = Vec::new();
    for id in 1..8 {
        worker.say(&Command::Generate(Generate { id, ..ask(&[user(&format!("{id} {long}"))]) }));
        // Odd ones while the prompt is computed, even ones while the answer is written.
        let even = id % 2 == 0;
        worker.until(|reply| matches!(reply, Reply::Started { .. }) && !even || matches!(reply, Reply::Text { .. }));
        let asked = Instant::now();
        worker.say(&Command::Cancel { id });
        let replies = worker.until(is_end);
        waits.push(asked.elapsed());
        assert!(
            matches!(replies.last(), Some(Reply::Finished { reason: Finish::Cancelled, .. })),
            "{:?}",
            replies.last()
        );
    }
    waits.sort();
    assert!(waits[waits.len() / 2] < Duration::from_millis(100), "{waits:?}");
    worker.end();
}

#[test]
fn a_late_or_early_cancellation_does_no_harm() {
    let (mut worker, _file) = Worker::loaded(&Tiny::saying("Yes."));
    worker.say(&Command::Cancel { id: 0 });
    worker.say(&Command::Generate(Generate { id: 5, ..ask(&[user("Hi")]) }));
    assert!(matches!(worker.until(is_end).last(), Some(Reply::Finished { reason: Finish::Stop, .. })));
    worker.say(&Command::Cancel { id: 5 });
    worker.say(&Command::Generate(Generate { id: 6, ..ask(&[user("Hi")]) }));
    assert!(matches!(worker.until(is_end).last(), Some(Reply::Finished { reason: Finish::Stop, .. })));
    worker.end();
}

#[test]
fn a_worker_whose_engine_has_gone_ends_in_the_middle_of_an_answer() {
    let (mut worker, _file) = Worker::loaded(&Tiny::endless("one two three "));
    worker.say(&Command::Generate(Generate { max_tokens: 1_000_000, ..ask(&[user("Hi")]) }));
    worker.until(|reply| matches!(reply, Reply::Text { .. }));
    worker.end();
    let (mut worker, _file) = Worker::loaded(&Tiny::endless("one two three "));
    worker.say(&Command::Generate(Generate { max_tokens: 1_000_000, ..ask(&[user("Hi")]) }));
    let Worker { input: _input, output, thread } = worker;
    drop(output);
    thread.join().unwrap();
}

#[test]
fn what_cannot_be_loaded_is_said_and_another_model_may_come() {
    let mut worker = Worker::start();
    worker.say(&Command::Generate(ask(&[user("Hi")])));
    assert!(matches!(worker.next(), Some(Reply::Failed { id: Some(1), .. })));
    let broken = File::new(b"no model");
    worker.say(&Command::Load(broken.load(512)));
    let reply = worker.next();
    assert!(matches!(reply, Some(Reply::Failed { id: None, error: EngineError::NotGguf { .. } })), "{reply:?}");
    let file = File::new(&tiny_model(&Tiny::default()));
    worker.say(&Command::Load(file.load(512)));
    worker.until(|reply| matches!(reply, Reply::Loaded { .. }));
    worker.say(&Command::Load(file.load(512)));
    assert!(matches!(worker.next(), Some(Reply::Failed { id: None, error: EngineError::Protocol { .. } })));
    worker.end();
}

#[test]
fn what_is_no_command_ends_it() {
    for line in ["no json\n", "{\"command\":\"dance\"}\n", "{\"command\":\"cancel\",\"id\":1"] {
        let mut worker = Worker::start();
        worker.input.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        worker.input = None;
        let reply = worker.next();
        assert!(matches!(reply, Some(Reply::Failed { id: None, error: EngineError::Protocol { .. } })), "{reply:?}");
        worker.end();
    }
}
