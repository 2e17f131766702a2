//! AIs as contacts: introduced by their owners, known to whom their owners know, and in topics with all of them.

use std::time::Duration;

use ratatosk_node::model::Change;
use ratatosk_node::service::{AnswerId, DraftState, DraftUpdate, Link, News, link};
use ratatosk_objects::PersonId;

use super::support::{Person, pair, relay, relay_at, url, within};

/// Somebody and an AI of theirs in one process.
struct House {
    owner: Person,
    agent: Person,
    slug: &'static str,
    link: Option<Link>,
}

impl House {
    async fn new(owner: Person, slug: &'static str) -> Self {
        let agent = owner.agent(slug).await;
        let link = Some(link(&owner.service, &agent.service));
        Self { owner, agent, slug, link }
    }

    /// As a daemon does whenever the owner's contacts change.
    fn mirror(&self) {
        self.owner.tell_agent(self.slug, &self.agent);
    }

    /// Waits until the owner knows somebody's AI, and tells their own of it.
    async fn learns_of(&mut self, agent: PersonId) {
        while self.owner.node.contact(agent).unwrap().is_none() {
            self.owner.find(|news| matches!(news, News::Changed(Change::Profile(_))).then_some(())).await;
        }
        self.mirror();
    }

    async fn restart_agent(self) -> Self {
        drop(self.agent.stop().await);
        Self::new(self.owner, self.slug).await
    }

    async fn restart(self) -> Self {
        drop(self.link);
        drop(self.agent.stop().await);
        Self::new(self.owner.restart().await, self.slug).await
    }
}

async fn met(one: &mut House, other: &mut House) {
    pair(&mut one.owner, &mut other.owner).await;
    one.mirror();
    other.mirror();
    one.learns_of(other.agent.id()).await;
    other.learns_of(one.agent.id()).await;
    one.agent.connected(other.owner.id()).await;
    other.agent.connected(one.owner.id()).await;
    one.agent.connected(other.agent.id()).await;
}

/// Says something at one, and waits until all four have heard it.
async fn round(houses: &mut [House; 2], speaker: usize, topic: &str, text: &str) {
    let people = houses.iter_mut().flat_map(|house| [&mut house.owner, &mut house.agent]);
    let (mut speaks, mut hear): (Vec<_>, Vec<_>) = people.enumerate().partition(|(number, _)| *number == speaker);
    // Whoever has just come may not have the topic yet.
    within(async {
        while speaks[0].1.node.topic(topic).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    speaks[0].1.say(topic, text);
    let author = speaks.remove(0).1.id();
    for (_, person) in &mut hear {
        assert_eq!(person.hears(text).await.author, author);
    }
}

async fn all_alike(houses: &[House; 2], topic: &str) {
    within(async {
        loop {
            let people = houses.iter().flat_map(|house| [&house.owner, &house.agent]);
            let heads: Vec<_> = people.map(|person| person.node.head(topic).ok()).collect();
            if heads.iter().all(|head| head.is_some() && *head == heads[0]) {
                break;
            }
            // Of a store that has caught up nobody is told; it is asked again.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let texts = houses[0].owner.texts(topic);
    for house in houses {
        assert_eq!((house.owner.texts(topic), house.agent.texts(topic)), (texts.clone(), texts.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_and_two_ais_share_a_topic_whoever_stops_in_between() {
    let server = relay().await;
    let address = server.local_addr();
    let (anna, bert) = (Person::new("anna", &url(&server)).await, Person::new("bert", &url(&server)).await);
    let mut houses = [House::new(anna, "ada").await, House::new(bert, "bob").await];
    let [one, other] = &mut houses;
    met(one, other).await;
    let others = [one.agent.id(), other.owner.id(), other.agent.id()];
    let topic = one.owner.node.create_group("four", &others).unwrap().id.to_string();
    one.owner.service.changed();
    for speaker in 0..4 {
        round(&mut houses, speaker, &topic, &format!("before {speaker}")).await;
    }
    all_alike(&houses, &topic).await;

    let [one, other] = houses;
    let mut houses = [one.restart_agent().await, other];
    round(&mut houses, 1, &topic, "the AI is back").await;
    let [one, other] = houses;
    let mut houses = [one.restart().await, other.restart().await];
    round(&mut houses, 3, &topic, "everybody is back").await;
    within(server.shutdown(Duration::ZERO)).await;
    // Whoever lives in one house needs no relay.
    let [one, _] = &mut houses;
    one.owner.say(&topic, "nobody else hears this yet");
    one.agent.hears("nobody else hears this yet").await;
    let _server = relay_at(address).await;
    for person in [&mut houses[1]].into_iter().flat_map(|house| [&mut house.owner, &mut house.agent]) {
        person.hears("nobody else hears this yet").await;
    }
    for speaker in 0..4 {
        round(&mut houses, speaker, &topic, &format!("after {speaker}")).await;
    }
    all_alike(&houses, &topic).await;
    assert_eq!(houses[0].owner.texts(&topic).len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ai_writes_is_seen_at_the_other_owner_before_it_is_said() {
    let server = relay().await;
    let (anna, bert) = (Person::new("anna", &url(&server)).await, Person::new("bert", &url(&server)).await);
    let mut houses = [House::new(anna, "ada").await, House::new(bert, "bob").await];
    let [one, other] = &mut houses;
    met(one, other).await;
    let ada = one.agent.id();
    let topic = other.owner.topic(ada);
    other.owner.say(&topic, "how are you?");
    one.agent.hears("how are you?").await;
    let answer = AnswerId::from_bytes([1; 16]);
    let mut written = String::new();
    for word in ["very ", "well ", "indeed"] {
        let offset = written.len() as u64;
        let update = DraftUpdate { answer, offset, text: word.to_owned(), state: DraftState::Writing };
        one.agent.service.draft(&topic, update);
        written.push_str(word);
        let mut seen = offset;
        while seen < written.len() as u64 {
            let piece = |news: &News| match news {
                News::Draft { person, draft } => Some((*person, draft.end())),
                _ => None,
            };
            let (person, end) = other.owner.find(piece).await;
            assert_eq!(person, ada);
            seen = end;
        }
    }
    one.agent.say(&topic, &written);
    assert_eq!(other.owner.hears(&written).await.author, ada);
    // Whose topic it is not, sees nothing of it.
    let is_draft = |person: &mut Person| person.told().iter().any(|news| matches!(news, News::Draft { .. }));
    assert!(!is_draft(&mut one.owner) && !is_draft(&mut other.agent));
}
