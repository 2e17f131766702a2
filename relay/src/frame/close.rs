//! What is in a close frame (RFC 6455 §5.5.1, §7.4).

use super::Fault;

/// A client's close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    /// `None` if it gave none.
    pub(crate) code: Option<u16>,
    /// At most 123 bytes, chosen by the client: not for a log.
    pub(crate) reason: String,
}

impl Closing {
    /// Reads the payload of a close frame, unmasked.
    pub(super) fn read(payload: &[u8]) -> Result<Self, Fault> {
        match payload.split_first_chunk() {
            None if payload.is_empty() => Ok(Self { code: None, reason: String::new() }),
            None => Err(Fault::Violation),
            Some((code, reason)) => {
                let code = u16::from_be_bytes(*code);
                if !may_be_sent(code) {
                    return Err(Fault::Violation);
                }
                let reason = std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?.to_owned();
                Ok(Self { code: Some(code), reason })
            }
        }
    }

    /// The payload of a close frame.
    pub(crate) fn payload(&self) -> Vec<u8> {
        match self.code {
            None => Vec::new(),
            Some(code) => [&code.to_be_bytes()[..], self.reason.as_bytes()].concat(),
        }
    }
}

/// Codes that stand in a frame (§7.4.1, and IANA's registry up to 1014), and those of libraries and applications (§7.4.2).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_reason_may_both_be_missing() {
        let cases: [(&[u8], Option<u16>, &str); 3] =
            [(b"", None, ""), (b"\x03\xe8", Some(1000), ""), (b"\x0f\xa1bye", Some(4001), "bye")];
        for (payload, code, reason) in cases {
            let closing = Closing { code, reason: reason.to_owned() };
            assert_eq!(Closing::read(payload), Ok(closing.clone()));
            assert_eq!(closing.payload(), payload);
        }
    }

    #[test]
    fn half_a_code_a_code_that_is_none_and_a_reason_that_is_no_text_are_refused() {
        assert_eq!(Closing::read(b"\x03"), Err(Fault::Violation));
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535_u16] {
            assert_eq!(Closing::read(&code.to_be_bytes()), Err(Fault::Violation), "{code}");
        }
        assert_eq!(Closing::read(b"\x03\xe8\xff"), Err(Fault::NotUtf8));
    }
}
