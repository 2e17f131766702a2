//! Padding and keywords: what is put on comes off again.

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::keyword::{Keyword, UnescapedKeyword};
use ratatosk_protocol::padding::{self, PaddingError};

/// Bytes that look like lengths of padding, to be mistaken for them if anything can.
struct Lengths;

impl Entropy for Lengths {
    fn fill(&mut self, buffer: &mut [u8]) {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = index.to_le_bytes()[0];
        }
    }
}

fn round_trip(value: &[u8], total: usize, flags: u8) {
    let mut padded = b"before".to_vec();
    padding::add(&mut padded, value, total, flags, &mut |bytes| Lengths.fill(bytes)).unwrap();
    let padded = &padded[6..];
    assert_eq!(padded.len(), total);
    assert_eq!(padding::remove(padded), Ok((total - value.len(), flags)));
    assert!(padded.ends_with(value));
}

/// Every total up to 70,000, across both borders where the length of the padding needs one byte more.
#[test]
fn every_total_round_trips() {
    for total in (1..600).chain(65_000..66_000).chain((600..=70_000).step_by(97)) {
        round_trip(b"", total, 1);
    }
}

proptest! {
    #[test]
    fn padding_round_trips(value in vec(any::<u8>(), 0..500), room in 1_usize..70_000, flags in 0_u8..16) {
        round_trip(&value, value.len() + room, flags);
    }

    #[test]
    fn refused_padding_leaves_nothing_behind(value in vec(any::<u8>(), 0..50), total in 0_usize..60, flags: u8) {
        let mut out = Vec::new();
        let result = padding::add(&mut out, &value, total, flags, &mut |bytes| Lengths.fill(bytes));
        let expected = match (flags > 0x0f, total > value.len()) {
            (true, _) => Err(PaddingError::Flags),
            (false, false) => Err(PaddingError::NoRoom),
            (false, true) => Ok(()),
        };
        prop_assert_eq!(result, expected);
        prop_assert_eq!(out.len(), if expected.is_ok() { total } else { 0 });
    }

    #[test]
    fn escaping_is_undone(
        keyword in prop::sample::select(vec!["keepalive", "fragmentation_end", "ä🎉"]),
        prefix in 0_usize..5,
        rest in vec(any::<char>(), 0..20),
    ) {
        let head: String = match prefix {
            0 => String::new(),
            1 => keyword.chars().take(keyword.chars().count() - 1).collect(),
            _ => keyword.to_owned(),
        };
        let text = head + &String::from_iter(rest);
        let keyword = Keyword(keyword);
        let mut escaped = text.clone();
        keyword.escape(&mut escaped);
        // An escaped text is never the keyword, so the plugin's own messages cannot be forged or mistaken.
        prop_assert_ne!(&escaped, keyword.0);
        prop_assert_eq!(keyword.unescape(&mut escaped), Ok(()));
        prop_assert_eq!(escaped, text);
    }

    #[test]
    fn unescaping_takes_one_unit_of_what_begins_with_the_keyword(rest in vec(any::<char>(), 0..20)) {
        let keyword = Keyword("keepalive");
        let text = keyword.0.to_owned() + &String::from_iter(&rest);
        let mut unescaped = text.clone();
        let result = keyword.unescape(&mut unescaped);
        match rest.last() {
            None => prop_assert_eq!(result, Err(UnescapedKeyword("keepalive"))),
            Some(last) => {
                let half = if last.len_utf16() == 2 { "\u{FFFD}" } else { "" };
                let kept: String = text.strip_suffix(*last).unwrap().to_owned() + half;
                prop_assert_eq!(unescaped, kept);
            }
        }
    }
}
