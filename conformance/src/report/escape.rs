//! Peer text for terminals and logs.

/// Most characters of a text that are shown.
const MAX_SHOWN: usize = 200;

/// A text without anything that a terminal acts upon: control characters, direction marks and the like become escapes,
/// and what is too long ends in `…`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MAX_SHOWN {
            out.push('…');
            break;
        }
        match character {
            '"' | '\'' => out.push(character),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_left_in_peace() {
        assert_eq!(escape("a\x1b[31m\r\n\u{202e}\u{9b}"), "a\\u{1b}[31m\\r\\n\\u{202e}\\u{9b}");
        assert_eq!(escape("äöü 世界 🎉 \"it's\""), "äöü 世界 🎉 \"it's\"");
    }

    #[test]
    fn length_is_bounded() {
        assert_eq!(escape(&"x".repeat(5000)).chars().count(), MAX_SHOWN + 1);
    }
}
