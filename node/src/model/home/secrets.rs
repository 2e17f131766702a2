//! The four secret keys of a node.

use std::fmt;

use ratatosk_objects::sign::SignSecretKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KEY_LEN, KeyPair, SecretKey};
use zeroize::Zeroizing;

/// What a person and an instance of theirs prove themselves with (`spec/one.md §2`, `§3`). Never printed, wiped when dropped.
pub struct Secrets {
    /// The person's encryption keys: pairing, and the proof of the person in phase 6.
    pub person: KeyPair,
    /// What the person signs with.
    pub person_sign: SignSecretKey,
    /// The instance's encryption keys: every other connection.
    pub instance: KeyPair,
    /// What the instance would sign with. The protocol carries the public half and uses neither.
    pub instance_sign: SignSecretKey,
    /// All four, as they are sealed.
    bytes: Packed,
}

/// Four keys in a row: person, person sign, instance, instance sign.
const LEN: usize = 4 * KEY_LEN;

/// Wiped when it is dropped.
type Packed = Zeroizing<[u8; LEN]>;

impl Secrets {
    /// New keys.
    pub(super) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; LEN]);
        entropy.fill(bytes.as_mut_slice());
        Self::unpack(bytes)
    }

    /// The keys of [`Secrets::packed`]; `None` if these are not as many bytes.
    pub(super) fn from_packed(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self::unpack(Zeroizing::new(bytes)))
    }

    /// All four as bytes, to be sealed.
    pub(super) fn packed(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    fn unpack(bytes: Packed) -> Self {
        let key = |index: usize| {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            key.copy_from_slice(&bytes[index * KEY_LEN..][..KEY_LEN]);
            key
        };
        Self {
            person: SecretKey::from_bytes(*key(0)).into(),
            person_sign: SignSecretKey::from_bytes(&key(1)),
            instance: SecretKey::from_bytes(*key(2)).into(),
            instance_sign: SignSecretKey::from_bytes(&key(3)),
            bytes,
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}
