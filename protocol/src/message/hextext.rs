//! Hex fields of control messages, with the errors that the reference would close with (`spec/wire.md §6`).

use serde_json::Value;

use super::{JsErrorClass, MessageError};
use crate::key::{KeyError, PublicKey};
use ratatosk_plugin::text::utf16_len;

/// What is wrong with a field that should be hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HexTextError {
    /// An odd number of characters, a number or a boolean.
    #[error("Expected string to be an even number of characters")]
    Odd,
    /// Even, but not 32 bytes.
    #[error("CYENC-ENSPUB: Data is not a public key")]
    WrongLength,
    /// Characters that are no hex digits. The reference reads them as zeros; here they are refused (`spec/wire.md §10`).
    #[error("CYENC-ENSPUB: Data is not a public key (not hexadecimal)")]
    NotHex,
    /// A low-order point (`spec/wire.md §10`).
    #[error("CYENC-ENSPUB: Data is not a public key (low-order point)")]
    LowOrder,
}

impl HexTextError {
    pub(super) fn class(self) -> JsErrorClass {
        match self {
            Self::Odd => JsErrorClass::RangeError,
            Self::WrongLength | Self::NotHex | Self::LowOrder => JsErrorClass::Error,
        }
    }
}

impl From<KeyError> for HexTextError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::OddLength { .. } => Self::Odd,
            KeyError::NotHex { .. } => Self::NotHex,
            KeyError::LowOrder => Self::LowOrder,
            KeyError::Empty | KeyError::WrongLength { .. } => Self::WrongLength,
        }
    }
}

/// Reads a field as a public key. `otherwise` is the error for values that cannot be meant as text.
pub(super) fn public_key(value: &Value, otherwise: MessageError) -> Result<PublicKey, MessageError> {
    Ok(PublicKey::from_hex(text(value, otherwise)?).map_err(HexTextError::from)?)
}

/// Reads a field as bytes. A text that is not hex gives zeros, as many as the reference counts: no box opens with them.
pub(super) fn bytes(value: &Value, otherwise: MessageError) -> Result<Vec<u8>, MessageError> {
    let text = text(value, otherwise)?;
    let characters = utf16_len(text);
    if !characters.is_multiple_of(2) {
        return Err(HexTextError::Odd.into());
    }
    Ok(hex::decode(text).unwrap_or_else(|_| vec![0; characters / 2]))
}

/// Whether `value` is text with an even number of hex digits, the test that the reference makes for the keys of a
/// communication request. An empty text passes.
pub(super) fn is_hex(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn text(value: &Value, otherwise: MessageError) -> Result<&str, MessageError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Bool(_) => Err(HexTextError::Odd.into()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_like_utf16() {
        let read = |text: &str| bytes(&Value::from(text), MessageError::NotClientMessage);
        assert_eq!(read("0aFF"), Ok(vec![0x0a, 0xff]));
        assert_eq!(read("zz"), Ok(vec![0]));
        // Two units, four bytes of UTF-8.
        assert_eq!(read("ää"), Ok(vec![0]));
        assert_eq!(read("🎉"), Ok(vec![0]));
        assert_eq!(read("ä"), Err(HexTextError::Odd.into()));
    }
}
