//! One topic: looked at, decided, answered, until there is nothing to say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_agent::{Decision, decide, is_notice, notice};
use ratatosk_objects::{ObjectHash, PersonId};
use tokio::time::Instant;

use super::desk::{Desk, Place, Step, lock};
use super::excuse;
use super::look::{Seen, look};
use super::rates::Wait;
use super::write::{self, Written};
use crate::daemon::core::now;
use crate::model::ModelError;

/// What went wrong at the disk is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// How it ended.
pub(super) struct Attended {
    pub(super) topic: String,
    /// When it is to be looked at again, though nothing may have come.
    pub(super) again: Option<Duration>,
}

/// Attends to a topic until there is nothing to say in it.
pub(super) async fn attend(desk: Arc<Desk>, mut place: Place) -> Attended {
    let topic = place.topic().to_owned();
    let again = loop {
        place.step(Step::Looking);
        match round(&desk, &mut place).await {
            Round::Answered => {}
            Round::Silent => break None,
            Round::Again(time) => break Some(time),
        }
    };
    // Nobody waits for this one any more.
    place.step(Step::Looking);
    Attended { topic, again }
}

/// What came of one look.
enum Round {
    /// Something was said: there may be more to answer.
    Answered,
    Silent,
    Again(Duration),
}

async fn round(desk: &Arc<Desk>, place: &mut Place) -> Round {
    let topic = place.topic().to_owned();
    let seen = match desk.on_disk(move |desk| look(desk, &topic)).await {
        Some(Ok(seen)) => seen,
        // It was a topic of somebody's that never came.
        Some(Err(ModelError::UnknownTopic)) => return Round::Silent,
        Some(Err(error)) => return failed(desk, &error),
        None => return Round::Again(AGAIN),
    };
    if !desk.agent().settings.active {
        return Round::Silent;
    }
    let Decision::Answer(to) = decide(&seen.conversation, &seen.me, &seen.considered, now()) else {
        return Round::Silent;
    };
    let (to, waits) = may_have(desk, &seen, to);
    if to.is_empty() {
        return refuse(desk, &seen, &waits).await;
    }
    match write::answer(desk, place, &seen, &to).await {
        Written::Said(text) => post(desk, &seen, text, to).await,
        Written::Nothing => consider(desk, &seen, to).await,
        Written::Later(time) => Round::Again(time),
    }
}

/// Those messages of people who may be answered now, and who has to wait. The owner waits for nobody.
fn may_have(desk: &Desk, seen: &Seen, to: Vec<ObjectHash>) -> (Vec<ObjectHash>, Vec<(ObjectHash, Wait)>) {
    let (mut rates, owner, now) = (lock(&desk.rates), desk.owner.person(), Instant::now());
    let author = |id: &ObjectHash| {
        let author = seen.conversation.messages.iter().find(|said| said.id == *id)?.author;
        Some(seen.accounts.get(&author).copied().unwrap_or(author))
    };
    let (mut fine, mut waiting) = (BTreeSet::from([owner]), Vec::<(PersonId, Wait)>::new());
    let (mut answered, mut waits) = (Vec::new(), Vec::new());
    for id in to {
        let Some(author) = author(&id) else { continue };
        let known = waiting.iter().find(|(person, _)| *person == author).map(|(_, wait)| *wait);
        match known {
            Some(wait) => waits.push((id, wait)),
            None if fine.contains(&author) => answered.push(id),
            None => match rates.take(author, now) {
                Ok(()) => {
                    fine.insert(author);
                    answered.push(id);
                }
                Err(wait) => {
                    waiting.push((author, wait));
                    waits.push((id, wait));
                }
            },
        }
    }
    (answered, waits)
}

/// Says once that there is no answer yet. What was asked stays to be answered.
async fn refuse(desk: &Arc<Desk>, seen: &Seen, waits: &[(ObjectHash, Wait)]) -> Round {
    let time = waits.iter().map(|(_, wait)| wait.time).min().unwrap_or(AGAIN);
    if waits.iter().any(|(_, wait)| wait.tell) {
        let text = notice(&excuse::too_often(time.as_secs()));
        if let Round::Again(time) = post(desk, seen, text, Vec::new()).await {
            return Round::Again(time);
        }
    }
    Round::Again(time.max(Duration::from_secs(1)))
}

fn failed(desk: &Desk, error: &ModelError) -> Round {
    desk.trouble("the AI's node", error.to_string());
    Round::Again(AGAIN)
}

/// Posts an answer, with the note what it answers.
async fn post(desk: &Arc<Desk>, seen: &Seen, text: String, to: Vec<ObjectHash>) -> Round {
    let topic = seen.topic.id.to_string();
    let is_answer = !is_notice(&text);
    let posting = move |desk: &Desk| {
        desk.node.post_answer(&topic, &text, &to)?;
        // How often it was used is worth no failure.
        if is_answer && let Err(error) = desk.owner.agent_used(&desk.agent().slug) {
            tracing::warn!(%error, "an answer was not counted");
        }
        Ok(())
    };
    let round = on_disk(desk, posting).await;
    desk.service.changed();
    round
}

/// Notes that there will be no answer.
async fn consider(desk: &Arc<Desk>, seen: &Seen, to: Vec<ObjectHash>) -> Round {
    let topic = seen.topic.id.to_string();
    on_disk(desk, move |desk| desk.node.consider(&topic, &to)).await
}

async fn on_disk(desk: &Arc<Desk>, work: impl FnOnce(&Desk) -> Result<(), ModelError> + Send + 'static) -> Round {
    match desk.on_disk(work).await {
        Some(Ok(())) => Round::Answered,
        Some(Err(ModelError::UnknownTopic)) => Round::Silent,
        Some(Err(error)) => failed(desk, &error),
        None => Round::Again(AGAIN),
    }
}
