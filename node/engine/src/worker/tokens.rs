//! From text to tokens and back.
//!
//! Only the model's own template may contain tokens that mean something: who speaks, where a turn ends. In what people wrote,
//! text that looks like such a token stays text (a message is no way to speak as somebody else).

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token_type::LlamaTokenAttr;
use llama_cpp_2::vocab::{LlamaVocab, VocabType};

use crate::EngineError;
use crate::prompt::Piece;

/// Bytes of a content that are given to the tokeniser at once: some of llama.cpp's take recursion for the length of a text.
const STRETCH: usize = 4096;

/// The vocabulary of a model.
pub(super) struct Tokens<'m> {
    vocabulary: LlamaVocab<'m>,
    /// Tokens that content never becomes.
    meaning: BTreeSet<i32>,
    /// How tokens are written that llama.cpp finds in every text, and that the template gives a meaning.
    markers: Vec<String>,
}

impl<'m> Tokens<'m> {
    /// The vocabulary of `model`, whose chat template is `template`.
    ///
    /// # Errors
    ///
    /// It has none: llama.cpp would end the process at the first text.
    pub(super) fn new(model: &'m LlamaModel, template: &str) -> Result<Self, EngineError> {
        let vocabulary = model.vocab();
        if matches!(vocabulary.vocab_type(), VocabType::NONE) || vocabulary.n_tokens() <= 0 {
            return Err(EngineError::Damaged { reason: "it has no vocabulary that llama.cpp can use".to_owned() });
        }
        let (mut meaning, mut markers) = (BTreeSet::new(), Vec::new());
        for token in vocabulary.tokens() {
            if vocabulary.is_control(token) || vocabulary.is_eog(token) {
                meaning.insert(token.0);
            }
            if !vocabulary.attr(token).contains(LlamaTokenAttr::UserDefined) {
                continue;
            }
            let Some(text) = vocabulary.text(token).and_then(|text| text.to_str().ok()) else {
                continue;
            };
            let means = meaning.contains(&token.0) || template.contains(text);
            // One character cannot be cut, and whitespace is no role.
            if means && text.chars().nth(1).is_some() && !text.trim().is_empty() {
                meaning.insert(token.0);
                markers.push(text.to_owned());
            }
        }
        Ok(Self { vocabulary, meaning, markers })
    }

    /// The tokens of a prompt.
    pub(super) fn of(&self, pieces: &[Piece]) -> Vec<LlamaToken> {
        let mut tokens = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Template(text) => self.vocabulary.tokenize_into(text.as_bytes(), &mut tokens, false, true),
                Piece::Content(text) => self.content(text, &mut tokens),
            }
        }
        let first = self.vocabulary.bos();
        if self.vocabulary.should_add_bos() && first.0 >= 0 && tokens.first() != Some(&first) {
            tokens.insert(0, first);
        }
        tokens
    }

    /// Appends the tokens of what somebody wrote.
    fn content(&self, text: &str, tokens: &mut Vec<LlamaToken>) {
        let begin = tokens.len();
        for stretch in stretches(text, &self.markers) {
            self.vocabulary.tokenize_into(stretch.as_bytes(), tokens, false, false);
        }
        let mut at = 0;
        tokens.retain(|token| {
            at += 1;
            at <= begin || !self.meaning.contains(&token.0)
        });
    }

    /// Whether the model ends its answer with it.
    pub(super) fn is_end(&self, token: LlamaToken) -> bool {
        self.vocabulary.is_eog(token)
    }

    /// The bytes that a token stands for; of control tokens none. The space that some models put before the first word of
    /// everything is left out.
    pub(super) fn bytes(&self, token: LlamaToken, first: bool, bytes: &mut Vec<u8>) {
        bytes.clear();
        let left_out = if first { NonZeroU16::new(1) } else { None };
        self.vocabulary.token_to_piece_into(token, bytes, false, left_out);
    }
}

/// Cuts a text so that no marker is whole in a stretch and no stretch is long.
fn stretches<'t>(text: &'t str, markers: &[String]) -> Vec<&'t str> {
    let mut cuts = vec![text.len()];
    for marker in markers {
        let first = marker.chars().next().map_or(1, char::len_utf8);
        let mut from = 0;
        // They may overlap, so the search goes on inside of what was found.
        while let Some(at) = text[from..].find(marker.as_str()) {
            from += at + first;
            cuts.push(from);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut stretches = Vec::new();
    let mut begin = 0;
    for cut in cuts {
        while cut - begin > STRETCH {
            let end = line_end(text, begin);
            stretches.push(&text[begin..end]);
            begin = end;
        }
        if cut > begin {
            stretches.push(&text[begin..cut]);
            begin = cut;
        }
    }
    stretches
}

/// Where a stretch from `begin` on ends: before the last line, word or character that does not fit.
fn line_end(text: &str, begin: usize) -> usize {
    let end = text.floor_char_boundary(begin + STRETCH);
    let stretch = &text[begin..end];
    let at = stretch.rfind('\n').or_else(|| stretch.rfind(' ')).filter(|at| *at > STRETCH / 2);
    at.map_or(end, |at| begin + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_marker_is_cut_wherever_it_stands() {
        let markers = ["<|im_end|>".to_owned(), "<s>".to_owned()];
        assert_eq!(stretches("a<|im_end|><s>b", &markers), ["a<", "|im_end|><", "s>b"]);
        assert_eq!(stretches("plain", &markers), ["plain"]);
        assert!(stretches("", &markers).is_empty());
    }

    #[test]
    fn long_texts_are_cut_at_words() {
        let text = "word ".repeat(3000);
        let cut = stretches(&text, &[]);
        assert!(cut.len() > 3 && cut.iter().all(|stretch| stretch.len() <= STRETCH));
        assert!(cut[1..].iter().all(|stretch| stretch.starts_with(" word")));
        assert_eq!(cut.concat(), text);
        let text = "🌳".repeat(3000);
        assert_eq!(stretches(&text, &[]).concat(), text);
    }

    proptest! {
        #[test]
        fn cutting_loses_nothing_and_leaves_no_marker(text in "[<|>ab🌳 ]{0,60}") {
            let markers = ["<|".to_owned(), "|>".to_owned(), "<|a|>".to_owned(), "🌳🌳".to_owned()];
            let cut = stretches(&text, &markers);
            prop_assert_eq!(cut.concat(), text.as_str());
            prop_assert!(!cut.iter().any(|stretch| markers.iter().any(|marker| stretch.contains(marker.as_str()))));
        }
    }
}
