//! Halves of UTF-16 pairs in JSON: languages whose texts are UTF-16 write them as escapes, and Unicode has none.

/// Replaces every escape of a lone surrogate (`\ud83c`) by that of U+FFFD, which it is on the wire.
pub(super) fn mended(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some((&first, tail)) = rest.split_first() {
        let used = match (first, tail.first()) {
            (b'\\', Some(b'u')) => match (unit(rest), rest.get(6..).and_then(unit)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
                (Some(0xd800..0xe000), _) => {
                    out.extend_from_slice(b"\\ufffd");
                    rest = &rest[6..];
                    continue;
                }
                _ => 2,
            },
            // What is escaped begins no escape.
            (b'\\', Some(_)) => 2,
            _ => 1,
        };
        out.extend_from_slice(&rest[..used]);
        rest = &rest[used..];
    }
    out
}

/// The code unit of an escape at the beginning.
fn unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        serde_json::from_slice(&mended(json.as_bytes())).ok()
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_are_not() {
        assert_eq!(text(r#""a\ud83cb""#).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text(r#""\uD83C\uDF89""#).as_deref(), Some("🎉"));
        assert_eq!(text(r#""\udf89\ud83c\ud83c\udf89\ud83c""#).as_deref(), Some("\u{fffd}\u{fffd}🎉\u{fffd}"));
        assert_eq!(text(r#""\\ud83c \u00e4""#).as_deref(), Some("\\ud83c ä"));
    }

    #[test]
    fn what_is_malformed_stays_so() {
        for json in [r#""\ud83"#, r#""\"#, r#""\u+123""#, "\\", ""] {
            assert_eq!(mended(json.as_bytes()), json.as_bytes());
        }
    }
}
