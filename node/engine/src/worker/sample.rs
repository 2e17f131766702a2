//! Which token comes next.
//!
//! llama.cpp's samplers copy the whole vocabulary for every token. Only the likeliest can be chosen, so those are found here, in
//! one pass over the logits, and llama.cpp's samplers get only them. What comes out is the same.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::{EngineError, Sampling};

/// Tokens of the answer that the repeat penalty looks back on.
const LOOK_BACK: usize = 64;
/// Tokens among which is chosen when the sampling sets no bound.
const ALL: usize = usize::MAX;

/// Chooses the tokens of one answer.
pub(super) struct Sampler {
    /// None: the likeliest token always.
    chain: Option<LlamaSampler>,
    top_k: usize,
    penalty: f32,
    recent: VecDeque<i32>,
    candidates: Vec<(i32, f32)>,
}

impl Sampler {
    /// As `sampling` says. Values that make no sense are taken as the nearest that do.
    pub(super) fn new(sampling: &Sampling) -> Self {
        let greedy = sampling.temperature <= 0.0 || sampling.top_k == 1;
        let seed = sampling.seed.unwrap_or_else(random);
        let chain = (!greedy).then(|| {
            let chain = [
                LlamaSampler::top_p(sampling.top_p.clamp(0.0, 1.0), 1),
                LlamaSampler::min_p(sampling.min_p.clamp(0.0, 1.0), 1),
                LlamaSampler::temp(sampling.temperature.clamp(0.01, 10.0)),
                LlamaSampler::dist(seed),
            ];
            LlamaSampler::chain(chain, true)
        });
        let top_k = match sampling.top_k {
            0 => ALL,
            top_k => top_k.try_into().unwrap_or(ALL),
        };
        Self {
            chain,
            top_k: if greedy { 1 } else { top_k },
            penalty: sampling.repeat_penalty.clamp(1.0, 10.0),
            recent: VecDeque::with_capacity(LOOK_BACK),
            candidates: Vec::new(),
        }
    }

    /// The next token by its logits, one for each token of the vocabulary.
    ///
    /// # Errors
    ///
    /// No logit is a number, which llama.cpp's samplers would end the process for.
    pub(super) fn next(&mut self, logits: &[f32]) -> Result<LlamaToken, EngineError> {
        let lost = || EngineError::Inference { reason: "the model computes no numbers".to_owned() };
        let recent = if self.penalty > 1.0 { self.recent.make_contiguous() } else { &mut [] };
        if self.top_k == 1 && recent.is_empty() {
            let token = likeliest(logits).ok_or_else(lost)?;
            return Ok(self.chosen(token));
        }
        // A penalty only ever lowers a logit: who is among the first k then, is among the first k + recent now.
        select(logits, self.top_k.saturating_add(recent.len()), &mut self.candidates);
        for (token, logit) in &mut self.candidates {
            if recent.contains(token) {
                *logit = if *logit > 0.0 { *logit / self.penalty } else { *logit * self.penalty };
            }
        }
        // Sorting a whole vocabulary costs more than the model; llama.cpp sorts only what it needs.
        let sorted = self.top_k != ALL;
        if sorted {
            self.candidates.sort_unstable_by(by_logit);
            self.candidates.truncate(self.top_k);
        }
        let (first, _) = *self.candidates.first().ok_or_else(lost)?;
        let token = match &mut self.chain {
            None => first,
            Some(chain) => {
                let data = self.candidates.iter();
                let data =
                    data.map(|&(token, logit)| LlamaTokenData::new(LlamaToken::new(token), logit, 0.0)).collect();
                let mut data = LlamaTokenDataArray::new(data, sorted);
                chain.apply(&mut data);
                data.selected_token().ok_or_else(lost)?.0
            }
        };
        Ok(self.chosen(token))
    }

    fn chosen(&mut self, token: i32) -> LlamaToken {
        if self.recent.len() == LOOK_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        LlamaToken::new(token)
    }
}

/// The first token with the largest logit.
fn likeliest(logits: &[f32]) -> Option<i32> {
    // Blocks, so that the compiler takes vectors; it cannot with an index in the loop.
    let mut best = f32::NEG_INFINITY;
    for block in logits.chunks(64) {
        best = block.iter().fold(best, |best, &logit| if logit > best && logit <= f32::MAX { logit } else { best });
    }
    let at = logits.iter().position(|&logit| logit == best)?;
    i32::try_from(at).ok()
}

/// The `k` largest logits with their tokens, in no order. What is no number is left out.
fn select(logits: &[f32], k: usize, found: &mut Vec<(i32, f32)>) {
    found.clear();
    let room = k.saturating_mul(4);
    let mut least = f32::NEG_INFINITY;
    for (token, &logit) in (0..).zip(logits) {
        // Equal ones may matter until there are k.
        if logit < least || !logit.is_finite() {
            continue;
        }
        found.push((token, logit));
        if found.len() >= room {
            cut(found, k);
            least = found.iter().map(|&(_, logit)| logit).fold(f32::INFINITY, f32::min);
        }
    }
    cut(found, k);
}

