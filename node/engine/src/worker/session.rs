//! One answer after the other from a model in memory.

use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use super::confine::confined;
use super::log;
use super::memory::Memory;
use super::model::{BATCH, Model};
use super::sample::Sampler;
use super::text::{Characters, Stops};
use super::tokens::Tokens;
use crate::ipc::Generate;
use crate::{EngineError, Finish, Usage, prompt};

/// What happens on the way to an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The prompt is known and being computed.
    Started { prompt_tokens: u32, reused_tokens: u32, left_out: u32 },
    /// The answer goes on.
    Text(String),
}

/// Who waits for an answer.
pub(super) trait Listener {
    /// Something happened. False: nobody listens any more.
    fn step(&mut self, step: Step) -> bool;
    /// Whether the answer shall end; asked between any two computations.
    fn cancelled(&self) -> bool;
}

/// A model that is ready to answer.
pub(super) struct Session<'m> {
    model: &'m Model,
    tokens: Tokens<'m>,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    memory: Memory,
}

impl<'m> Session<'m> {
    /// Takes the memory that answers need.
    ///
    /// # Errors
    ///
    /// There is too little of it, or the model has no vocabulary.
    pub(super) fn new(model: &'m Model) -> Result<Self, EngineError> {
        let tokens = Tokens::new(&model.weights, model.template.source())?;
        let context = model.context()?;
        Ok(Self { model, tokens, context, batch: LlamaBatch::new(BATCH.into(), 1), memory: Memory::default() })
    }

    /// Answers, and says why the answer ends and what it took.
    ///
    /// # Errors
    ///
    /// Why there is no answer, or no whole one.
    pub(super) fn generate(&mut self, ask: &Generate, to: &mut impl Listener) -> Result<(Finish, Usage), EngineError> {
        let begin = Instant::now();
        log::forget();
        let (prompt, left_out) = self.prompt(ask)?;
        self.memory.recall(&mut self.context, &ask.conversation, &prompt);
        let reused = self.memory.len();
        let mut usage = Usage { prompt_tokens: count(prompt.len()), reused_tokens: count(reused), ..Usage::default() };
        let started =
            Step::Started { prompt_tokens: usage.prompt_tokens, reused_tokens: usage.reused_tokens, left_out };
        let mut finish = Finish::Cancelled;
        if to.step(started) && self.read(&prompt[reused..], to)? {
            finish = self.answer(ask, to, begin, &mut usage)?;
        }
        usage.duration = begin.elapsed();
        Ok((finish, usage))
    }

    /// The tokens of the prompt, and how many of the oldest turns did not fit.
    fn prompt(&self, ask: &Generate) -> Result<(Vec<LlamaToken>, u32), EngineError> {
        let context = self.model.describe().context;
        // At least half of the room is the conversation's: an answer that becomes longer than its half is cut.
        let answer = ask.max_tokens.min(context / 2).max(1);
        let budget = context.saturating_sub(answer);
        let fitted = prompt::fit(&ask.turns, budget, |turns| {
            Ok(count(self.tokens.of(&confined(|| self.model.template.render(turns))?).len()))
        })?;
        let tokens = self.tokens.of(&confined(|| self.model.template.render(&fitted.turns))?);
        if tokens.is_empty() {
            return Err(EngineError::BadTemplate { reason: "it makes nothing of the conversation".to_owned() });
        }
        Ok((tokens, fitted.left_out))
    }

    /// Computes the tokens of a prompt. False: cancelled on the way.
    fn read(&mut self, prompt: &[LlamaToken], to: &mut impl Listener) -> Result<bool, EngineError> {
        for chunk in prompt.chunks(self.model.chunk.into()) {
            if to.cancelled() {
                return Ok(false);
            }
            self.compute(chunk)?;
        }
        Ok(!to.cancelled())
    }

    /// Computes tokens that follow those in the context. The logits of the last one are there then.
    fn compute(&mut self, tokens: &[LlamaToken]) -> Result<(), EngineError> {
        self.batch.clear();
        for (at, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.memory.len() + at).unwrap_or(i32::MAX);
            self.batch
                .add(*token, position, &[0], at + 1 == tokens.len())
                .map_err(|error| EngineError::Inference { reason: error.to_string() })?;
        }
        match self.context.decode(&mut self.batch) {
            Ok(()) => {
                self.memory.add(tokens);
                Ok(())
            }
            Err(error) => {
                self.memory.clear(&mut self.context);
                Err(EngineError::Inference { reason: log::reason(&error.to_string()) })
            }
        }
    }

    /// Generates, after the prompt.
    fn answer(
        &mut self,
        ask: &Generate,
        to: &mut impl Listener,
        begin: Instant,
        usage: &mut Usage,
    ) -> Result<Finish, EngineError> {
        let mut sampler = Sampler::new(&ask.sampling);
        let mut characters = Characters::default();
        let mut stops = Stops::new(ask.stop.clone());
        let mut bytes = Vec::new();
        let room = usize::try_from(self.model.describe().context).unwrap_or(usize::MAX);
        let finish = loop {
            let token = sampler.next(self.context.get_logits_ith(-1))?;
            if usage.generated_tokens == 0 {
                usage.first_token = begin.elapsed();
            }
            if self.tokens.is_end(token) {
                break Finish::Stop;
            }
            self.tokens.bytes(token, usage.generated_tokens == 0, &mut bytes);
            usage.generated_tokens += 1;
            let (text, stopped) = stops.push(&characters.push(&bytes));
            if !text.is_empty() && !to.step(Step::Text(text)) {
                return Ok(Finish::Cancelled);
            }
            if stopped {
                return Ok(Finish::Stop);
            }
            if usage.generated_tokens >= ask.max_tokens || self.memory.len() >= room {
                break Finish::Length;
            }
            if to.cancelled() {
                return Ok(Finish::Cancelled);
            }
            self.compute(&[token])?;
        };
        let rest = stops.finish();
        if !rest.is_empty() && !to.step(Step::Text(rest)) {
            return Ok(Finish::Cancelled);
        }
        Ok(finish)
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
