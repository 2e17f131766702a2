//! Close codes and reasons (`spec/wire.md §6`).
//!
//! Every close that a peer or CommServer of the network decides on has code 1000; what happened stands in the reason.

/// Most bytes of UTF-8 in a close reason (RFC 6455 §5.5: 125 bytes of payload less two of code).
pub const MAX_REASON_LEN: usize = 123;

/// The close code of everything that the protocol itself closes.
pub const NORMAL: u16 = 1000;

/// Why one side closes: becomes the reason of the WebSocket close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseRequest {
    /// An application or a protocol error closes: `Close called.` or `Close called: text`.
    Close(Option<String>),
    /// A timer closes: `Terminate called: text`.
    Terminate(String),
}

impl CloseRequest {
    /// A close with a text.
    pub fn because(reason: impl Into<String>) -> Self {
        Self::Close(Some(reason.into()))
    }

    /// The reason as it goes on the wire, cut to [`MAX_REASON_LEN`] bytes.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Close(None) => "Close called.".to_owned(),
            Self::Close(Some(text)) => cut(&format!("Close called: {text}")),
            Self::Terminate(text) => cut(&format!("Terminate called: {text}")),
        }
    }
}

/// Cuts a reason to [`MAX_REASON_LEN`] bytes the way the reference does: UTF-16 units are dropped from the end, and a
/// half of a surrogate pair that is left over becomes U+FFFD if that still fits.
#[must_use]
pub fn cut(reason: &str) -> String {
    if reason.len() <= MAX_REASON_LEN {
        return reason.to_owned();
    }
    let mut out = String::with_capacity(MAX_REASON_LEN);
    for character in reason.chars() {
        if out.len() + character.len_utf8() <= MAX_REASON_LEN {
            out.push(character);
            continue;
        }
        let half = char::REPLACEMENT_CHARACTER;
        if character.len_utf16() == 2 && out.len() + half.len_utf8() <= MAX_REASON_LEN {
            out.push(half);
        }
        break;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stands_behind_who_says_it() {
        assert_eq!(CloseRequest::Close(None).reason(), "Close called.");
        assert_eq!(CloseRequest::because("").reason(), "Close called: ");
        assert_eq!(CloseRequest::because("x").reason(), "Close called: x");
        assert_eq!(CloseRequest::Terminate("x".to_owned()).reason(), "Terminate called: x");
    }

    #[test]
    fn a_reason_is_cut_between_utf16_units() {
        let cut_after = |ascii: usize, rest: &str| cut(&("a".repeat(ascii) + rest))[ascii..].to_owned();
        assert_eq!(cut_after(119, "🎉🎉"), "🎉");
        // Half a pair takes three bytes, if there are three.
        assert_eq!(cut_after(120, "🎉"), "\u{FFFD}");
        assert_eq!(cut_after(121, "🎉"), "");
        // What was cut off is not made up for by something shorter behind it.
        assert_eq!(cut_after(122, "€a"), "");
        for ascii in 0..140 {
            assert!(cut(&("a".repeat(ascii) + "€🎉€🎉")).len() <= MAX_REASON_LEN);
        }
    }
}
