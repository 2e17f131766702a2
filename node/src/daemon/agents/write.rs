//! One answer: asked for, shown while it is written, and what is said in the end.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_agent::{Budget, MAX_ANSWER, Prompt, Voice, answer as clean, notice, prompt, stops};
use ratatosk_chum::DraftState;
use ratatosk_engine::{Busy, Engine, EngineError, Event, Finish, Generation, Preset, Request, Role, Sampling, Turn};
use ratatosk_objects::ObjectHash;
use tokio::time::{Instant, sleep, timeout_at};

use super::desk::{Desk, Place, Step};
use super::draft::Drafting;
use super::excuse;
use super::look::Seen;
use crate::daemon::engines::NoEngine;
use crate::model::{self, Agent};

/// From the question to the end of the answer, with all the waiting.
const DEADLINE: Duration = Duration::from_secs(3600);
/// How often it is tried to get into a queue that is full, and how long is waited in between.
const TRIES: usize = 30;
const BETWEEN: Duration = Duration::from_secs(2);
/// How long an engine has to end what was stopped.
const ENDING: Duration = Duration::from_secs(10);
/// What stands at the end of an answer that goes no further.
const CUT: &str = " […]";

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// This is to be said.
    Said(String),
    /// Nothing is to be said: it was stopped before the first word.
    Nothing,
    /// There may be an answer later.
    Later(Duration),
}

