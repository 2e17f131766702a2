//! Text inside microdata: three characters have another spelling, all others stand for themselves (`spec/one.md §4`).

use std::borrow::Cow;
use std::cmp::Ordering;

/// Appends a text escaped.
pub(crate) fn write(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Whether [`write`] could have written it. The text has no `<`: whoever asks has cut it there.
pub(crate) fn is_escaped(text: &str) -> bool {
    !text.contains(['<', '>'])
        && text.match_indices('&').all(|(at, _)| {
            let entity = &text.as_bytes()[at..];
            [&b"&amp;"[..], b"&lt;", b"&gt;"].iter().any(|known| entity.starts_with(known))
        })
}

/// The text that an escaped one stands for; `None` if [`write`] would not have written it.
pub(crate) fn read(text: &str) -> Option<Cow<'_, str>> {
    if !is_escaped(text) {
        return None;
    }
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    // `&amp;` last, or `&amp;lt;` would become `<`.
    Some(Cow::Owned(text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")))
}

/// The order of ECMAScript's `sort()`: by UTF-16 code units, in which characters beyond U+FFFF come before U+E000.
pub(crate) fn utf16_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_characters_and_no_others() {
        let mut out = String::new();
        write("ü<&>\"'\0&amp;", &mut out);
        assert_eq!(out, "ü&lt;&amp;&gt;\"'\0&amp;amp;");
        assert_eq!(read(&out).unwrap(), "ü<&>\"'\0&amp;");
        for wrong in ["&", "&quot;", "a>b", "&am", "&AMP;", "&#38;"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_astral_character_comes_before_the_end_of_the_basic_plane() {
        assert_eq!(utf16_order("😀", "～"), Ordering::Less);
        assert_eq!("😀".cmp("～"), Ordering::Greater);
    }
}
