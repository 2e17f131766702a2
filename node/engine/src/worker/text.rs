//! From the bytes of tokens to the text that leaves: whole characters only, and nothing of a stop text.

/// Characters from bytes that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Characters {
    /// The begun character, three bytes at most.
    rest: Vec<u8>,
}

impl Characters {
    /// The characters that are whole now. What cannot become one is replaced by U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        let mut chunks = self.rest.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let broken = chunk.invalid();
            if broken.is_empty() {
                continue;
            }
            if chunks.peek().is_none() && may_go_on(broken) {
                kept = broken.len();
            } else {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let whole = self.rest.len() - kept;
        self.rest.drain(..whole);
        text
    }
}

/// Whether these bytes, which are no character, are the beginning of one.
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Text that is held back as long as it may become a stop text.
#[derive(Debug)]
pub(super) struct Stops {
    stops: Vec<String>,
    held: String,
}

impl Stops {
    /// Looks for these texts; none of them is empty.
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new() }
    }

    /// What may be shown now, and whether a stop text came. It ends there: what follows a stop text is never shown.
    pub(super) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let first = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = first {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let keep = self.stops.iter().map(|stop| begun(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back and turned out to be text.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length of the longest end of `text` that begins `stop`.
fn begun(text: &str, stop: &str) -> usize {
    stop.char_indices().map(|(at, _)| at).rev().find(|&at| text.ends_with(&stop[..at])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(stops: &[&str], parts: &[&str]) -> (Vec<String>, bool) {
        let mut held = Stops::new(stops.iter().map(ToString::to_string).collect());
        let mut shown = Vec::new();
        for part in parts {
            let (text, stopped) = held.push(part);
            shown.push(text);
            if stopped {
                return (shown, true);
            }
        }
        shown.push(held.finish());
        (shown, false)
    }

    #[test]
    fn a_character_waits_for_its_last_byte() {
        let mut characters = Characters::default();
        let tree = "🌳".as_bytes();
        assert_eq!(characters.push(&tree[..1]), "");
        assert_eq!(characters.push(&tree[1..3]), "");
        assert_eq!(characters.push(&[tree[3], b'a']), "🌳a");
        assert_eq!(characters.push(b"b"), "b");
    }

    #[test]
    fn what_is_no_character_is_replaced_and_holds_nothing_up() {
        let mut characters = Characters::default();
        assert_eq!(characters.push(&[0xff, b'a']), "\u{fffd}a");
        assert_eq!(characters.push(&[0xe2, 0x82]), "");
        assert_eq!(characters.push(b"b"), "\u{fffd}b");
        assert_eq!(characters.push(&[0x80]), "\u{fffd}");
    }

    #[test]
    fn a_stop_text_is_never_shown_in_part() {
        assert_eq!(
            all(&["User:"], &["Hi", " Us", "er", ": x"]),
            (vec!["Hi".into(), " ".into(), String::new(), String::new()], true)
        );
        assert_eq!(all(&["User:"], &["Hi Us", "ually"]), (vec!["Hi ".into(), "Usually".into(), String::new()], false));
        assert_eq!(all(&["ab", "b"], &["xab"]), (vec!["x".into()], true));
        assert_eq!(all(&["aab"], &["aa", "ab"]), (vec![String::new(), "a".into()], true));
        assert_eq!(all(&["\n\n"], &["a\n"]), (vec!["a".into(), "\n".into()], false));
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_text(text in "\\PC{0,40}", cuts in prop::collection::vec(1_usize..5, 0..40)) {
            let mut characters = Characters::default();
            let (mut bytes, mut out) = (text.as_bytes(), String::new());
            for cut in cuts {
                let (now, later) = bytes.split_at(cut.min(bytes.len()));
                out.push_str(&characters.push(now));
                bytes = later;
            }
            out.push_str(&characters.push(bytes));
            prop_assert_eq!(out, text);
        }

        #[test]
        fn any_bytes_give_what_lossy_decoding_gives(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..12)) {
            let mut characters = Characters::default();
            let mut out: String = parts.iter().map(|part| characters.push(part)).collect();
            if !characters.rest.is_empty() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            prop_assert_eq!(out, String::from_utf8_lossy(&parts.concat()).into_owned());
        }

        #[test]
        fn what_is_shown_ends_where_the_first_stop_text_begins(
            parts in prop::collection::vec("[abc]{0,4}", 0..10), stops in prop::collection::vec("[abc]{1,4}", 0..3),
        ) {
            let text = parts.concat();
            let wanted: Vec<&str> = stops.iter().map(String::as_str).collect();
            let (shown, stopped) = all(&wanted, &parts.iter().map(String::as_str).collect::<Vec<_>>());
            let shown = shown.concat();
            prop_assert_eq!(stopped, stops.iter().any(|stop| text.contains(stop.as_str())));
            prop_assert!(text.starts_with(&shown));
            if stopped {
                // Some stop text begins right there, and none is inside of what was shown.
                prop_assert!(stops.iter().any(|stop| text[shown.len()..].starts_with(stop.as_str())));
                prop_assert!(!stops.iter().any(|stop| shown.contains(stop.as_str())));
            } else {
                prop_assert_eq!(shown, text);
            }
        }
    }
}