/// Leaves the first `k` by logit, then by token.
fn cut(found: &mut Vec<(i32, f32)>, k: usize) {
    if k < found.len() {
        found.select_nth_unstable_by(k, by_logit);
        found.truncate(k);
    }
}

/// The likelier first; of two equal ones that with the smaller number.
fn by_logit(left: &(i32, f32), right: &(i32, f32)) -> std::cmp::Ordering {
    right.1.total_cmp(&left.1).then(left.0.cmp(&right.0))
}

/// A seed nobody can foresee, from where the standard library gets its own.
fn random() -> u32 {
    let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
    u32::try_from(number >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampling(top_k: u32, repeat_penalty: f32, seed: u32) -> Sampling {
        Sampling { temperature: 0.8, top_k, top_p: 0.95, min_p: 0.02, repeat_penalty, seed: Some(seed) }
    }

    #[test]
    fn the_likeliest_is_the_first_of_the_largest() {
        assert_eq!(likeliest(&[1.0, 3.0, f32::NAN, 3.0]), Some(1));
        assert_eq!(likeliest(&[f32::NAN]), None);
        assert_eq!(likeliest(&[]), None);
        let mut sampler = Sampler::new(&Sampling::greedy());
        assert_eq!(sampler.next(&[0.0, -1.0, 2.0]).unwrap(), LlamaToken::new(2));
        assert!(matches!(sampler.next(&[f32::NAN, f32::NAN]), Err(EngineError::Inference { .. })));
    }

    #[test]
    fn what_was_said_lately_is_less_likely() {
        let mut sampler = Sampler::new(&Sampling { repeat_penalty: 2.0, ..Sampling::greedy() });
        let logits = [1.0, 1.5, -1.0];
        let said: Vec<i32> = (0..3).map(|_| sampler.next(&logits).unwrap().0).collect();
        assert_eq!(said, [1, 0, 1]);
    }

    #[test]
    fn the_same_seed_chooses_the_same() {
        let logits: Vec<f32> = (0..500).map(|at| (at as f32 * 0.7).sin() * 4.0).collect();
        let run = |seed| {
            let mut sampler = Sampler::new(&sampling(40, 1.1, seed));
            (0..50).map(|_| sampler.next(&logits).unwrap().0).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn odd_values_are_taken_as_the_nearest_that_make_sense() {
        let wild = Sampling { temperature: 1e9, top_k: 0, top_p: 7.0, min_p: 9.0, repeat_penalty: 0.0, seed: None };
        let mut sampler = Sampler::new(&wild);
        for _ in 0..20 {
            assert!((0..3).contains(&sampler.next(&[1.0, 2.0, f32::INFINITY]).unwrap().0));
        }
    }

    proptest! {
        #[test]
        fn the_selected_are_the_largest(logits in prop::collection::vec(-9_i8..9, 1..300), k in 1_usize..20) {
            let logits: Vec<f32> = logits.into_iter().map(f32::from).collect();
            let mut found = Vec::new();
            select(&logits, k, &mut found);
            let mut all: Vec<(i32, f32)> = (0..).zip(logits).collect();
            all.sort_by(by_logit);
            all.truncate(k);
            found.sort_by(by_logit);
            prop_assert_eq!(found, all);
        }

        #[test]
        fn selecting_first_changes_nothing(
            logits in prop::collection::vec(-20_i8..20, 2..200), top_k in 2_u32..50, seed: u32, penalty in 10_u8..20,
        ) {
            let logits: Vec<f32> = logits.into_iter().map(|logit| f32::from(logit) / 3.0).collect();
            let sampling = sampling(top_k, f32::from(penalty) / 10.0, seed);
            let mut sampler = Sampler::new(&sampling);
            let mut chain = Sampler::new(&sampling).chain.unwrap();
            let mut said: Vec<i32> = Vec::new();
            for _ in 0..20 {
                // The whole vocabulary, in the order in which it is written down.
                let mut all: Vec<(i32, f32)> = (0..).zip(logits.iter().copied()).collect();
                for (token, logit) in &mut all {
                    if said.contains(token) {
                        *logit = if *logit > 0.0 { *logit / sampling.repeat_penalty } else { *logit * sampling.repeat_penalty };
                    }
                }
                all.sort_by(by_logit);
                all.truncate(top_k as usize);
                let data = all.iter().map(|&(token, logit)| LlamaTokenData::new(LlamaToken::new(token), logit, 0.0));
                let mut data = LlamaTokenDataArray::new(data.collect(), true);
                chain.apply(&mut data);
                let token = sampler.next(&logits).unwrap();
                prop_assert_eq!(Some(token), data.selected_token());
                said.push(token.0);
            }
        }
    }
}
