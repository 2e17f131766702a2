//! One answer of a worker that has loaded its model.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Waits;
use super::desk::Job;
use super::process::Process;
use crate::ipc::{Command, Generate, Reply};
use crate::{EngineError, Event, Wait};

/// Bytes of an answer, at most: far more than any context has room for.
const MAX_ANSWER: usize = 4 << 20;
/// Tokens of a prompt that are waited for, at most: more than any context has.
const MAX_PROMPT: u32 = 1 << 20;

/// How it came out.
pub(super) enum End {
    /// The reader knows, and the worker is ready for the next. True: the answer is whole.
    Told(bool),
    /// The reader knows, and the worker has to be ended, for it hangs or lies.
    Broken,
    /// The worker died before the reader got an end.
    Died(Box<Job>, EngineError),
    /// The engine is being stopped, and the reader knows.
    Stopped,
}

/// Why the rest of an answer is not wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unwanted {
    Cancelled,
    SlowReader,
}

/// What became of an event.
pub(super) enum Handed {
    /// The reader has it.
    Over,
    /// The reader wants no more.
    Cancelled,
    /// The reader has not made room in time.
    Slow,
    /// The engine is being stopped.
    Stopped,
}

/// Returns once the engine is being stopped, or is gone.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Gives an event to the reader, who may take some time: `patience` is what is left of it for the whole answer, or a reader could
/// hold everybody up by taking an event now and then.
pub(super) async fn hand_over(
    job: &Job,
    event: Event,
    patience: &mut Duration,
    stopping: &mut watch::Receiver<bool>,
) -> Handed {
    let begun = Instant::now();
    let handed = tokio::select! {
        biased;
        () = job.outlet.cancelled() => Handed::Cancelled,
        sent = job.outlet.send(event) => if sent { Handed::Over } else { Handed::Cancelled },
        () = stopped(stopping) => Handed::Stopped,
        () = sleep(*patience) => Handed::Slow,
    };
    *patience = patience.saturating_sub(begun.elapsed());
    handed
}

/// Has the worker answer.
pub(super) async fn answer(
    process: &mut Process,
    id: u64,
    job: Job,
    waits: &Waits,
    stopping: &mut watch::Receiver<bool>,
) -> End {
    let request = &job.request;
    let generate = Generate {
        id,
        conversation: request.conversation.clone(),
        turns: request.turns.clone(),
        sampling: request.sampling.clone(),
        max_tokens: request.max_tokens,
        stop: request.stop.clone(),
    };
    if let Err(error) = process.tell(&Command::Generate(generate)) {
        let broken = matches!(error, EngineError::Protocol { .. });
        job.failed(error);
        return if broken { End::Broken } else { End::Told(false) };
    }
    let mut answer =
        Answer { id, bytes: 0, started: false, wait: Wait::FirstToken, deadline: Instant::now(), unwanted: None };
    answer.expect(Wait::FirstToken, waits.first_token);
    let mut patience = waits.reader;
    loop {
        let reply = tokio::select! {
            biased;
            () = stopped(stopping) => {
                job.failed(EngineError::Stopped);
                return End::Stopped;
            }
            () = job.outlet.cancelled(), if answer.unwanted.is_none() => {
                if let Err(error) = answer.give_up(process, Unwanted::Cancelled, waits) {
                    return answer.broken(job, error, waits);
                }
                continue;
            }
            reply = process.hear() => reply,
            () = sleep_until(answer.deadline) => {
                let seconds = answer.seconds(waits);
                return answer.broken(job, EngineError::TimedOut { wait: answer.wait, seconds }, waits);
            }
        };
        let event = match reply.and_then(|reply| answer.take(reply, waits)) {
            Ok(event) => event,
            Err(error) => return answer.broken(job, error, waits),
        };
        if event.is_last() {
            let whole = matches!(event, Event::Finished { .. });
            match answer.unwanted {
                Some(Unwanted::SlowReader) => job.failed(slow(waits)),
                Some(Unwanted::Cancelled) if !whole => job.cancelled(),
                _ => job.outlet.finish(event),
            }
            return End::Told(whole);
        }
        if answer.unwanted.is_some() {
            continue;
        }
        let unwanted = match hand_over(&job, event, &mut patience, stopping).await {
            Handed::Over => {
                // Waiting for the reader is not the worker's fault.
                answer.deadline = answer.deadline.max(Instant::now() + waits.next_token);
                continue;
            }
            // The next round does what is due.
            Handed::Stopped | Handed::Cancelled => continue,
            Handed::Slow => Unwanted::SlowReader,
        };
        if let Err(error) = answer.give_up(process, unwanted, waits) {
            return answer.broken(job, error, waits);
        }
    }
}

