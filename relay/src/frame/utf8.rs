//! Whether a text is UTF-8, told while it comes in pieces (RFC 6455 §8.1).

use super::Fault;

/// The longest character.
const MAX_CHAR: usize = 4;

/// A text of which some pieces have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// The beginning of a character whose end has not been seen.
    open: [u8; MAX_CHAR],
    open_len: u8,
}

impl Utf8 {
    /// Looks at the next piece. After the last piece it is as new.
    pub(super) fn feed(&mut self, mut piece: &[u8], last: bool) -> Result<(), Fault> {
        while self.open_len > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            let open = usize::from(self.open_len);
            self.open[open] = byte;
            piece = rest;
            self.open_len = match ending(&self.open[..=open])? {
                0 => 0,
                _ => self.open_len + 1,
            };
        }
        if self.open_len == 0 {
            let open = ending(piece)?;
            let (_, tail) = piece.split_at(piece.len() - usize::from(open));
            self.open[..tail.len()].copy_from_slice(tail);
            self.open_len = open;
        }
        if last && self.open_len > 0 { Err(Fault::NotUtf8) } else { Ok(()) }
    }
}

/// The length of the unfinished character at the end of `bytes`, which are UTF-8 before it.
fn ending(bytes: &[u8]) -> Result<u8, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(0),
        Err(error) if error.error_len().is_some() => Err(Fault::NotUtf8),
        // An unfinished character has three bytes at most.
        Err(error) => u8::try_from(bytes.len() - error.valid_up_to()).map_err(|_| Fault::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn in_pieces(pieces: &[&[u8]]) -> bool {
        let mut text = Utf8::default();
        let Some((last, others)) = pieces.split_last() else { return true };
        let fine = others.iter().all(|piece| text.feed(piece, false).is_ok()) && text.feed(last, true).is_ok();
        assert!(!fine || text == Utf8 { open: text.open, open_len: 0 });
        fine
    }

    #[test]
    fn what_can_never_become_a_character_is_refused_at_once() {
        for bytes in [&b"a\x80"[..], b"\xc0", b"\xf5", b"\xed\xa0", b"\xf4\x90", b"\xe0\x80", b"\xf0\x80"] {
            let mut text = Utf8::default();
            let fed = bytes.iter().map(|byte| text.feed(&[*byte], false)).collect::<Vec<_>>();
            assert_eq!(fed.last(), Some(&Err(Fault::NotUtf8)), "{bytes:x?}");
            assert_eq!(Utf8::default().feed(bytes, false), Err(Fault::NotUtf8), "{bytes:x?}");
        }
    }

    #[test]
    fn a_character_may_come_byte_by_byte_but_has_to_come() {
        for character in ["é", "€", "🎉"] {
            let bytes = character.as_bytes();
            let pieces: Vec<_> = bytes.chunks(1).collect();
            assert!(in_pieces(&pieces));
            assert!(!in_pieces(&pieces[..bytes.len() - 1]));
        }
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(
            text in prop_oneof![vec(any::<u8>(), 0..40), ".{0,20}".prop_map(String::into_bytes)],
            cuts in vec(0..40_usize, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(in_pieces(&pieces), std::str::from_utf8(&text).is_ok());
        }
    }
}
