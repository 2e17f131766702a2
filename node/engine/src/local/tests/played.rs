//! A worker that a test plays.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};

use super::super::lines::Lines;
use super::super::process::{Process, Program};
use super::super::{Local, Settings, Waits};
use crate::ipc::{self, Command, Generate, Load, Reply};
use crate::{Description, Event, Finish, Generation, Place, Request, Role, Sampling, Turn, Usage};

pub(super) struct Played {
    from: Lines<ReadHalf<DuplexStream>>,
    to: WriteHalf<DuplexStream>,
}

impl Played {
    /// Says something, as long as somebody listens.
    pub(super) async fn say(&mut self, reply: &Reply) -> bool {
        self.write(&ipc::encode(reply, ipc::MAX_REPLY).unwrap()).await
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.to.write_all(bytes).await.is_ok()
    }

    /// What it is told; none once the engine lets go of it.
    pub(super) async fn told(&mut self) -> Option<Command> {
        Some(ipc::decode(&self.from.next().await.ok()??).unwrap())
    }

    /// Loads as it should.
    pub(super) async fn load(&mut self) -> Load {
        self.say(&Reply::Ready { version: ipc::VERSION }).await;
        let Some(Command::Load(load)) = self.told().await else { panic!("it is to load first") };
        self.loaded(load.context).await;
        load
    }

    pub(super) async fn loaded(&mut self, context: u32) {
        let description = Description { name: "of the file".to_owned(), context, place: Place::Local };
        self.say(&Reply::Loaded { description }).await;
    }

    /// Begins the next answer as it should.
    pub(super) async fn started(&mut self) -> Option<Generate> {
        let Some(Command::Generate(generate)) = self.told().await else { return None };
        let id = generate.id;
        self.say(&Reply::Started { id, prompt_tokens: 7, reused_tokens: 3, left_out: 1 }).await;
        Some(generate)
    }

    pub(super) async fn text(&mut self, id: u64, text: &str) -> bool {
        self.say(&Reply::Text { id, text: text.to_owned() }).await
    }

    pub(super) async fn finished(&mut self, id: u64, reason: Finish) {
        self.say(&Reply::Finished { id, reason, usage: Usage::default() }).await;
    }

    /// Loads, and answers everything as it should until it is let go.
    pub(super) async fn serve(mut self) {
        self.load().await;
        self.answer_on().await;
    }

    /// Answers everything as it should until it is let go.
    pub(super) async fn answer_on(mut self) {
        while let Some(generate) = self.started().await {
            let text = generate.turns.last().map_or("", |turn| turn.content.as_str()).to_uppercase();
            self.text(generate.id, &text).await;
            self.finished(generate.id, Finish::Stop).await;
        }
    }
}

/// An engine whose workers are played: the function gets the number of the worker, from 0.
pub(super) fn engine<F, P>(settings: Settings, play: F) -> Local
where
    F: Fn(usize, Played) -> P + Send + Sync + 'static,
    P: Future<Output = ()> + Send + 'static,
{
    let count = AtomicUsize::new(0);
    Local::launching(
        settings,
        Box::new(move || {
            let (ours, theirs) = duplex(4096);
            let (from, to) = split(theirs);
            let played = Played { from: Lines::new(from, ipc::MAX_COMMAND), to };
            tokio::spawn(play(count.fetch_add(1, Ordering::Relaxed), played));
            let (from, to) = split(ours);
            Ok(Process::over(from, to))
        }),
    )
}

pub(super) fn settings() -> Settings {
    Settings {
        name: "tiny".to_owned(),
        program: Program { path: "none".into(), arguments: Vec::new() },
        load: Load { path: "none.gguf".to_owned(), context: 512, threads: 1, batch_threads: 1, gpu_layers: 0 },
        needs: Some(0),
        idle: None,
        waits: Waits::default(),
    }
}

pub(super) fn request(text: &str) -> Request {
    Request {
        label: text.to_owned(),
        conversation: "topic".to_owned(),
        priority: 5,
        turns: vec![Turn { role: Role::User, content: text.to_owned() }],
        sampling: Sampling::greedy(),
        max_tokens: 16,
        stop: Vec::new(),
    }
}

/// All that comes, without places in the queue and progress.
pub(super) async fn events(mut generation: Generation) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = generation.next().await {
        if !matches!(event, Event::Queued { .. } | Event::Loading { .. }) {
            events.push(event);
        }
    }
    events
}
