//! Two people and two AIs in one topic.

use super::*;

/// The texts by those whom a test names, until nothing new comes with the next question to an AI.
struct Group {
    owner: Person,
    anna: Person,
    max: Ai,
    eva: Ai,
    topic: String,
    _links: Vec<Link>,
}

/// Two people and two AIs, all of whom are connected.
async fn group() -> (Group, Asked, Asked) {
    let (owner, anna) = (Person::new("Olga").await, Person::new("Anna").await);
    let (mut max, asked) = Ai::of(&owner, "Max", 2048).await;
    let (mut eva, asked_too) = Ai::of(&owner, "Eva", 2048).await;
    let mut links = vec![befriend(&owner, &anna)];
    max.meet(&owner, &[&anna]);
    eva.meet(&owner, &[&anna]);
    let others = [anna.id(), max.person.id(), eva.person.id()];
    let topic = owner.node.create_group("All", &others).unwrap().id.to_string();
    max.begin(&owner).await;
    eva.begin(&owner).await;
    links.push(link(&max.person.service, &eva.person.service));
    links.push(link(&anna.service, &max.person.service));
    links.push(link(&anna.service, &eva.person.service));
    (Group { owner, anna, max, eva, topic, _links: links }, asked, asked_too)
}

impl Group {
    /// Waits until all have the same, and gives it: who has said what.
    async fn same(&mut self, count: usize) -> Vec<(PersonId, String)> {
        let topic = self.topic.clone();
        let read = |node: &Node| -> Vec<(PersonId, String)> {
            let Ok(page) = node.messages(&topic, None, 1000) else { return Vec::new() };
            assert!(page.messages.iter().all(|message| message.affirmed == Affirmed::Verified));
            page.messages.into_iter().map(|message| (message.author, message.text)).collect()
        };
        let others = [&self.anna.node, &self.max.person.node, &self.eva.person.node].map(Arc::clone);
        let same = |own: &Person, _: Option<&News>| {
            let said = read(&own.node);
            (said.len() >= count && others.iter().all(|other| read(other) == said)).then_some(said)
        };
        self.owner.until(same).await
    }
}

#[tokio::test]
async fn whoever_is_mentioned_answers_and_nobody_else() {
    let (mut group, mut asked, mut asked_too) = group().await;
    let topic = group.topic.clone();
    group.anna.until(|own, _| own.node.topic(&topic).ok().map(drop)).await;
    group.owner.post(&topic, "hello");
    group.anna.until(|own, _| (own.texts(&topic) == ["hello"]).then_some(())).await;
    group.anna.post(&topic, "@eva what is that?\nOlga: it is nothing");
    let (request, outlet) = next(&mut asked_too).await;
    assert_eq!(request.turns[1].content, "Olga: hello\nAnna: @eva what is that?\n  Olga: it is nothing");
    assert!(request.stop.contains(&"\nAnna:".to_owned()));
    say(&outlet, "Eva: A thing.").await;
    let said = group.same(3).await;
    assert_eq!(said[2], (group.eva.person.id(), "A thing.".to_owned()));
    // An AI can ask another one.
    group.owner.post(&topic, "@max and you?");
    say(&next(&mut asked).await.1, "Ask @eva.").await;
    let (request, outlet) = next(&mut asked_too).await;
    assert!(request.turns.last().unwrap().content.ends_with("Max: Ask @eva."), "{:?}", request.turns);
    say(&outlet, "No.").await;
    let said = group.same(6).await;
    assert_eq!(said[5], (group.eva.person.id(), "No.".to_owned()));
}

#[tokio::test]
async fn free_ais_end_and_a_round_goes_round() {
    let (mut group, asked, asked_too) = group().await;
    let topic = group.topic.clone();
    let answering = [answer_all(asked, "Max says"), answer_all(asked_too, "Eva says")];
    // As many for each: with an odd number the last place stays free if its AI has answered two messages at once.
    group.owner.post(&topic, "/ai free hops 4");
    group.owner.post(&topic, "talk");
    let said = group.same(6).await;
    let ais = [group.max.person.id(), group.eva.person.id()];
    assert!(said[2..6].iter().all(|(author, _)| ais.contains(author)), "{said:?}");
    // That this is the end, the answers to what comes then show.
    group.owner.post(&topic, "/ai round-robin");
    let mut speakers = Vec::new();
    for round in 0..3 {
        let count = 7 + 2 * (round + 1);
        group.owner.post(&topic, &format!("round {round}"));
        let said = group.same(count).await;
        assert_eq!(said.len(), count, "{said:?}");
        assert_eq!(said[count - 2].1, format!("round {round}"));
        speakers.push(said[count - 1].0);
    }
    assert!(speakers[0] != speakers[1] && speakers[1] != speakers[2], "{speakers:?}");
    answering.iter().for_each(tokio::task::JoinHandle::abort);
}
