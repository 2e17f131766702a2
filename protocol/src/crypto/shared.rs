//! `crypto_box` with the key computed once: X25519, HSalsa20, then XSalsa20-Poly1305 with the tag first.

use std::fmt;

use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Tag, XSalsa20Poly1305};
use salsa20::cipher::consts::U10;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::key::{KEY_LEN, PublicKey, SecretKey};

/// Bytes of the Poly1305 tag in front of every ciphertext.
pub const TAG_LEN: usize = 16;

/// Bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 24;

/// A key that two peers share (`box.before`). Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SharedKey([u8; KEY_LEN]);

impl SharedKey {
    /// What the owner of `ours` and the owner of `theirs` can both compute, and nobody else.
    #[must_use]
    pub fn between(ours: &SecretKey, theirs: &PublicKey) -> Self {
        let secret = ours.diffie_hellman(theirs);
        let mut derived = salsa20::hsalsa::<U10>((&*secret).into(), &[0; 16].into());
        let key = Self(derived.into());
        derived.as_mut_slice().zeroize();
        key
    }

    /// Takes 32 bytes as a shared key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes. Whoever takes them is responsible for wiping the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Encrypts `message[TAG_LEN..]` in place and puts the tag in front of it.
    ///
    /// A `message` shorter than the tag is left as it is; callers reserve the space.
    pub(crate) fn seal_in_place(&self, nonce: &[u8; NONCE_LEN], message: &mut [u8]) {
        let Some((head, body)) = message.split_at_mut_checked(TAG_LEN) else {
            return;
        };
        // Encryption can only fail for bodies of 2^70 bytes.
        if let Ok(tag) = self.cipher().encrypt_in_place_detached(nonce.into(), &[], body) {
            head.copy_from_slice(&tag);
        }
    }

    /// Checks the tag in front and decrypts the rest in place. `None` if the tag does not fit.
    pub(crate) fn open_in_place<'a>(&self, nonce: &[u8; NONCE_LEN], message: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (head, body) = message.split_at_mut_checked(TAG_LEN)?;
        let tag = Tag::clone_from_slice(head);
        self.cipher().decrypt_in_place_detached(nonce.into(), &[], body, &tag).ok()?;
        Some(body)
    }

    fn cipher(&self) -> XSalsa20Poly1305 {
        XSalsa20Poly1305::new((&self.0).into())
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(…)")
    }
}
