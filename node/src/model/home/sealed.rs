//! The file that holds the keys of a node, sealed: its format, version 1.
//!
//! JSON: a header that anybody with the file may read (whose node it is, how it is protected), and the secrets under
//! XChaCha20-Poly1305 with the header as associated data, so that neither can be changed or exchanged alone. The key of the seal
//! comes from a passphrase by Argon2id (RFC 9106), or from a key file.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ratatosk_protocol::entropy::{Entropy, array};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The version of the format that is written, and the only one that is read.
pub(super) const FORMAT: u32 = 1;
/// The longest file of this kind, in bytes.
pub(super) const MAX_LEN: u64 = 64 * 1024;

/// The key of a seal.
pub(super) type SealKey = Zeroizing<[u8; 32]>;

const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;

/// What costs guessing a passphrase. Read from the file, so bounded: nobody shall make us take all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// KiB of memory, at most 1 GiB.
    pub memory_kib: u32,
    /// How often it is gone through, at most 64 times.
    pub passes: u32,
    /// Lanes, at most 16.
    pub lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106 §4: 64 MiB, 3 passes, 4 lanes.
    pub const STANDARD: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    const MAX: Self = Self { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };

    fn params(self) -> Option<Params> {
        let Self { memory_kib, passes, lanes } = self;
        if memory_kib > Self::MAX.memory_kib || passes > Self::MAX.passes || lanes > Self::MAX.lanes {
            return None;
        }
        Params::new(memory_kib, passes, lanes, Some(32)).ok()
    }
}

/// What opens the seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "by")]
pub(super) enum Lock {
    /// A passphrase.
    Passphrase { salt: String, cost: Cost },
    /// A file with a key.
    KeyFile {},
    /// The secrets of the home in which it lies.
    Owner {},
}

/// What stands in the file in plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) email: String,
    pub(super) instance: String,
    /// The display name at creation; the present one is in the profile.
    pub(super) name: String,
    pub(super) lock: Lock,
}

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    header: Header,
    nonce: String,
    sealed: String,
}

/// A file that was read and not opened yet.
pub(super) struct Sealed {
    pub(super) header: Header,
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

/// Why a file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SealError {
    #[error("{0}")]
    Malformed(&'static str),
    #[error("it has format {0}, and this program knows format {FORMAT} only")]
    Format(u32),
    #[error("what it says about the cost of a passphrase is out of bounds")]
    Cost,
    #[error("wrong key")]
    WrongKey,
}

impl Lock {
    /// A lock with a passphrase, with fresh salt.
    pub(super) fn passphrase(cost: Cost, entropy: &mut dyn Entropy) -> Self {
        Self::Passphrase { salt: hex::encode(array::<SALT_LEN>(entropy)), cost }
    }
}

/// The key that a passphrase stands for.
pub(super) fn derive(passphrase: &str, salt: &str, cost: Cost) -> Result<SealKey, SealError> {
    let mut raw = [0; SALT_LEN];
    hex::decode_to_slice(salt, &mut raw).map_err(|_| SealError::Malformed("its salt is not 16 bytes in hex"))?;
    let params = cost.params().ok_or(SealError::Cost)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &raw, key.as_mut_slice())
        .map_err(|_| SealError::Cost)?;
    Ok(key)
}

