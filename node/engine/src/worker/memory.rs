//! What the model remembers of a prompt, and for which conversations.
//!
//! llama.cpp keeps keys and values of every token that it has seen, so a prompt that begins like an earlier one need not be
//! computed from its beginning. There is one context, in which the conversation that runs has all the room. When another one
//! comes, what was computed is copied out, as large as the conversation is and no larger, and copied in again when its
//! conversation goes on. Conversations that were away for the longest time go first.

use std::collections::VecDeque;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::session::{LlamaStateSeqFlags, SeqState};
use llama_cpp_2::token::LlamaToken;

/// Bytes of all that is copied out.
const BYTES: usize = 256 << 20;
/// Conversations that are copied out.
const CONVERSATIONS: usize = 32;
/// Fewer tokens are computed anew sooner than copied.
const WORTH: usize = 16;
/// The one sequence of the context.
const SEQUENCE: i32 = 0;
/// All of a sequence.
const FLAGS: LlamaStateSeqFlags = LlamaStateSeqFlags::empty();

/// Knows which tokens the context has computed.
#[derive(Default)]
pub(super) struct Memory {
    conversation: String,
    /// In the context, from position 0 on.
    tokens: Vec<LlamaToken>,
    /// The one that was away for the longest time first.
    away: VecDeque<Away>,
}

/// A conversation that was copied out.
struct Away {
    conversation: String,
    tokens: Vec<LlamaToken>,
    state: SeqState,
}

impl Memory {
    /// Tokens in the context.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The context has computed these as well.
    pub(super) fn add(&mut self, tokens: &[LlamaToken]) {
        self.tokens.extend_from_slice(tokens);
    }

    /// Nobody knows what the context holds: it is emptied.
    pub(super) fn clear(&mut self, context: &mut LlamaContext<'_>) {
        context.clear_kv_cache();
        self.tokens.clear();
    }

    /// Makes the context hold as much as possible of the beginning of `prompt` and nothing else. The last token is left out,
    /// because computing it gives the first of the answer.
    pub(super) fn recall(&mut self, context: &mut LlamaContext<'_>, conversation: &str, prompt: &[LlamaToken]) {
        let (_, prompt) = prompt.split_last().unwrap_or((&LlamaToken(0), &[]));
        let here = common(&self.tokens, prompt);
        let away = self.away.iter().map(|away| common(&away.tokens, prompt)).enumerate();
        let best = away.max_by_key(|&(_, length)| length).filter(|&(_, length)| length > here);
        let best = best.and_then(|(at, _)| self.away.remove(at));
        if best.is_some() || self.conversation != conversation {
            self.put_away(context);
        }
        if let Some(best) = best {
            self.fetch(context, best, conversation);
        }
        conversation.clone_into(&mut self.conversation);
        self.cut(context, common(&self.tokens, prompt));
    }

    /// Copies the conversation that is in the context out of it.
    fn put_away(&mut self, context: &LlamaContext<'_>) {
        self.away.retain(|away| away.conversation != self.conversation);
        let size = context.state_seq_get_size_ext(SEQUENCE, FLAGS);
        if self.tokens.len() < WORTH || size > BYTES {
            return;
        }
        let held = |away: &VecDeque<Away>| away.iter().map(|away| away.state.byte_len()).sum::<usize>();
        while self.away.len() >= CONVERSATIONS || held(&self.away) + size > BYTES {
            self.away.pop_front();
        }
        // One that cannot be copied is computed anew when it is needed.
        if let Ok(state) = context.state_seq_get(SEQUENCE, FLAGS) {
            let (conversation, tokens) = (self.conversation.clone(), self.tokens.clone());
            self.away.push_back(Away { conversation, tokens, state });
        }
    }

    /// Copies a conversation into the context.
    fn fetch(&mut self, context: &mut LlamaContext<'_>, away: Away, conversation: &str) {
        self.clear(context);
        if context.state_seq_set(&away.state, SEQUENCE).is_err() {
            self.clear(context);
            return;
        }
        self.tokens.clone_from(&away.tokens);
        // It only begins alike: it stays away, too.
        if away.conversation != conversation {
            self.away.push_back(away);
        }
    }

    /// Forgets what comes after the first `keep` tokens. Models that carry on a state instead of looking back cannot forget a
    /// part: they forget everything.
    fn cut(&mut self, context: &mut LlamaContext<'_>, keep: usize) {
        if keep == self.tokens.len() {
            return;
        }
        let from = u32::try_from(keep).ok();
        let cut = keep > 0 && from.is_some() && context.clear_kv_cache_seq(Some(0), from, None).unwrap_or(false);
        if cut {
            self.tokens.truncate(keep);
        } else {
            self.clear(context);
        }
    }
}

/// Length of the common beginning.
fn common(left: &[LlamaToken], right: &[LlamaToken]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}
