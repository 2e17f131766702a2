//! Public and secret keys (Curve25519, 32 bytes), and the hex text that carries them on the wire (`spec/wire.md §1`).

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::entropy::{Entropy, array};

/// Bytes in a public key, a secret key and a shared key.
pub const KEY_LEN: usize = 32;

/// The u-coordinates of all points of low order, on the curve and on its twist, in every encoding that 255 bits have for
/// them: modulo p = 2^255 - 19 they are 0, 1, -1 and the two of order 8. A clamped scalar is a multiple of 8, so times it
/// each gives 0. A relay sees keys more often than anything else, and this table is a thousand times cheaper than asking
/// by a multiplication.
const LOW_ORDER: [[u8; KEY_LEN]; 7] = [
    little(0, 0),
    little(1, 0),
    *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
       \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
    *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
       \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
    // p - 1, p and p + 1
    little(0xec, 0xff),
    little(0xed, 0xff),
    little(0xee, 0xff),
];

/// A number by its lowest byte and all others, in 255 bits.
const fn little(lowest: u8, others: u8) -> [u8; KEY_LEN] {
    let mut bytes = [others; KEY_LEN];
    bytes[0] = lowest;
    bytes[KEY_LEN - 1] &= 0x7f;
    bytes
}

/// A Curve25519 public key that is safe to compute with: never a low-order point.
///
/// It prints in full, as lower-case hex, because it is public; log lines use [`PublicKey::fingerprint`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_LEN]);

impl PublicKey {
    /// Takes 32 bytes as a public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::LowOrder`] if every secret key would give the same shared key with it.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Result<Self, KeyError> {
        // The sign bit is ignored by X25519 (RFC 7748 §5). A key is public, so nothing here needs constant time.
        let mut point = bytes;
        point[KEY_LEN - 1] &= 0x7f;
        if LOW_ORDER.contains(&point) {
            return Err(KeyError::LowOrder);
        }
        Ok(Self(bytes))
    }

    /// Reads hex digits of either case.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with the text, in this order: empty, odd length, not hex, wrong length, low order.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(decode_key(text)?)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// 64 lower-case hex digits, as the wire carries it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first eight hex digits of the key's SHA-256: tells keys apart in a log and names none to a CommServer.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.0)[..4])
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(#{})", self.fingerprint())
    }
}

/// A Curve25519 secret key. It is never printed, and wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; KEY_LEN]);

impl SecretKey {
    /// A new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(array(entropy))
    }

    /// Takes 32 bytes as a secret key. Every value is one: X25519 clamps it (RFC 7748 §5).
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Reads hex digits of either case.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_hex`], without the low-order check.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        decode_key(text).map(Self)
    }

    /// The public key that belongs to this one.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        // A clamped scalar times the base point is never of low order, so the check of `from_bytes` is not needed.
        PublicKey(x25519_dalek::x25519(self.0, x25519_dalek::X25519_BASEPOINT_BYTES))
    }

    /// 64 lower-case hex digits, for the file that keeps the key. Whoever takes them is responsible for wiping them.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The raw X25519 secret shared with the owner of `other` (RFC 7748 §6.1).
    pub(crate) fn diffie_hellman(&self, other: &PublicKey) -> zeroize::Zeroizing<[u8; KEY_LEN]> {
        zeroize::Zeroizing::new(x25519_dalek::x25519(self.0, other.0))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

/// A secret key with its public key, computed once.
#[derive(Clone, Debug)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// A new pair.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        SecretKey::generate(entropy).into()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret half.
    #[must_use]
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl From<SecretKey> for KeyPair {
    fn from(secret: SecretKey) -> Self {
        Self { public: secret.public_key(), secret }
    }
}

/// What is wrong with a text or bytes that should be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no text at all.
    #[error("the key is empty; it must be 64 hex digits (32 bytes)")]
    Empty,
    /// Two hex digits make a byte, so an odd number of characters cannot be right.
    #[error("the key has an odd number of characters ({characters}); it must be 64 hex digits (32 bytes)")]
    OddLength {
        /// Characters in the text.
        characters: usize,
    },
    /// A character outside `0-9a-fA-F`.
    #[error("the key has a character that is not a hex digit at position {position} (counted from 0)")]
    NotHex {
        /// Where the first such character is, counted in characters from 0.
        position: usize,
    },
    /// Hex, but not 32 bytes of it.
    #[error("the key has {bytes} bytes; it must have 32 (64 hex digits)")]
    WrongLength {
        /// Bytes that the text stands for.
        bytes: usize,
    },
    /// A point that gives everybody the same shared key, so that it could be registered by anybody (`spec/wire.md §6`).
    #[error("the key is a low-order point, which would give everybody the same shared key")]
    LowOrder,
}

fn decode_key(text: &str) -> Result<[u8; KEY_LEN], KeyError> {
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    let characters = text.chars().count();
    if !characters.is_multiple_of(2) {
        return Err(KeyError::OddLength { characters });
    }
    if let Some(position) = text.chars().position(|c| !c.is_ascii_hexdigit()) {
        return Err(KeyError::NotHex { position });
    }
    let mut bytes = [0; KEY_LEN];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyError::WrongLength { bytes: characters / 2 })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTENER: &str = "0a0ee1529ffb95bfbfbb644779aae3e063c65b716bee0fc309ba2861d4fc8237";

    #[test]
    fn public_key_follows_from_the_secret_one() {
        let secret = SecretKey::from_hex("6fe42145e3f2a026d1d4abb27761ceb9ec4d80f095ca510114b97c8f60fe2c4b").unwrap();
        assert_eq!(secret.public_key().to_hex(), LISTENER);
    }

    #[test]
    fn hex_is_read_in_either_case_and_written_in_lower() {
        let key = PublicKey::from_hex(&LISTENER.to_uppercase()).unwrap();
        assert_eq!(key.to_hex(), LISTENER);
    }

    #[test]
    fn every_defect_has_its_own_error() {
        let cases = [
            ("", KeyError::Empty),
            ("abc", KeyError::OddLength { characters: 3 }),
            ("0g", KeyError::NotHex { position: 1 }),
            ("€€", KeyError::NotHex { position: 0 }),
            ("abcd", KeyError::WrongLength { bytes: 2 }),
        ];
        for (text, error) in cases {
            assert_eq!(PublicKey::from_hex(text), Err(error), "{text:?}");
        }
        assert_eq!(PublicKey::from_hex(&"ab".repeat(33)), Err(KeyError::WrongLength { bytes: 33 }));
        assert_eq!(PublicKey::from_hex(&"z".repeat(64)), Err(KeyError::NotHex { position: 0 }));
    }

    #[test]
    fn low_order_points_are_refused_and_their_neighbours_are_not() {
        let gives_nothing = |point| x25519_dalek::x25519([1; KEY_LEN], point) == [0; KEY_LEN];
        for low in LOW_ORDER {
            for sign in [0, 0x80] {
                let with = |lowest: u8| {
                    let mut point = low;
                    point[0] = lowest;
                    point[KEY_LEN - 1] |= sign;
                    point
                };
                assert!(gives_nothing(with(low[0])));
                assert_eq!(PublicKey::from_bytes(with(low[0])), Err(KeyError::LowOrder));
                for point in [with(low[0].wrapping_add(3)), with(low[0].wrapping_sub(3))] {
                    assert!(!gives_nothing(point));
                    assert!(PublicKey::from_bytes(point).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = SecretKey::from_bytes([0xab; KEY_LEN]);
        assert_eq!(format!("{secret:?}"), "SecretKey(…)");
        assert!(!format!("{:?}", KeyPair::from(secret)).contains("abab"));
    }
}
