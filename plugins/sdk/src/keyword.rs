//! Keywords that share a text channel with ordinary messages (`spec/wire.md §4`).
//!
//! A text that begins with the keyword gets one `x` appended, so that it never equals the keyword; whoever receives a
//! longer text with that beginning takes the last UTF-16 unit off, whatever it is.

use std::fmt;

use crate::text;

/// One keyword of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword(pub &'static str);

/// A text that equals the keyword was not escaped and has no original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnescapedKeyword(pub &'static str);

impl fmt::Display for UnescapedKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tried to unescape the keyword value {}", self.0)
    }
}

impl std::error::Error for UnescapedKeyword {}

impl Keyword {
    /// Marks a text that could be mistaken for the keyword.
    ///
    /// A receiver drops a leading byte order mark before it looks, so the mark may not hide a keyword. The reference sends
    /// such a text unmarked, and loses it, or with `fragmentation_end` the connection.
    pub fn escape(self, text: &mut String) {
        if text.strip_prefix('\u{FEFF}').unwrap_or(text).starts_with(self.0) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEYWORD: Keyword = Keyword("stop");

    fn escaped(text: &str) -> String {
        let mut text = text.to_owned();
        KEYWORD.escape(&mut text);
        text
    }

    fn unescaped(text: &str) -> Result<String, UnescapedKeyword> {
        let mut text = text.to_owned();
        KEYWORD.unescape(&mut text).map(|()| text)
    }

    #[test]
    fn only_what_begins_with_the_keyword_is_marked() {
        for (text, expected) in [("stop", "stopx"), ("stopx", "stopxx"), ("stopping", "stoppingx"), ("sto", "sto")] {
            assert_eq!(escaped(text), expected);
            assert_eq!(unescaped(expected).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_last_unit_goes_whatever_it_is() {
        assert_eq!(unescaped("stop!").as_deref(), Ok("stop"));
        assert_eq!(unescaped("stop🎉").as_deref(), Ok("stop\u{FFFD}"));
        assert_eq!(unescaped("stop"), Err(UnescapedKeyword("stop")));
    }
}