/// Where an answer stands.
struct Answer {
    id: u64,
    bytes: usize,
    started: bool,
    wait: Wait,
    deadline: Instant,
    unwanted: Option<Unwanted>,
}

impl Answer {
    /// What a reply is for the reader, if the worker may say that now.
    fn take(&mut self, reply: Reply, waits: &Waits) -> Result<Event, EngineError> {
        match reply {
            Reply::Started { id, prompt_tokens, reused_tokens, left_out } if id == self.id && !self.started => {
                self.started = true;
                if self.unwanted.is_none() {
                    let tokens = prompt_tokens.saturating_sub(reused_tokens).min(MAX_PROMPT);
                    self.expect(Wait::FirstToken, waits.first_token + waits.prompt_token * tokens);
                }
                Ok(Event::Started { prompt_tokens, reused_tokens, left_out })
            }
            Reply::Text { id, text } if id == self.id && self.started => {
                // A text may be empty, and still is one.
                self.bytes += text.len() + 1;
                if self.bytes > MAX_ANSWER {
                    return Err(EngineError::Protocol { reason: "the answer has no end".to_owned() });
                }
                if self.unwanted.is_none() {
                    self.expect(Wait::NextToken, waits.next_token);
                }
                Ok(Event::Text(text))
            }
            Reply::Finished { id, reason, usage } if id == self.id => Ok(Event::Finished { reason, usage }),
            Reply::Failed { id: Some(id), error } if id == self.id => Ok(Event::Failed(error)),
            Reply::Ready { .. }
            | Reply::Loading { .. }
            | Reply::Loaded { .. }
            | Reply::Started { .. }
            | Reply::Text { .. }
            | Reply::Finished { .. }
            | Reply::Failed { .. } => {
                Err(EngineError::Protocol { reason: "it said something that was not asked for".to_owned() })
            }
        }
    }

    /// Tells the worker that it may end; what it still says is not passed on.
    fn give_up(&mut self, process: &Process, unwanted: Unwanted, waits: &Waits) -> Result<(), EngineError> {
        self.unwanted = Some(unwanted);
        self.expect(Wait::Cancel, waits.cancel);
        process.tell(&Command::Cancel { id: self.id })
    }

    fn expect(&mut self, wait: Wait, within: Duration) {
        self.wait = wait;
        self.deadline = Instant::now() + within;
    }

    fn seconds(&self, waits: &Waits) -> u64 {
        match self.wait {
            Wait::Load => waits.load,
            Wait::FirstToken => waits.first_token,
            Wait::NextToken => waits.next_token,
            Wait::Cancel => waits.cancel,
        }
        .as_secs()
    }

    /// The worker is of no use any more.
    fn broken(&self, job: Job, error: EngineError, waits: &Waits) -> End {
        match (self.unwanted, error) {
            (Some(Unwanted::Cancelled), _) => job.cancelled(),
            (Some(Unwanted::SlowReader), _) => job.failed(slow(waits)),
            (None, error @ EngineError::WorkerDied { .. }) => return End::Died(Box::new(job), error),
            (None, error) => job.failed(error),
        }
        End::Broken
    }
}

fn slow(waits: &Waits) -> EngineError {
    EngineError::SlowReader { seconds: waits.reader.as_secs() }
}