/// The text of a file.
pub(super) fn seal(
    header: Header,
    secrets: &[u8],
    key: &SealKey,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let nonce = array::<NONCE_LEN>(entropy);
    let associated = associated(&header)?;
    let sealed = XChaCha20Poly1305::new((&**key).into())
        .encrypt(&nonce.into(), Payload { msg: secrets, aad: &associated })
        .map_err(|_| SealError::Malformed("it cannot be sealed"))?;
    let file = File { header, nonce: hex::encode(nonce), sealed: hex::encode(sealed) };
    let mut text = serde_json::to_vec_pretty(&file).map_err(|_| SealError::Malformed("it cannot be written"))?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a file, without opening it.
pub(super) fn parse(text: &[u8]) -> Result<Sealed, SealError> {
    /// The version comes first: what else there is depends on it.
    #[derive(Deserialize)]
    struct Versioned {
        header: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    const NO_IDENTITY: SealError = SealError::Malformed("it is not the identity of a node");
    let versioned: Versioned = serde_json::from_slice(text).map_err(|_| NO_IDENTITY)?;
    if versioned.header.format != FORMAT {
        return Err(SealError::Format(versioned.header.format));
    }
    let File { header, nonce: nonce_hex, sealed } = serde_json::from_slice(text).map_err(|_| NO_IDENTITY)?;
    let mut nonce = [0; NONCE_LEN];
    hex::decode_to_slice(&nonce_hex, &mut nonce).map_err(|_| NO_IDENTITY)?;
    let sealed = hex::decode(sealed).map_err(|_| NO_IDENTITY)?;
    Ok(Sealed { header, nonce, sealed })
}

impl Sealed {
    /// The secrets.
    pub(super) fn open(&self, key: &SealKey) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let associated = associated(&self.header)?;
        XChaCha20Poly1305::new((&**key).into())
            .decrypt(&self.nonce.into(), Payload { msg: &self.sealed, aad: &associated })
            .map(Zeroizing::new)
            .map_err(|_| SealError::WrongKey)
    }
}

fn associated(header: &Header) -> Result<Vec<u8>, SealError> {
    serde_json::to_vec(header).map_err(|_| SealError::Malformed("it cannot be written"))
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::driver::os_entropy;

    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn header() -> Header {
        Header {
            format: FORMAT,
            email: "a@peer.test".to_owned(),
            instance: "laptop".to_owned(),
            name: "A".to_owned(),
            lock: Lock::passphrase(CHEAP, os_entropy().as_mut()),
        }
    }

    fn key(lock: &Lock, passphrase: &str) -> SealKey {
        let Lock::Passphrase { salt, cost } = lock else { panic!("a passphrase") };
        derive(passphrase, salt, *cost).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_the_right_passphrase_only() {
        let header = header();
        let right = key(&header.lock, "correct horse");
        let text = seal(header.clone(), b"secrets", &right, os_entropy().as_mut()).unwrap();
        let sealed = parse(&text).unwrap();
        assert_eq!(sealed.header, header);
        assert_eq!(sealed.open(&right).unwrap().as_slice(), b"secrets");
        assert_eq!(sealed.open(&key(&header.lock, "wrong horse")).unwrap_err(), SealError::WrongKey);
    }

    #[test]
    fn the_header_cannot_be_changed() {
        let header = header();
        let right = key(&header.lock, "correct horse");
        let text = String::from_utf8(seal(header, b"secrets", &right, os_entropy().as_mut()).unwrap()).unwrap();
        let changed = text.replace("a@peer.test", "b@peer.test");
        assert_eq!(parse(changed.as_bytes()).unwrap().open(&right).unwrap_err(), SealError::WrongKey);
    }

    #[test]
    fn costs_out_of_bounds_are_refused() {
        let salt = hex::encode([7; SALT_LEN]);
        for cost in [
            Cost { memory_kib: u32::MAX, ..CHEAP },
            Cost { passes: u32::MAX, ..CHEAP },
            Cost { lanes: 17, ..CHEAP },
            Cost { passes: 0, ..CHEAP },
            Cost { memory_kib: 0, ..CHEAP },
        ] {
            assert_eq!(derive("x", &salt, cost).unwrap_err(), SealError::Cost, "{cost:?}");
        }
    }

    #[test]
    fn other_formats_and_other_files_are_told_apart() {
        assert_eq!(parse(br#"{"header":{"format":2,"anything":[]}}"#).err(), Some(SealError::Format(2)));
        for text in ["", "{}", "[]", r#"{"header":{"format":1}}"#] {
            assert!(matches!(parse(text.as_bytes()), Err(SealError::Malformed(_))), "{text}");
        }
    }
}
