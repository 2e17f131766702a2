//! One person and one AI.

use ratatosk_chum::DraftState;
use ratatosk_engine::{EngineError, Role};

use super::*;
use crate::api::types::{self, AgentState};

#[tokio::test]
async fn an_answer_is_shown_while_it_is_written_and_then_signed() {
    let (mut owner, ai, mut asked, topic) = house().await;
    owner.post(&topic, "Hello.");
    let (request, outlet) = next(&mut asked).await;
    assert_eq!(request.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(), [Role::System, Role::User]);
    assert!(request.turns[0].content.starts_with("You are Max, an AI."), "{}", request.turns[0].content);
    assert_eq!(request.turns[1].content, "Hello.");
    assert_eq!((request.label.as_str(), request.max_tokens), ("max to Olga", 100));
    outlet.send(started()).await;
    outlet.send(Event::Text("Good ".to_owned())).await;
    let author = ai.person.id();
    let draft = |news: Option<&News>| match news {
        Some(News::Draft { person, draft }) if *person == author => Some(draft.clone()),
        _ => None,
    };
    let first = owner.until(|_, news| draft(news)).await;
    assert_eq!((first.offset, first.text.as_str(), first.state), (0, "Good", DraftState::Writing));
    assert_eq!(ai.runner().state(), AgentState::Answering);
    outlet.send(Event::Text("day!".to_owned())).await;
    outlet.send(finished(Finish::Stop)).await;
    let mut shown = first.text.clone();
    owner
        .until(|_, news| {
            let piece = draft(news)?;
            assert_eq!(piece.answer, first.answer);
            shown.truncate(usize::try_from(piece.offset).unwrap());
            shown.push_str(&piece.text);
            (piece.state == DraftState::Done).then_some(())
        })
        .await;
    assert_eq!(shown, "Good day!");
    owner.reads(&topic, &["Hello.", "Good day!"]).await;
    let question = owner.node.messages(&topic, None, 10).unwrap().messages[0].id;
    assert_eq!(ai.person.node.considered(&topic).unwrap(), [question]);
    // The next prompt begins as the last one, and the answer is the AI's own.
    owner.post(&topic, "And you?");
    let (again, outlet) = next(&mut asked).await;
    assert_eq!(again.turns[..2], request.turns);
    assert_eq!((again.turns[2].role, again.turns[2].content.as_str()), (Role::Assistant, "Good day!"));
    assert_eq!(again.conversation, request.conversation);
    say(&outlet, "Fine.").await;
    owner.reads(&topic, &["Hello.", "Good day!", "And you?", "Fine."]).await;
    assert_eq!(owner.node.agent("max").unwrap().usage_count, 2);
}

#[tokio::test]
async fn what_was_said_until_somebody_stopped_it_stays() {
    let (mut owner, ai, mut asked, topic) = house().await;
    assert_eq!(ai.runner().stop_answers(&topic), 0);
    owner.post(&topic, "Tell me a story.");
    let (_, outlet) = next(&mut asked).await;
    outlet.send(started()).await;
    outlet.send(Event::Text("Once upon".to_owned())).await;
    owner.until(|_, news| matches!(news, Some(News::Draft { .. })).then_some(())).await;
    assert_eq!(ai.runner().stop_answers(&topic), 1);
    within(outlet.cancelled()).await;
    outlet.send(finished(Finish::Cancelled)).await;
    owner.reads(&topic, &["Tell me a story.", "Once upon […]"]).await;
    // Before the first word there is nothing to say, and it is not asked again.
    owner.post(&topic, "Another one.");
    let (_, outlet) = next(&mut asked).await;
    assert_eq!(ai.runner().stop_answers(&topic), 1);
    within(outlet.cancelled()).await;
    outlet.send(finished(Finish::Cancelled)).await;
    owner.post(&topic, "Thanks.");
    let (request, outlet) = next(&mut asked).await;
    assert_eq!(request.turns.last().unwrap().content, "Another one.\nThanks.");
    say(&outlet, "Bye.").await;
    owner.reads(&topic, &["Tell me a story.", "Once upon […]", "Another one.", "Thanks.", "Bye."]).await;
}

