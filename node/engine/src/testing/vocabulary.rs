//! The vocabulary of the tiny models: byte-level BPE as GPT-2 has it.

use std::collections::BTreeSet;

/// A token that is no text: how it is written, and what it is for.
pub(super) const SPECIAL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
/// Index of the token that ends a turn.
pub(super) const END_OF_TURN: u32 = 2;

/// Pairs that become one token.
const MERGES: [(&str, &str); 6] = [("h", "e"), ("t", "he"), ("i", "n"), ("e", "r"), ("Ġ", "the"), ("o", "u")];

/// All tokens in the way that the format writes them.
pub(super) struct Vocabulary {
    pub(super) tokens: Vec<String>,
    pub(super) merges: Vec<String>,
}

impl Vocabulary {
    /// Special tokens, all bytes, a few merges and `pieces`.
    pub(super) fn new(pieces: &[Vec<u8>]) -> Self {
        let mut tokens: Vec<String> = SPECIAL.iter().map(ToString::to_string).collect();
        tokens.extend((0..=255).map(|byte| letter(byte).to_string()));
        tokens.extend(MERGES.iter().map(|(first, second)| format!("{first}{second}")));
        let mut there: BTreeSet<String> = tokens.iter().cloned().collect();
        for piece in pieces {
            let token = written(piece);
            if there.insert(token.clone()) {
                tokens.push(token);
            }
        }
        Self { tokens, merges: MERGES.iter().map(|(first, second)| format!("{first} {second}")).collect() }
    }

    /// The token that is exactly `piece`.
    pub(super) fn find(&self, piece: &[u8]) -> Option<usize> {
        let token = written(piece);
        self.tokens.iter().position(|there| *there == token)
    }

    /// The types of the tokens: 3 is a control token, 1 is text.
    pub(super) fn kinds(&self) -> impl Iterator<Item = i32> {
        (0..self.tokens.len()).map(|index| if index < SPECIAL.len() { 3 } else { 1 })
    }
}

fn written(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| letter(byte)).collect()
}

/// The character that GPT-2 writes for a byte: itself if it can be seen, else one from U+0100 on.
fn letter(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte);
    }
    let before = u32::try_from((0..byte).filter(|&byte| !visible(byte)).count()).unwrap_or(0);
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_gpt_2_writes_them() {
        assert_eq!([b' ', b'\n', b'a', 0x00, 0xad].map(letter), ['Ġ', 'Ċ', 'a', 'Ā', 'Ń']);
        let all: BTreeSet<_> = (0..=255).map(letter).collect();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn every_token_is_there_once() {
        let vocabulary = Vocabulary::new(&[b"the".to_vec(), b" word".to_vec(), b"!".to_vec()]);
        let all: BTreeSet<_> = vocabulary.tokens.iter().collect();
        assert_eq!(all.len(), vocabulary.tokens.len());
        assert_eq!(vocabulary.find(b" word"), Some(vocabulary.tokens.len() - 1));
    }
}
