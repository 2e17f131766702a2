//! Keywords that share a text channel with ordinary messages (`spec/wire.md §4`).
//!
//! A text that begins with the keyword gets one `x` appended, so that it never equals the keyword; whoever receives a
//! longer text with that beginning takes the last UTF-16 unit off, whatever it is.

use crate::text;

/// One keyword of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword(pub &'static str);

/// A text that equals the keyword was not escaped and has no original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Tried to unescape the keyword value {0}")]
pub struct UnescapedKeyword(pub &'static str);

impl Keyword {
    /// Marks a text that could be mistaken for the keyword.
    pub fn escape(self, text: &mut String) {
        if text.starts_with(self.0) {
            text.push('x');
        }
    }

    /// Takes the mark off again.
    ///
    /// # Errors
    ///
    /// [`UnescapedKeyword`] if the text is the keyword itself.
    pub fn unescape(self, text: &mut String) -> Result<(), UnescapedKeyword> {
        if text == self.0 {
            return Err(UnescapedKeyword(self.0));
        }
        if text.starts_with(self.0) {
            text::drop_last_unit(text);
        }
        Ok(())
    }
}