#[tokio::test]
async fn a_worker_that_died_begins_anew() {
    let (mut owner, _ai, mut asked, topic) = house().await;
    owner.post(&topic, "Hello.");
    let (_, outlet) = next(&mut asked).await;
    for event in [started(), Event::Text("Bad".to_owned()), Event::Restarted, started()] {
        outlet.send(event).await;
    }
    outlet.send(Event::Text("Good.".to_owned())).await;
    outlet.send(finished(Finish::Length)).await;
    owner.reads(&topic, &["Hello.", "Good. […]"]).await;
}

#[tokio::test]
async fn a_failure_is_said_and_kept_out_of_what_follows() {
    let (mut owner, ai, mut asked, topic) = house().await;
    let mut events = ai.hub.listen();
    owner.post(&topic, "Hello.");
    let (_, outlet) = next(&mut asked).await;
    outlet.send(started()).await;
    outlet.send(Event::Text("Half".to_owned())).await;
    let path = "/models/secret.gguf".to_owned();
    outlet.send(Event::Failed(EngineError::FileMissing { path })).await;
    let said = owner.until(|own, _| own.texts(&topic).get(1).cloned()).await;
    assert!(ratatosk_agent::is_notice(&said) && !said.contains("secret"), "{said}");
    // The owner learns more than the others.
    let trouble = async {
        loop {
            if let types::Event::Trouble(trouble) = &*events.next().await.unwrap() {
                return trouble.clone();
            }
        }
    };
    let trouble = within(trouble).await;
    assert!(trouble.text.contains("secret.gguf") && trouble.agent.as_deref() == Some("max"), "{trouble:?}");
    assert_eq!(ai.runner().state(), AgentState::Failed);
    owner.post(&topic, "Again?");
    let (request, outlet) = next(&mut asked).await;
    assert_eq!(request.turns.len(), 2);
    assert_eq!(request.turns[1].content, "Hello.\nAgain?");
    say(&outlet, "Here.").await;
    owner.reads(&topic, &["Hello.", &said, "Again?", "Here."]).await;
    assert_eq!((ai.runner().problem(), ai.runner().state()), (None, AgentState::Idle));
}

#[tokio::test]
async fn without_a_model_it_says_so() {
    let (mut owner, ai, mut asked, topic) = house().await;
    ai.engine.is_there.store(false, Ordering::Relaxed);
    owner.post(&topic, "Hello.");
    let said = owner.until(|own, _| own.texts(&topic).get(1).cloned()).await;
    assert_eq!(said, ratatosk_agent::notice(super::super::excuse::NO_MODEL));
    assert!(ai.runner().problem().unwrap().contains("no model was chosen"));
    ai.engine.is_there.store(true, Ordering::Relaxed);
    owner.post(&topic, "Now?");
    say(&next(&mut asked).await.1, "Now.").await;
    owner.reads(&topic, &["Hello.", &said, "Now?", "Now."]).await;
}

#[tokio::test]
async fn an_ai_that_is_off_answers_when_it_is_on() {
    let (mut owner, ai, mut asked, topic) = house().await;
    let set = |active| {
        let agent = owner.node.agent("max").unwrap();
        let settings = AgentSettings { active, ..agent.settings };
        let edit = crate::model::AgentEdit { settings: Some(settings), ..Default::default() };
        ai.runner().changed(owner.node.edit_agent("max", &edit).unwrap());
    };
    set(false);
    owner.post(&topic, "Hello.");
    set(true);
    let (request, outlet) = next(&mut asked).await;
    assert_eq!(request.turns[1].content, "Hello.");
    say(&outlet, "Yes?").await;
    owner.reads(&topic, &["Hello.", "Yes?"]).await;
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_made_shorter_once() {
    let (mut owner, _ai, mut asked, topic) = house().await;
    owner.post(&topic, &"word ".repeat(2000));
    let (first, outlet) = next(&mut asked).await;
    let too_long = || Event::Failed(EngineError::PromptTooLong { tokens: 4000, context: 1948 });
    outlet.send(too_long()).await;
    let (second, outlet) = next(&mut asked).await;
    assert!(second.turns[1].content.len() * 3 < first.turns[1].content.len());
    assert!(second.turns.iter().map(|turn| turn.content.len()).sum::<usize>() < 1948);
    outlet.send(too_long()).await;
    let said = owner.until(|own, _| own.texts(&topic).get(1).cloned()).await;
    assert!(said.contains("too long"), "{said}");
}
