//! The text rules of the reference's platform, where texts are UTF-16 and decoding never fails (`spec/wire.md §4`).
//!
//! A lone surrogate cannot exist in Rust text. It is written as U+FFFD here, which is what the reference puts on the wire
//! for it, and both count as one UTF-16 unit.

/// Length in UTF-16 units.
#[must_use]
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether the text has fewer than `limit` UTF-16 units; looks at no more of it than needed.
#[must_use]
pub fn is_shorter_than(text: &str, limit: usize) -> bool {
    // A UTF-16 unit takes one to three bytes of UTF-8, so the length alone often decides.
    if text.len() < limit {
        return true;
    }
    if text.len() / 3 >= limit {
        return false;
    }
    utf16_len(text) < limit
}

/// Decodes bytes as the reference does: one leading byte order mark is dropped, invalid bytes become U+FFFD.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// Drops the last UTF-16 unit. Of a surrogate pair one half stays behind, as U+FFFD.
pub fn drop_last_unit(text: &mut String) {
    if text.pop().is_some_and(|last| last.len_utf16() == 2) {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_like_utf16() {
        for text in ["", "a", "€", "🎉", "a€🎉ä\0"] {
            assert_eq!(utf16_len(text), text.encode_utf16().count());
            for limit in 0..10 {
                assert_eq!(is_shorter_than(text, limit), utf16_len(text) < limit, "{text} {limit}");
            }
        }
    }

    #[test]
    fn decoding_never_fails() {
        assert_eq!(decode(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(decode(b"\xEF\xBB\xBFb"), "b");
        assert_eq!(decode(b"\xEF\xBB\xBF\xEF\xBB\xBF"), "\u{FEFF}");
    }

    #[test]
    fn half_a_pair_stays_behind() {
        let mut text = "a🎉".to_owned();
        drop_last_unit(&mut text);
        assert_eq!(text, "a\u{FFFD}");
        drop_last_unit(&mut text);
        drop_last_unit(&mut text);
        drop_last_unit(&mut text);
        assert_eq!(text, "");
    }
}
