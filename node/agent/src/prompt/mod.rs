//! What a model is told: who it is, and what was said.

mod system;

use std::collections::BTreeSet;

use ratatosk_objects::ObjectHash;

use crate::conversation::{Conversation, Me, Said, WINDOW};
use crate::names::Names;

/// How much a prompt may be, in bytes. What a token is only the engine knows; it leaves out more if this was too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// All of it, the newest message excepted.
    pub all: usize,
    /// One message; of a longer one the middle is left out.
    pub message: usize,
}

impl Budget {
    /// For so many tokens, with as many letters each as people's languages have: mostly all of it fits.
    #[must_use]
    pub fn usual(tokens: u32) -> Self {
        let tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
        Self { all: tokens.saturating_mul(4), message: tokens.saturating_mul(2).max(MIN_MESSAGE) }
    }

    /// For so many tokens, if each of them is a single byte.
    #[must_use]
    pub fn tight(tokens: u32) -> Self {
        let tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
        Self { all: tokens / 2, message: (tokens / 4).max(MIN_MESSAGE) }
    }
}

const MIN_MESSAGE: usize = 64;
/// One message in that many may begin a prompt that cannot hold all of them.
const STRIDE: u8 = 8;

/// What a model is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Of its owner and of this program; of others nothing but their names.
    pub system: String,
    /// What was said, in turns: the first and the last are others'.
    pub turns: Vec<Turn>,
    /// How many of the messages of the conversation are not in it.
    pub left_out: usize,
}

/// What was said without anybody of the other side in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which side.
    pub voice: Voice,
    /// What they said.
    pub content: String,
    /// How many messages that is.
    pub messages: usize,
}

/// A side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Everybody but the AI itself.
    Others,
    /// The AI itself.
    Own,
}

/// The prompt for an answer to the messages `to`, with the newest of the conversation that fits. The same conversation, somewhat
/// longer, mostly begins alike, so that an engine need not read all of it again.
#[must_use]
pub fn prompt(conversation: &Conversation, me: &Me, personality: &str, to: &[ObjectHash], budget: &Budget) -> Prompt {
    let names = Names::of(&conversation.participants);
    let system = system::text(conversation, me, &names, personality, budget.all / 4);
    let messages = in_order(conversation, me, to);
    let shown: Vec<_> = messages.iter().map(|said| show(said, conversation, me, &names, budget.message)).collect();
    let mut room = budget.all.saturating_sub(system.len());
    // The newest is there whatever it costs.
    let mut first = shown.len().saturating_sub(1);
    room = room.saturating_sub(shown.get(first).map_or(0, String::len));
    while let Some(before) = first.checked_sub(1).filter(|before| shown[*before].len() < room) {
        room -= shown[before].len() + 1;
        first = before;
    }
    if first > 0 || conversation.messages.len() >= WINDOW {
        first = lasting(&messages, first);
    }
    let own = |said: &Said| said.author == me.person;
    // Templates want somebody else to begin.
    first += messages[first..].iter().take_while(|said| own(said)).count();
    let mut turns: Vec<Turn> = Vec::new();
    for (said, content) in messages.iter().zip(shown).skip(first) {
        let voice = if own(said) { Voice::Own } else { Voice::Others };
        match turns.last_mut() {
            Some(turn) if turn.voice == voice => {
                turn.content.push('\n');
                turn.content.push_str(&content);
                turn.messages += 1;
            }
            _ => turns.push(Turn { voice, content, messages: 1 }),
        }
    }
    let said = conversation.messages.iter().filter(|said| said.verified && conversation.says_something(said)).count();
    let told = turns.iter().map(|turn| turn.messages).sum();
    Prompt { system, turns, left_out: said.saturating_sub(told) }
}

/// What was said, in the order of the channel; what has come late and is still to be answered stands behind what was said to others.
fn in_order<'a>(conversation: &'a Conversation, me: &Me, to: &[ObjectHash]) -> Vec<&'a Said> {
    let to: BTreeSet<_> = to.iter().collect();
    let window: Vec<_> = conversation.window().into_iter().filter(|said| conversation.says_something(said)).collect();
    let answered = window.iter().rposition(|said| said.author == me.person).map_or(0, |at| at + 1);
    let (before, behind) = window.split_at(answered);
    let (late, before): (Vec<&Said>, Vec<_>) = before.iter().partition(|said| to.contains(&said.id));
    before.into_iter().chain(late).chain(behind.iter().copied()).collect()
}

/// A place to begin, not before `first`, that stays one when more is said: some messages are such places, by their ids.
fn lasting(messages: &[&Said], first: usize) -> usize {
    let half = first + (messages.len() - first) / 2;
    let is_place = |at: &usize| messages[*at].id.as_bytes()[0].is_multiple_of(STRIDE);
    (first..half).find(is_place).unwrap_or(first)
}

/// A message as a model is told it. In a group it begins with a name, and its further lines are indented.
fn show(said: &Said, conversation: &Conversation, me: &Me, names: &Names, limit: usize) -> String {
    let mut text = plain(&without_middle(said.text.trim(), limit));
    if said.files > 0 {
        let files = if said.files == 1 { "1 file".to_owned() } else { format!("{} files", said.files) };
        let separator = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{separator}({files}, not shown)"));
    }
    if conversation.one_to_one || said.author == me.person {
        return text;
    }
    format!("{}: {}", names.get(said.author), text.replace('\n', "\n  "))
}

/// Text in which `\n` is the only end of a line, and no other control character is left.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let ends_line = |letter| matches!(letter, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let one = |letter| if ends_line(letter) { '\n' } else { letter };
    text.chars().map(one).filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

/// A text that is too long, without its middle: what is asked for stands at one of the ends.
fn without_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(limit / 4 * 3);
    let tail = text.ceil_char_boundary(text.len() - limit / 4);
    format!("{} […] {}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests;
