//! Ed25519 keys and signatures (`spec/one.md §3`): over the 64 hex digits of a hash, not over its bytes.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use ratatosk_protocol::entropy::{Entropy, array};
use zeroize::Zeroizing;

use crate::hash::ObjectHash;
use crate::typed::Key;

/// Bytes of a secret key, as it is kept, and of a public key.
pub const SIGN_KEY_LEN: usize = 32;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// A secret sign key. It is never printed, and wiped when it is dropped.
#[derive(Clone)]
pub struct SignSecretKey(SigningKey);

impl SignSecretKey {
    /// A new key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let seed: Zeroizing<[u8; SIGN_KEY_LEN]> = Zeroizing::new(array(entropy));
        Self(SigningKey::from_bytes(&seed))
    }

    /// Takes 32 bytes as a secret key (the seed of RFC 8032). Every value is one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SIGN_KEY_LEN]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// The 32 bytes, for the place where the key is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; SIGN_KEY_LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key that belongs to this one.
    #[must_use]
    pub fn public_key(&self) -> SignPublicKey {
        SignPublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs the hash of an object.
    #[must_use]
    pub fn sign(&self, data: &ObjectHash) -> [u8; SIGNATURE_LEN] {
        self.0.sign(data.to_string().as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SignSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignSecretKey(…)")
    }
}

/// A public sign key. Any 32 bytes may be announced as one; with those that are none, no signature verifies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignPublicKey([u8; SIGN_KEY_LEN]);

impl SignPublicKey {
    /// Takes 32 bytes as a public key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SIGN_KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGN_KEY_LEN] {
        &self.0
    }

    /// Whether this key's owner has signed the hash of an object. Strict: no weak keys, no second form of a signature
    /// (RFC 8032 with the checks of `verify_strict`).
    #[must_use]
    pub fn verify(&self, data: &ObjectHash, signature: &[u8; SIGNATURE_LEN]) -> bool {
        let text = data.to_string();
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok())
    }
}

impl From<Key> for SignPublicKey {
    fn from(key: Key) -> Self {
        Self(key.0)
    }
}

impl From<SignPublicKey> for Key {
    fn from(key: SignPublicKey) -> Self {
        Self(key.0)
    }
}

impl fmt::Debug for SignPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignPublicKey({})", hex::encode(self.0))
    }
}