/// Why there is no answer.
enum Failed {
    /// The prompt was too long; it can be made shorter.
    TooLong(EngineError),
    /// Nothing but this can be said.
    Excuse(&'static str),
    /// The engines are being stopped: whoever comes next answers.
    Stopped,
}

/// Writes an answer to messages of a topic.
pub(super) async fn answer(desk: &Arc<Desk>, place: &mut Place, seen: &Seen, to: &[ObjectHash]) -> Written {
    place.step(Step::Waiting);
    let deadline = Instant::now() + DEADLINE;
    let failed = match attempt(desk, place, seen, to, Budget::usual, deadline).await {
        // What is a token to this model is less than was thought.
        Err(Failed::TooLong(_)) => attempt(desk, place, seen, to, Budget::tight, deadline).await,
        other => other,
    };
    match failed {
        Ok(written) => written,
        Err(Failed::TooLong(error)) => Written::Said(notice(excuse::of(&error))),
        Err(Failed::Excuse(text)) => Written::Said(notice(text)),
        Err(Failed::Stopped) => Written::Later(BETWEEN),
    }
}

async fn attempt(
    desk: &Arc<Desk>,
    place: &mut Place,
    seen: &Seen,
    to: &[ObjectHash],
    budget: fn(u32) -> Budget,
    deadline: Instant,
) -> Result<Written, Failed> {
    let agent = desk.agent();
    let engine = engine(desk, &agent).await?;
    let context = engine.describe().context;
    // At least half of it is for what was said.
    let max_tokens = agent.settings.max_tokens.clamp(1, (context / 2).max(1));
    let budget = budget(context.saturating_sub(max_tokens));
    let prompt = prompt(&seen.conversation, &seen.me, &agent.settings.personality, to, &budget);
    let request = request(&agent, seen, &prompt, max_tokens);
    let mut draft = Drafting::new(desk, seen);
    let Some(generation) =
        queue_up(engine.as_ref(), request, place, &draft).await.map_err(|busy| excused(desk, busy))?
    else {
        draft.end(DraftState::Cancelled);
        return Ok(Written::Nothing);
    };
    let (text, end) = listen(desk, place, seen, generation, &prompt, &mut draft, deadline).await;
    match end {
        End::Finished(Finish::Stop) if text.is_empty() => {
            draft.end(DraftState::Failed);
            Err(Failed::Excuse(excuse::NOTHING))
        }
        End::Finished(Finish::Stop) => {
            desk.works();
            draft.end(DraftState::Done);
            Ok(Written::Said(text))
        }
        End::Finished(Finish::Length) => {
            desk.works();
            draft.end(DraftState::Done);
            Ok(Written::Said(text + CUT))
        }
        End::Finished(Finish::Cancelled) => {
            draft.end(DraftState::Cancelled);
            Ok(if text.is_empty() { Written::Nothing } else { Written::Said(text + CUT) })
        }
        End::TooLate if text.is_empty() => Err(Failed::Excuse(excuse::TOO_LONG)),
        End::TooLate => {
            draft.end(DraftState::Done);
            Ok(Written::Said(text + CUT))
        }
        End::Failed(error) => Err(excused(desk, error)),
    }
}

/// The engine for an AI.
async fn engine(desk: &Arc<Desk>, agent: &Agent) -> Result<Arc<dyn Engine>, Failed> {
    let (model, context) = (agent.settings.model.clone(), agent.settings.context);
    match desk.on_disk(move |desk| desk.engines.engine(&model, context)).await {
        Some(Ok(engine)) => Ok(engine),
        None | Some(Err(NoEngine::Stopped)) => Err(Failed::Stopped),
        Some(Err(error)) => {
            desk.trouble("the model", error.to_string());
            Err(Failed::Excuse(excuse::NO_MODEL))
        }
    }
}

fn request(agent: &Agent, seen: &Seen, prompt: &Prompt, max_tokens: u32) -> Request {
    let spoken = prompt.turns.iter().map(|turn| Turn {
        role: match turn.voice {
            Voice::Others => Role::User,
            Voice::Own => Role::Assistant,
        },
        content: turn.content.clone(),
    });
    let system = Turn { role: Role::System, content: prompt.system.clone() };
    let settings = &agent.settings;
    let mut sampling = Sampling::from(match settings.preset {
        model::Preset::Precise => Preset::Precise,
        model::Preset::Balanced => Preset::Balanced,
        model::Preset::Creative => Preset::Creative,
    });
    if let Some(temperature) = settings.temperature {
        sampling.temperature = narrowed(temperature);
    }
    Request {
        label: seen.label.clone(),
        conversation: format!("{}/{}", agent.slug, seen.topic.channel),
        priority: seen.priority.clamp(1, 10),
        turns: std::iter::once(system).chain(spoken).collect(),
        sampling,
        max_tokens,
        stop: stops(&seen.conversation),
    }
}

/// A temperature has no use for more digits.
#[allow(clippy::cast_possible_truncation, reason = "0 to 2: it loses digits that nobody notices")]
fn narrowed(temperature: f64) -> f32 {
    temperature as f32
}

/// Gets into the queue of an engine, waiting for room if it is full; `None` if somebody stops it meanwhile.
async fn queue_up(
    engine: &dyn Engine,
    request: Request,
    place: &mut Place,
    draft: &Drafting,
) -> Result<Option<Generation>, Busy> {
    let mut tries = 0;
    loop {
        match engine.generate(request.clone()) {
            Ok(generation) => return Ok(Some(generation)),
            Err(busy @ (Busy::Full { .. } | Busy::Label { .. })) if tries < TRIES => {
                draft.note(busy.to_string());
                tries += 1;
            }
            Err(busy) => return Err(busy),
        }
        tokio::select! {
            () = sleep(BETWEEN) => {}
            () = stopped(place) => return Ok(None),
        }
    }
}

/// How a generation ended.
enum End {
    Finished(Finish),
    Failed(EngineError),
    TooLate,
}

/// Follows a generation to its end. Gives what there is to be said.
async fn listen(
    desk: &Desk,
    place: &mut Place,
    seen: &Seen,
    mut generation: Generation,
    prompt: &Prompt,
    draft: &mut Drafting,
    mut deadline: Instant,
) -> (String, End) {
    let said = |text: &str| clean(text, &seen.conversation);
    let (mut text, mut is_stopped, mut is_full, mut has_waited) = (String::new(), false, false, false);
    let end = loop {
        let event = tokio::select! {
            event = timeout_at(deadline, generation.next()) => event,
            () = stopped(place), if !is_stopped => {
                is_stopped = true;
                generation.cancel();
                deadline = Instant::now() + ENDING;
                continue;
            }
        };
        match event {
            Err(_) if is_stopped => break End::Finished(Finish::Cancelled),
            Err(_) => break End::TooLate,
            Ok(None) => break End::Failed(EngineError::Stopped),
            // Who begins at once has nothing to say about it.
            Ok(Some(Event::Queued { position: 0 })) if !has_waited => {}
            Ok(Some(Event::Queued { position: 0 })) => draft.note("its turn is next".to_owned()),
            Ok(Some(Event::Queued { position })) => {
                has_waited = true;
                draft.note(format!("busy, {position} before you"));
            }
            Ok(Some(Event::Loading { percent })) => draft.note(format!("the model is being loaded: {percent} %")),
            Ok(Some(Event::Started { left_out, .. })) => {
                place.step(Step::Answering);
                let note = left_out_note(prompt, left_out, seen.goes_on);
                draft.note(note.unwrap_or_else(|| "reads what was said".to_owned()));
            }
            Ok(Some(Event::Text(more))) => {
                // What comes after a stop is nobody's wish any more, and the longest answer is long enough.
                let room = MAX_ANSWER - CUT.len() - text.len();
                if !is_stopped && !is_full {
                    text.push_str(&more[..more.floor_char_boundary(room)]);
                    is_full = more.len() > room;
                    if is_full {
                        generation.cancel();
                    }
                }
                if draft.is_due() {
                    draft.show(&said(&text));
                }
            }
            Ok(Some(Event::Restarted)) => {
                text.clear();
                draft.show("");
                draft.note("the model broke down; the answer begins anew".to_owned());
            }
            Ok(Some(Event::Finished { .. })) if is_full => break End::Finished(Finish::Length),
            Ok(Some(Event::Finished { .. })) if is_stopped => break End::Finished(Finish::Cancelled),
            Ok(Some(Event::Finished { reason, .. })) => break End::Finished(reason),
            Ok(Some(Event::Failed(error))) if is_stopped => {
                tracing::debug!(%error, "an answer that was stopped has failed");
                break End::Finished(Finish::Cancelled);
            }
            Ok(Some(Event::Failed(error))) => break End::Failed(error),
        }
    };
    let text = said(&text);
    if !matches!(end, End::Failed(_)) {
        draft.show(&text);
    }
    tracing::debug!(agent = desk.agent().slug, bytes = text.len(), "an answer has ended");
    (text, end)
}

/// How much of the conversation the model does not know, for whoever looks on.
fn left_out_note(prompt: &Prompt, turns: u32, goes_on: bool) -> Option<String> {
    let turns = usize::try_from(turns).unwrap_or(usize::MAX);
    let messages: usize = prompt.turns.iter().take(turns).map(|turn| turn.messages).sum();
    match prompt.left_out + messages {
        0 if goes_on => Some("older messages were left out".to_owned()),
        0 => None,
        1 if !goes_on => Some("1 older message was left out".to_owned()),
        count => Some(format!("{}{count} older messages were left out", if goes_on { "more than " } else { "" })),
    }
}

fn excused(desk: &Desk, error: impl Into<Refusal>) -> Failed {
    match error.into() {
        Refusal::Busy => Failed::Excuse(excuse::BUSY),
        Refusal::Error(EngineError::Stopped) => Failed::Stopped,
        Refusal::Error(error @ EngineError::PromptTooLong { .. }) => Failed::TooLong(error),
        Refusal::Error(error) => {
            desk.trouble("the model", format!("{error}. {} {}", error.meaning(), error.help()));
            Failed::Excuse(excuse::of(&error))
        }
    }
}

/// Why an engine gives no answer, at once or later.
enum Refusal {
    Busy,
    Error(EngineError),
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::Full { .. } | Busy::Label { .. } => Self::Busy,
            Busy::Refused(error) => Self::Error(error),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Error(error)
    }
}

/// Waits until somebody stops the answer. Safe to cancel.
async fn stopped(place: &mut Place) {
    if place.cancel.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}
