//! The four secret keys of a node.

use std::fmt;

use hkdf::Hkdf;
use ratatosk_objects::sign::SignSecretKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KEY_LEN, KeyPair, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::sealed::SealKey;

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

/// What opens the home of one AI. Wiped when it is dropped.
#[derive(Clone)]
pub struct AgentKey(pub(super) SealKey);

/// What is said before the e-mail, so that nothing else that may ever be derived is the same.
const AGENT_KEY: &[u8] = b"ratatosk: the home of an agent, version 1\0";

/// Four keys in a row: person, person sign, instance, instance sign.
const LEN: usize = 4 * KEY_LEN;

/// Wiped when it is dropped.
type Packed = Zeroizing<[u8; LEN]>;

impl Secrets {
    /// What opens the home of the AI with this e-mail: it follows from our secrets, so whoever opens ours can open it, also after
    /// the passphrase was changed, and no key lies on the disk. HKDF-SHA256 (RFC 5869).
    #[must_use]
    pub fn agent_key(&self, email: &str) -> AgentKey {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        // 32 bytes are far below what one expansion can give.
        let derived = Hkdf::<Sha256>::new(None, self.bytes.as_slice())
            .expand_multi_info(&[AGENT_KEY, email.as_bytes()], key.as_mut_slice());
        debug_assert!(derived.is_ok());
        AgentKey(key)
    }

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
