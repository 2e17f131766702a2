//! Two people on two nodes and an AI of each, in one conversation.

use ratatosk_engine::testing::Tiny;
use ratatosk_node::api::types::{Message, Mode, Topic};
use ratatosk_node::model::{Affirmed, Node, Protection};

use crate::house::{House, all_alike, met, signed};
use crate::support::relay;

const ADA: &str = "I am Ada, and I like squirrels.";
const BOB: &str = "Bob I am, and trees are fine.";
/// None of the AIs.
const NOBODY: [usize; 0] = [];

/// All four.
struct Four {
    houses: [House; 2],
    ais: [String; 2],
    topic: Topic,
    /// What each person says to their own AI alone.
    alone: [Topic; 2],
}

impl Four {
    async fn new(test: &str, relay: &ratatosk_relay::Server) -> Self {
        let (mut anna, mut bert) = tokio::join!(House::new(test, "anna", relay), House::new(test, "bert", relay));
        let ada = anna.agent("ada", &Tiny::saying(ADA)).await.person;
        let bob = bert.agent("bob", &Tiny::saying(BOB)).await.person;
        met(&mut anna, &mut bert).await;
        let other = anna.contact("bert").await.person;
        let topic = anna.topic(Some("four"), &[&ada, &other, &bob]).await;
        let alone = [anna.topic(None, &[&ada]).await, bert.topic(None, &[&bob]).await];
        let mut four = Self { houses: [anna, bert], ais: [ada, bob], topic, alone };
        four.settle().await;
        four
    }

    /// Waits until nobody has anything to say any more: each AI answers its owner elsewhere after everything that came before,
    /// and nothing was said here meanwhile.
    async fn settle(&mut self) {
        let mut before = None;
        loop {
            let heads = all_alike(&[&self.houses[0], &self.houses[1]], &self.topic).await;
            if before.replace(heads.clone()) == Some(heads) {
                return;
            }
            for ((house, alone), ai) in self.houses.iter_mut().zip(&self.alone).zip(&self.ais) {
                let asked = house.say(alone, "Is there anything else?").await;
                house.answer(&asked, ai).await;
            }
        }
    }

    /// What AIs say after these words of a person: 0 is Anna's AI, 1 is Bert's.
    async fn said(&mut self, speaker: usize, text: &str) -> Vec<usize> {
        let said = self.houses[speaker].say(&self.topic, text).await;
        self.settle().await;
        let all = self.messages().await;
        let from = all.iter().position(|message| message.id == said.id).unwrap();
        let after = signed(&all[from + 1..]);
        let who = |(author, text): &(&str, &str)| {
            let number = self.ais.iter().position(|ai| ai == author).unwrap();
            assert_eq!(*text, [ADA, BOB][number]);
            number
        };
        after.iter().map(who).collect()
    }

    /// The same at both.
    async fn messages(&self) -> Vec<Message> {
        let [anna, bert] = &self.houses;
        let (one, other) = (anna.messages(&self.topic).await, bert.messages(&self.topic).await);
        let ids = |all: &[Message]| all.iter().map(|message| message.id.clone()).collect::<Vec<_>>();
        assert_eq!((ids(&one), signed(&one)), (ids(&other), signed(&other)));
        one
    }
}

#[tokio::test]
async fn two_people_and_two_ais_speak_as_the_mode_says() {
    let relay = relay().await;
    let mut four = Four::new("group", &relay).await;

    // Those who are mentioned, by whomever.
    assert_eq!(four.said(0, "hello everybody").await, NOBODY);
    assert_eq!(four.said(0, "@ada, what do you like?").await, [0]);
    assert_eq!(four.said(0, "and @bob?").await, [1]);
    assert_eq!(four.said(1, "@Ada, say it again").await, [0]);
    assert_eq!(four.said(1, "ada@bob.example is an address, and bobada nobody").await, NOBODY);
    let mut both = four.said(1, "@bob @ada, and now both").await;
    both.sort_unstable();
    assert_eq!(both, [0, 1]);

    // In turns, whoever asks.
    assert_eq!(four.said(1, "/ai round-robin").await, NOBODY);
    let mut turns = Vec::new();
    for number in 0..4 {
        turns.extend(four.said(number % 2, "next, please").await);
    }
    assert!(turns == [0, 1, 0, 1] || turns == [1, 0, 1, 0], "{turns:?}");

    // With each other, for so long and no longer.
    assert_eq!(four.said(0, "/ai free hops 3").await, NOBODY);
    for speaker in 0..2 {
        let said = four.said(speaker, "what do you two think?").await;
        println!("free, 3 hops: {said:?}");
        assert!((2..=3).contains(&said.len()) && said.contains(&0) && said.contains(&1), "{said:?}");
    }
    for house in &four.houses {
        let rules = house.client.topic(&four.topic.id).await.unwrap().rules;
        assert_eq!((rules.mode, rules.hops), (Mode::Free, 3));
    }

    assert_eq!(four.said(1, "/ai off").await, NOBODY);
    assert_eq!(four.said(0, "@ada @bob, is anybody there?").await, NOBODY);
    assert_eq!(four.said(0, "/ai mention").await, NOBODY);
    assert_eq!(four.said(0, "@bob, are you back?").await, [1]);

    transcript(&four).await;
    the_stores_have_the_same(four).await;
}

/// Shows what was said.
async fn transcript(four: &Four) {
    let participants = four.houses[0].client.topic(&four.topic.id).await.unwrap().participants;
    for message in four.messages().await {
        let author = participants.iter().find(|one| one.person == message.author).unwrap();
        println!("{}: {}", author.name.as_deref().unwrap_or_default(), message.text);
    }
}

/// Looks into the four stores when nobody runs any more.
async fn the_stores_have_the_same(four: Four) {
    let told = four.messages().await.into_iter().map(|message| message.id).collect::<Vec<_>>();
    let mut heads = Vec::new();
    for (house, slug) in four.houses.into_iter().zip(["ada", "bob"]) {
        let folder = house.stop().await;
        let owner = Node::open(&folder.0, &Protection::KeyFile(None)).unwrap();
        let agent = owner.open_agent(slug).unwrap();
        for node in [&owner, &*agent] {
            let topics = node.topics().unwrap();
            let topic = topics.iter().find(|topic| topic.channel.to_string() == four.topic.id).unwrap().id.to_string();
            let messages = node.messages(&topic, None, 200).unwrap().messages;
            assert!(messages.iter().all(|message| message.affirmed == Affirmed::Verified));
            assert_eq!(messages.iter().map(|message| message.id.to_string()).collect::<Vec<_>>(), told);
            heads.push(node.head(&topic).unwrap());
        }
    }
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
}
