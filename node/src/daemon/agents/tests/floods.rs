//! More than anybody should say.

use super::*;

/// Somebody whom the owner knows, in a topic with the AI.
async fn stranger(owner: &Person, ai: &Ai) -> (Person, String, Link) {
    let anna = Person::new("Anna").await;
    let acquainted = befriend(owner, &anna);
    ai.meet(owner, &[&anna]);
    let topic = anna.node.topic_with(ai.person.id()).unwrap().id.to_string();
    (anna, topic, acquainted)
}

#[tokio::test]
async fn a_thousand_messages_get_few_answers() {
    const MESSAGES: usize = 1000;
    let owner = Person::new("Olga").await;
    let (mut ai, mut asked) = Ai::of(&owner, "Max", 2048).await;
    let (mut anna, topic, _acquainted) = stranger(&owner, &ai).await;
    for number in 0..MESSAGES {
        anna.node.post(&topic, &format!("{number}: {}", "x".repeat(1000)), Vec::new()).unwrap();
    }
    ai.begin(&owner).await;
    let _link = link(&anna.service, &ai.person.service);
    let (mut answers, mut is_last) = (0, false);
    while !is_last {
        let (request, outlet) = next(&mut asked).await;
        answers += 1;
        let bytes: usize = request.turns.iter().map(|turn| turn.content.len()).sum();
        assert!(bytes < 16_384 && request.turns.len() < 100, "{bytes} bytes in {} turns", request.turns.len());
        is_last = request.turns.iter().any(|turn| turn.content.contains(&format!("{}: x", MESSAGES - 1)));
        say(&outlet, "Stop.").await;
    }
    assert!(answers <= 20, "{answers}");
    let newest = |own: &Person| own.node.messages(&topic, None, 1).unwrap().messages.remove(0).text;
    anna.until(|own, _| (newest(own) == "Stop.").then_some(())).await;
    // It still answers others.
    let mut owner = owner;
    let own = owner.node.topic_with(ai.person.id()).unwrap().id.to_string();
    owner.post(&own, "Still there?");
    say(&next(&mut asked).await.1, "Yes.").await;
    owner.reads(&own, &["Still there?", "Yes."]).await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_once() {
    let mut owner = Person::new("Olga").await;
    let (mut ai, asked) = Ai::of(&owner, "Max", 2048).await;
    ai.config.answers_per_minute = 2;
    let (mut anna, topic, _acquainted) = stranger(&owner, &ai).await;
    ai.begin(&owner).await;
    let _link = link(&anna.service, &ai.person.service);
    let answering = answer_all(asked, "Answer");
    for (question, count) in [("one", 2), ("two", 4), ("three", 6)] {
        anna.post(&topic, question);
        anna.until(|own, _| (own.texts(&topic).len() >= count).then_some(())).await;
    }
    let texts = anna.texts(&topic);
    assert_eq!(texts[..5], ["one", "Answer 1", "two", "Answer 2", "three"]);
    assert!(ratatosk_agent::is_notice(&texts[5]) && texts[5].contains("I go on in"), "{}", texts[5]);
    // The owner waits for nobody, and the other one is told no more.
    anna.post(&topic, "four");
    let own = owner.node.topic_with(ai.person.id()).unwrap().id.to_string();
    for count in 1..=3 {
        owner.post(&own, "me");
        owner.until(|owner, _| (owner.texts(&own).len() == 2 * count).then_some(())).await;
    }
    assert_eq!(anna.texts(&topic).len(), 7);
    answering.abort();
}

/// Whoever runs many AIs does not get as many answers more.
#[tokio::test]
async fn ais_of_others_are_answered_on_the_account_of_who_runs_them() {
    let owner = Person::new("Olga").await;
    let (mut ai, asked) = Ai::of(&owner, "Max", 2048).await;
    ai.config.answers_per_minute = 1;
    let mut anna = Person::new("Anna").await;
    let _acquainted = befriend(&owner, &anna);
    let (mut bot, _asked_too) = Ai::of(&anna, "Bot", 2048).await;
    owner.node.add_contact(&bot.person.node.me().identity).unwrap();
    ai.meet(&owner, &[&anna, &bot.person]);
    let topic = anna.node.create_group("Three", &[ai.person.id(), bot.person.id()]).unwrap().id.to_string();
    ai.begin(&owner).await;
    let _links = [link(&anna.service, &ai.person.service), link(&bot.person.service, &ai.person.service)];
    let answering = answer_all(asked, "Answer");
    anna.post(&topic, "@max one");
    bot.person.until(|own, _| (own.texts(&topic).len() >= 2).then_some(())).await;
    bot.person.post(&topic, "@max two");
    anna.until(|own, _| (own.texts(&topic).len() >= 4).then_some(())).await;
    let texts = anna.texts(&topic);
    assert_eq!(texts[..3], ["@max one", "Answer 1", "@max two"]);
    assert!(ratatosk_agent::is_notice(&texts[3]) && texts[3].contains("I go on in"), "{}", texts[3]);
    answering.abort();
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_answered() {
    let (mut owner, _ai, mut asked, topic) = house().await;
    let text = format!("begin {} end?", "word ".repeat((10 << 20) / 5 - 10));
    owner.post(&topic, &text);
    let (request, outlet) = next(&mut asked).await;
    let content = &request.turns[1].content;
    assert!(content.starts_with("begin") && content.ends_with("end?") && content.len() < 8192, "{}", content.len());
    say(&outlet, "That was long.").await;
    owner.reads(&topic, &[&text, "That was long."]).await;
}
