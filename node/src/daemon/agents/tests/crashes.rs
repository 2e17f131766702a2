//! AIs that are ended in the middle of an answer.

use super::*;

/// When it is ended.
const STEPS: usize = 7;

/// Has an AI ended at a step of its answer, and asks it again. Gives what stands in the topic.
async fn ended_at(step: usize) -> Vec<String> {
    let (mut owner, mut ai, mut asked, topic) = house().await;
    owner.post(&topic, "one");
    if step > 0 {
        let (_, outlet) = next(&mut asked).await;
        let events =
            [started(), Event::Text("half".to_owned()), Event::Text(" more".to_owned()), finished(Finish::Stop)];
        for event in events.into_iter().take(step - 1) {
            assert!(outlet.send(event).await);
        }
        if step == STEPS - 1 {
            owner.until(|own, _| (own.texts(&topic).len() == 2).then_some(())).await;
        }
    }
    ai.crash().await;
    ai.begin(&owner).await;
    // Everything from now on has the same answer.
    let answering = answer_all(asked, "whole");
    owner.until(|own, _| (own.texts(&topic).len() == 2).then_some(())).await;
    owner.post(&topic, "two");
    owner.until(|own, _| (own.texts(&topic).len() >= 4).then_some(())).await;
    let texts = owner.texts(&topic);
    // What comes after the second answer would be one too many; a third question shows whether it does.
    owner.post(&topic, "three");
    owner.until(|own, _| (own.texts(&topic).len() >= 6).then_some(())).await;
    assert_eq!(owner.texts(&topic).len(), 6, "{:?}", owner.texts(&topic));
    answering.abort();
    texts
}

#[tokio::test]
async fn wherever_it_is_ended_there_is_one_answer() {
    for step in 0..STEPS {
        let texts = within(ended_at(step)).await;
        assert_eq!((texts[0].as_str(), texts[2].as_str()), ("one", "two"), "at step {step}: {texts:?}");
        let fine = texts[1].starts_with("whole") || step >= STEPS - 2 && texts[1] == "half more";
        assert!(fine && texts[3].starts_with("whole") && texts.len() == 4, "at step {step}: {texts:?}");
    }
}

#[tokio::test]
async fn who_asks_and_leaves_finds_the_answer() {
    let owner = Person::new("Olga").await;
    let mut anna = Person::new("Anna").await;
    let (mut ai, mut asked) = Ai::of(&owner, "Max", 2048).await;
    let _acquainted = befriend(&owner, &anna);
    ai.meet(&owner, &[&anna]);
    let topic = anna.node.topic_with(ai.person.id()).unwrap().id.to_string();
    ai.begin(&owner).await;
    let connected = link(&anna.service, &ai.person.service);
    anna.post(&topic, "Are you there?");
    let (_, outlet) = next(&mut asked).await;
    drop(connected);
    say(&outlet, "I am.").await;
    let _again = link(&anna.service, &ai.person.service);
    anna.reads(&topic, &["Are you there?", "I am."]).await;
    // Their owner reads nothing of it.
    assert!(owner.texts(&topic).is_empty());
}
