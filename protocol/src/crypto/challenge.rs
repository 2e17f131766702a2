//! The proof of a registration: 64 random bytes go out boxed and come back bit-negated (`spec/wire.md §2`).

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::boxed::{self, BoxError};
use super::shared::SharedKey;
use crate::entropy::{Entropy, array};

/// Random bytes in a challenge.
pub const CHALLENGE_LEN: usize = 64;

/// A challenge that was sent and waits for its answer. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Challenge([u8; CHALLENGE_LEN]);

impl Challenge {
    /// A new challenge and the box that carries it.
    pub fn issue(key: &SharedKey, entropy: &mut dyn Entropy) -> (Self, Vec<u8>) {
        let challenge = Self(array(entropy));
        let boxed = boxed::seal(key, &challenge.0, entropy);
        (challenge, boxed)
    }

    /// Whether `response` is a box around the negated challenge. The comparison takes the same time for any content.
    ///
    /// # Errors
    ///
    /// [`BoxError`] if the box does not open.
    pub fn accepts(&self, key: &SharedKey, response: &[u8]) -> Result<bool, BoxError> {
        let mut plain = boxed::open(key, response)?;
        negate(&mut plain);
        let accepted = plain.as_slice().ct_eq(&self.0).into();
        plain.zeroize();
        Ok(accepted)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

/// Answers a challenge of any length: opens it, negates every bit, and boxes it under a fresh nonce.
///
/// # Errors
///
/// [`BoxError`] if the box does not open.
pub fn respond(key: &SharedKey, challenge: &[u8], entropy: &mut dyn Entropy) -> Result<Vec<u8>, BoxError> {
    let mut plain = boxed::open(key, challenge)?;
    negate(&mut plain);
    let response = boxed::seal(key, &plain, entropy);
    plain.zeroize();
    Ok(response)
}

fn negate(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}
