//! Whether an AI has something to answer now.

use std::collections::BTreeSet;

use ratatosk_objects::{ObjectHash, PersonId};

use crate::answer::is_notice;
use crate::conversation::{Conversation, Me, Said, WINDOW};
use crate::mention::mentioned;
use crate::rules::{Mode, Rules};

/// What is older is not answered any more, in milliseconds: who asked has gone on.
pub const MAX_AGE: u64 = 24 * 60 * 60 * 1000;

/// What an AI does about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Silent(Why),
    /// It answers these messages, oldest first, with one message. All of them count as considered then.
    Answer(Vec<ObjectHash>),
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It takes no part as an AI.
    NotHere,
    /// The people of the topic want no AI to speak.
    Off,
    /// There is nothing that it has not considered.
    NothingNew,
    /// What there is, is not for it.
    NotAddressed,
    /// As many messages of AIs stand in a row as may.
    Hops,
}

/// What an AI does about a topic now (milliseconds since 1970), having considered some of its messages before.
#[must_use]
pub fn decide(conversation: &Conversation, me: &Me, considered: &BTreeSet<ObjectHash>, now: u64) -> Decision {
    if !conversation.is_ai(me.person) {
        return Decision::Silent(Why::NotHere);
    }
    if !conversation.one_to_one && conversation.rules.mode == Mode::Off {
        return Decision::Silent(Why::Off);
    }
    let topic = Topic::new(conversation, me);
    let (mut to, mut why) = (Vec::new(), Why::NothingNew);
    for (at, said) in topic.window.iter().enumerate().skip(topic.since) {
        let is_new = said.author != me.person
            && !considered.contains(&said.id)
            && now.saturating_sub(said.at) <= MAX_AGE
            && conversation.says_something(said);
        if !is_new {
            continue;
        }
        match topic.is_addressed(at, said) {
            Ok(()) => to.push(said.id),
            // A reason that says more takes the place of one that says less.
            Err(Why::Hops) => why = Why::Hops,
            Err(_) if why == Why::NothingNew => why = Why::NotAddressed,
            Err(_) => {}
        }
    }
    if to.is_empty() { Decision::Silent(why) } else { Decision::Answer(to) }
}

impl Conversation {
    /// Whether a message is a contribution to the conversation: not one about rules or failures, and not empty.
    pub(crate) fn says_something(&self, said: &Said) -> bool {
        let is_empty = said.files == 0 && said.text.trim().is_empty();
        !is_empty && if self.is_ai(said.author) { !is_notice(&said.text) } else { !self.sets_rules(said) }
    }

    /// Whether a message sets the rules. Two people need none: there a text is a text.
    pub(crate) fn sets_rules(&self, said: &Said) -> bool {
        !self.one_to_one && !self.is_ai(said.author) && Rules::parse(&said.text).is_some()
    }
}

/// What the decision about every single message needs.
struct Topic<'a> {
    conversation: &'a Conversation,
    me: PersonId,
    window: Vec<&'a Said>,
    /// Whether something may stand before it.
    is_cut: bool,
    ais: Vec<PersonId>,
    /// Where the newest rules end: what stands before was said under other ones.
    since: usize,
    /// Where a person spoke last.
    last_person: Option<usize>,
    /// How many messages of AIs stand behind that, and how many of them are ours.
    run: usize,
    own_run: usize,
}

impl<'a> Topic<'a> {
    fn new(conversation: &'a Conversation, me: &Me) -> Self {
        let window = conversation.window();
        let since = window.iter().rposition(|said| conversation.sets_rules(said)).map_or(0, |at| at + 1);
        let last_person = window.iter().rposition(|said| !conversation.is_ai(said.author));
        let run = &window[last_person.map_or(0, |at| at + 1)..];
        let own_run = run.iter().filter(|said| said.author == me.person).count();
        let run = run.len();
        let is_cut = conversation.messages.len() >= WINDOW;
        Self { conversation, me: me.person, ais: conversation.ais(), since, last_person, run, own_run, window, is_cut }
    }

    /// Whether the message at a place is for us.
    fn is_addressed(&self, at: usize, said: &Said) -> Result<(), Why> {
        let by_ai = self.conversation.is_ai(said.author);
        let fine = if by_ai { self.is_addressed_by_ai(at, said)? } else { self.is_addressed_by_person(at, said) };
        if fine { Ok(()) } else { Err(Why::NotAddressed) }
    }

    fn is_addressed_by_person(&self, at: usize, said: &Said) -> bool {
        if self.conversation.one_to_one {
            return true;
        }
        match self.conversation.rules.mode {
            Mode::Off => false,
            Mode::Mention => self.mentions_me(said),
            Mode::RoundRobin => self.in_turn(at, said) == Some(self.me),
            Mode::Free => self.share() > 0,
        }
    }

    /// AIs are answered in what follows the last words of a person, and nowhere else: where there is no person, nobody listens.
    fn is_addressed_by_ai(&self, at: usize, said: &Said) -> Result<bool, Why> {
        if self.conversation.one_to_one || self.last_person.is_none_or(|last| at < last) {
            return Ok(false);
        }
        let (is_meant, share) = match self.conversation.rules.mode {
            Mode::Off | Mode::RoundRobin => (false, 0),
            Mode::Mention => (self.mentions_me(said), usize::MAX),
            Mode::Free => (true, self.share()),
        };
        if is_meant && (self.run >= usize::from(self.conversation.rules.hops) || self.own_run >= share) {
            return Err(Why::Hops);
        }
        Ok(is_meant)
    }

    fn mentions_me(&self, said: &Said) -> bool {
        mentioned(&said.text, &self.conversation.participants).contains(&self.me)
    }

    /// Who answers a person's message: the one AI that it mentions; else, of those that it mentions or of all, whose turn it is.
    fn in_turn(&self, at: usize, said: &Said) -> Option<PersonId> {
        let mentioned = mentioned(&said.text, &self.conversation.participants);
        let meant: Vec<_> = self.ais.iter().filter(|ai| mentioned.contains(ai)).copied().collect();
        if let [one] = meant[..] {
            return Some(one);
        }
        let first = self.first_after(at)?;
        let mut turns = self.ais.iter().cycle().skip(first).take(self.ais.len());
        turns.find(|ai| meant.is_empty() || meant.contains(ai)).copied()
    }

    /// The place of the AI that comes after the one that spoke last before a message. `None` if that was longer ago than anybody
    /// looks back, and AIs have gone on since: somebody has answered long ago, and to answer again is nobody's turn.
    fn first_after(&self, at: usize) -> Option<usize> {
        let place = |said: &&Said| self.ais.binary_search(&said.author).ok();
        match self.window[..at].iter().rev().find_map(place) {
            Some(last) => Some(last + 1),
            None if self.is_cut && self.window[at..].iter().any(|said| place(said).is_some()) => None,
            None => Some(0),
        }
    }

    /// How many of the places behind the last message of a person are ours. All shares together are as many as may be. Who gets more
    /// depends on that message alone, because everybody who answers it has it, whatever they know of the other AIs.
    fn share(&self) -> usize {
        let (count, Some(last)) = (self.ais.len(), self.last_person) else { return 0 };
        let Ok(place) = self.ais.binary_search(&self.me) else { return 0 };
        let first = usize::from(self.window[last].id.as_bytes()[0]) % count;
        let rank = (place + count - first) % count;
        (usize::from(self.conversation.rules.hops) + count - 1 - rank) / count
    }
}

#[cfg(test)]
mod tests;
