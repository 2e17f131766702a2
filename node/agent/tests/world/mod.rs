//! AIs on nodes of their own: what one says arrives at the others some time, in any order, at its place in the channel.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ratatosk_agent::{Conversation, Decision, Rules, Said, decide};
use ratatosk_objects::ObjectHash;

use super::{AIS, PEOPLE, me, participants, person};

/// More answers than any of these conversations may have.
const ENDLESS: usize = 100_000;

/// Something happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A person says something to whom it mentions, at a node whose clock may be behind.
    Person { who: u8, mention: u8, behind: u8 },
    /// A message arrives at an AI.
    Hear { ai: u8, message: u16 },
    /// An AI decides.
    Think(u8),
    /// An AI says what it has decided to.
    Speak(u8),
}

pub(super) fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (0..PEOPLE, 0..=PEOPLE + AIS, prop_oneof![4 => Just(0), 1 => 0..20_u8])
            .prop_map(|(who, mention, behind)| Step::Person { who, mention, behind }),
        4 => (0..AIS, any::<u16>()).prop_map(|(ai, message)| Step::Hear { ai, message }),
        3 => (0..AIS).prop_map(Step::Think),
        3 => (0..AIS).prop_map(Step::Speak),
    ];
    prop::collection::vec(step, 0..count)
}

pub(super) struct World {
    rules: Rules,
    /// All that was said, in the order of the channel.
    channel: Vec<Said>,
    /// What each AI has of it.
    heard: Vec<BTreeSet<ObjectHash>>,
    /// What each is about to answer.
    thinking: Vec<Option<Vec<ObjectHash>>>,
    /// What each has answered.
    pub(super) answered: Vec<Vec<ObjectHash>>,
    clock: u64,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        let ais = usize::from(AIS);
        Self {
            rules,
            channel: Vec::new(),
            heard: vec![BTreeSet::new(); ais],
            thinking: vec![None; ais],
            answered: vec![Vec::new(); ais],
            clock: 1000,
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Person { who, mention, behind } => {
                self.say(who, mention, u64::from(behind) * 10);
            }
            Step::Hear { ai, message } => {
                if let Some(said) = self.channel.get(usize::from(message) % self.channel.len().max(1)) {
                    self.heard[usize::from(ai)].insert(said.id);
                }
            }
            Step::Think(ai) => self.think(ai),
            Step::Speak(ai) => {
                if let Some(to) = self.thinking[usize::from(ai)].take() {
                    self.answered[usize::from(ai)].extend(to);
                    // AIs love to mention each other.
                    let id = self.say(PEOPLE + ai, PEOPLE + (ai + 1) % AIS, 0);
                    self.heard[usize::from(ai)].insert(id);
                }
            }
        }
    }

    fn think(&mut self, ai: u8) {
        let index = usize::from(ai);
        if self.thinking[index].is_some() {
            return;
        }
        let messages = self.channel.iter().filter(|said| self.heard[index].contains(&said.id)).cloned().collect();
        let conversation =
            Conversation { one_to_one: false, participants: participants(), rules: self.rules, messages };
        let considered = self.answered[index].iter().copied().collect();
        if let Decision::Answer(to) = decide(&conversation, &me(PEOPLE + ai), &considered, self.clock) {
            self.thinking[index] = Some(to);
        }
    }

    fn say(&mut self, author: u8, mention: u8, behind: u64) -> ObjectHash {
        self.clock += 10;
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.clock.to_le_bytes());
        let said = Said {
            id: ObjectHash::from_bytes(id),
            author: person(author),
            text: format!("something @n{mention}"),
            files: 0,
            at: self.clock - behind,
            verified: true,
        };
        let at = self.channel.partition_point(|other| other.at <= said.at);
        self.channel.insert(at, said);
        ObjectHash::from_bytes(id)
    }

    /// What people have said has arrived everywhere.
    pub(super) fn hear_people(&mut self) {
        let by_people = self.channel.iter().filter(|said| (0..PEOPLE).any(|n| said.author == person(n)));
        let ids: Vec<_> = by_people.map(|said| said.id).collect();
        self.heard.iter_mut().for_each(|heard| heard.extend(&ids));
    }

    /// Everything arrives, until nobody has anything to say any more.
    pub(super) fn settle(&mut self) {
        loop {
            let before = self.channel.len();
            assert!(before < ENDLESS, "they talk forever");
            for ai in 0..AIS {
                self.heard[usize::from(ai)].extend(self.channel.iter().map(|said| said.id));
                self.step(Step::Think(ai));
                self.step(Step::Speak(ai));
            }
            if self.channel.len() == before {
                return;
            }
        }
    }

    pub(super) fn own(&self, ai: usize) -> BTreeSet<&ObjectHash> {
        let author = person(PEOPLE + u8::try_from(ai).unwrap());
        self.channel.iter().filter(|said| said.author == author).map(|said| &said.id).collect()
    }

    fn is_person(said: &Said) -> bool {
        (0..PEOPLE).any(|n| said.author == person(n))
    }

    pub(super) fn said_by_people(&self) -> usize {
        self.channel.iter().filter(|said| Self::is_person(said)).count()
    }

    pub(super) fn said_by_ais(&self) -> usize {
        self.channel.len() - self.said_by_people()
    }

    /// The most messages of AIs without a person in between.
    pub(super) fn longest_row(&self) -> usize {
        self.channel.split(Self::is_person).map(<[Said]>::len).max().unwrap_or_default()
    }
}
