//! Boxes that carry their nonce: `nonce(24) ‖ tag(16) ‖ ciphertext` (`spec/wire.md §2`).

use super::shared::{NONCE_LEN, SharedKey, TAG_LEN};
use crate::entropy::{Entropy, array};

/// Bytes that a box adds to its content.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// Encrypts `content` under a fresh random nonce.
pub fn seal(key: &SharedKey, content: &[u8], entropy: &mut dyn Entropy) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = array(entropy);
    let mut out = Vec::with_capacity(OVERHEAD + content.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&[0; TAG_LEN]);
    out.extend_from_slice(content);
    key.seal_in_place(&nonce, &mut out[NONCE_LEN..]);
    out
}

/// Decrypts what [`seal`] made.
///
/// # Errors
///
/// [`BoxError::ShortNonce`] below 24 bytes, else [`BoxError::Decryption`].
pub fn open(key: &SharedKey, boxed: &[u8]) -> Result<Vec<u8>, BoxError> {
    let (nonce, rest) = boxed.split_first_chunk::<NONCE_LEN>().ok_or(BoxError::ShortNonce)?;
    let mut message = rest.to_vec();
    key.open_in_place(nonce, &mut message).ok_or(BoxError::Decryption)?;
    // In place, so that no second copy of the content stays behind.
    message.drain(..TAG_LEN);
    Ok(message)
}

/// Why a box could not be opened. The texts are the reference's, which puts them into close reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// Shorter than a nonce.
    #[error("bad nonce size")]
    ShortNonce,
    /// Made with other keys, changed on its way, or too short for a tag.
    #[error("CYENC-SYMDEC: Decryption with symmetric key failed")]
    Decryption,
}
