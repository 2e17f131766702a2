//! XSalsa20-Poly1305 (`crypto_secretbox` of NaCl) for nonces that count: many blocks at a time, in safe code.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | `lanes` | vectors of any width, from `fearless_simd`, which also finds out what the processor has |
//! | `stream` | Salsa20 |
//! | `limbs`, `poly1305` | the tag |
//! | `message` | both together |
//!
//! One source for every machine: sixteen blocks with AVX-512, eight with AVX2, four elsewhere and in WebAssembly. That it gives
//! what the audited crates give, byte for byte, is what the tests and a fuzz target are for.

mod lanes;
mod limbs;
mod message;
mod poly1305;
mod stream;
#[cfg(test)]
mod tests;

use fearless_simd::{Level, dispatch};
use salsa20::cipher::consts::U10;
use zeroize::{Zeroize, ZeroizeOnDrop};

use self::stream::State;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;

/// Bytes of a tag.
pub const TAG_LEN: usize = poly1305::TAG_LEN;

/// A key, ready for nonces that begin with 16 zero bytes. Wiped when it is dropped.
///
/// HSalsa20 of key and these bytes is the same for every message, so it is computed once.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secretbox {
    key: [u32; 8],
    /// Which vectors to use.
    #[zeroize(skip)]
    level: Level,
}

/// The tag does not belong to the message: another key, another nonce, or a change on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

impl Secretbox {
    /// For messages under `key`, with the widest vectors that the processor has.
    #[must_use]
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        Self::at(Level::new(), key)
    }

    /// With the vectors that every processor of the architecture has. Those of x86-64 are as wide as those of WebAssembly,
    /// which makes this what a module is to be measured against.
    #[must_use]
    pub fn with_common_vectors(key: &[u8; KEY_LEN]) -> Self {
        Self::at(Level::baseline(), key)
    }

    fn at(level: Level, key: &[u8; KEY_LEN]) -> Self {
        let mut derived = salsa20::hsalsa::<U10>(key.into(), &[0; 16].into());
        let mut words = Self { key: [0; 8], level };
        let (bytes, _) = derived.as_chunks::<4>();
        for (word, bytes) in words.key.iter_mut().zip(bytes) {
            *word = u32::from_le_bytes(*bytes);
        }
        derived.as_mut_slice().zeroize();
        words
    }

    /// Encrypts in place. Gives the tag. `nonce` is the end of the nonce, which begins with 16 zero bytes.
    #[must_use]
    pub fn seal(&self, nonce: [u8; 8], message: &mut [u8]) -> [u8; TAG_LEN] {
        self.seal_at(self.level, nonce, message)
    }

    /// Decrypts in place.
    ///
    /// # Errors
    ///
    /// [`Forged`], and the message is left as it is. Comparing tags takes the same time wherever they differ.
    pub fn open(&self, nonce: [u8; 8], message: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
        self.open_at(self.level, nonce, message, tag)
    }

    fn seal_at(&self, level: Level, nonce: [u8; 8], message: &mut [u8]) -> [u8; TAG_LEN] {
        let state = State::new(&self.key, nonce);
        dispatch!(level, simd => message::seal(simd, &state, message))
    }

    fn open_at(&self, level: Level, nonce: [u8; 8], message: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
        let state = State::new(&self.key, nonce);
        dispatch!(level, simd => message::open(simd, &state, message, tag))
    }
}
