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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes out of hex.
    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// Two real peers, and what each has signed for a message.
    const REAL: [[&str; 3]; 2] = [
        [
            "8a8d088b775e6267443c97ddb2d35cd72d0648e4bb27e89e62fc1b66a2b3429a",
            "42fbe42b06246fa08154713e02f05618cc44734bb25d60a30d6cfb7dfe89487e",
            "7c41275a61623161847af284e39010f9bbf685051477b9791299d2d037e69267\
             baa9352a45328682707b1a4ef275275d9c63ff82e27169bea9454633ba0bbc0b",
        ],
        [
            "dd7ea5b0bf87739d77b6f84892c45e48e9b4b819c093743133d2aec53dfc5f34",
            "f8969d7f70e3bb0f5a0be273678fd35bd6077074b181939aeee487e435a850f1",
            "26a3f156581cbee771c397b9d8436fe6be78b3ccf775d5e9627b16ebd98d2de9\
             e5e500631775728f99b106ca06442764ee5185375ee48f259740f8df05de170c",
        ],
    ];

    #[test]
    fn signatures_of_real_peers_verify() {
        let keys = REAL.map(|[key, _, _]| SignPublicKey::from_bytes(bytes(key)));
        let signed_by = REAL.map(|[_, data, signature]| {
            let (data, signature) = (data.parse().unwrap(), bytes(signature));
            let by: Vec<_> = (0..2).filter(|at| keys[*at].verify(&data, &signature)).collect();
            for bit in [0, 255, 256, 511] {
                let mut wrong = signature;
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(keys.iter().all(|key| !key.verify(&data, &wrong)), "bit {bit}");
            }
            by
        });
        assert_eq!(signed_by, [[0], [1]]);
    }

    #[test]
    fn a_signature_is_for_one_key_and_one_object() {
        let (key, other) = (SignSecretKey::from_bytes(&[1; 32]), SignSecretKey::from_bytes(&[2; 32]));
        let data = ObjectHash::from_bytes([3; 32]);
        let signature = key.sign(&data);
        assert!(key.public_key().verify(&data, &signature));
        assert!(!other.public_key().verify(&data, &signature));
        assert!(!key.public_key().verify(&ObjectHash::from_bytes([4; 32]), &signature));
        assert_eq!(SignSecretKey::from_bytes(&key.to_bytes()).public_key(), key.public_key());
    }

    /// The same signature with a group order added to its second half verifies with lax rules: not here.
    #[test]
    fn there_is_no_second_form_of_a_signature() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = SignSecretKey::from_bytes(&[1; 32]);
        let data = ObjectHash::from_bytes([3; 32]);
        let mut signature = key.sign(&data);
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!key.public_key().verify(&data, &signature));
    }

    /// With the neutral point as key and in the signature, lax rules take everything as signed.
    #[test]
    fn a_weak_key_signs_nothing() {
        let mut neutral = [0; SIGN_KEY_LEN];
        neutral[0] = 1;
        let mut signature = [0; SIGNATURE_LEN];
        signature[0] = 1;
        assert!(!SignPublicKey::from_bytes(neutral).verify(&ObjectHash::from_bytes([3; 32]), &signature));
    }

    #[test]
    fn a_secret_key_is_not_printed() {
        assert_eq!(format!("{:?}", SignSecretKey::from_bytes(&[7; 32])), "SignSecretKey(…)");
    }
}
