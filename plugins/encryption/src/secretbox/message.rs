//! A message as a whole: the first half block of key stream keys the tag, what comes after it covers the message.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u32x4, u32x8, u32x16};
use subtle::ConstantTimeEq;
use zeroize::{Zeroizing, optimization_barrier};

use super::lanes::Lanes;
use super::poly1305::{self, TAG_LEN};
use super::stream::{MAX_BATCH, State, batch_len, xor_batch};
use super::{Forged, KEY_LEN};

/// Encrypts in place. Gives the tag.
#[inline(always)]
pub(super) fn seal<S: Simd>(simd: S, state: &State, message: &mut [u8]) -> [u8; TAG_LEN] {
    match <S::u32s as SimdBase<S>>::LEN {
        16 => seal_in::<S, u32x16<S>>(simd, state, message),
        8 => seal_in::<S, u32x8<S>>(simd, state, message),
        _ => seal_in::<S, u32x4<S>>(simd, state, message),
    }
}

/// Decrypts in place, if the tag is right.
#[inline(always)]
pub(super) fn open<S: Simd>(simd: S, state: &State, message: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), Forged> {
    match <S::u32s as SimdBase<S>>::LEN {
        16 => open_in::<S, u32x16<S>>(simd, state, message, tag),
        8 => open_in::<S, u32x8<S>>(simd, state, message, tag),
        _ => open_in::<S, u32x4<S>>(simd, state, message, tag),
    }
}

#[inline(always)]
fn seal_in<S: Simd, V: Lanes<S>>(simd: S, state: &State, message: &mut [u8]) -> [u8; TAG_LEN] {
    let mut stream = KeyStream::begin::<S, V>(simd, state);
    let key = stream.tag_key();
    stream.xor::<S, V>(simd, state, message);
    poly1305::tag(simd, &key, message)
}

#[inline(always)]
fn open_in<S: Simd, V: Lanes<S>>(
    simd: S,
    state: &State,
    message: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<(), Forged> {
    let mut stream = KeyStream::begin::<S, V>(simd, state);
    let expected = poly1305::tag(simd, &stream.tag_key(), message);
    if !bool::from(expected.ct_eq(tag)) {
        return Err(Forged);
    }
    stream.xor::<S, V>(simd, state, message);
    Ok(())
}

/// Key stream that has not been used yet. Wiped when it is dropped.
struct KeyStream {
    batch: [u8; MAX_BATCH],
    len: usize,
}

impl KeyStream {
    /// The first batch.
    #[inline(always)]
    fn begin<S: Simd, V: Lanes<S>>(simd: S, state: &State) -> Self {
        let mut stream = Self { batch: [0; MAX_BATCH], len: batch_len::<S, V>() };
        xor_batch::<S, V>(simd, state, 0, stream.batch());
        stream
    }

    fn batch(&mut self) -> &mut [u8] {
        &mut self.batch[..self.len]
    }

    fn tag_key(&self) -> Zeroizing<[u8; KEY_LEN]> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        key.copy_from_slice(&self.batch[..KEY_LEN]);
        key
    }

    /// Adds what follows the key of the tag to the whole message.
    #[inline(always)]
    fn xor<S: Simd, V: Lanes<S>>(&mut self, simd: S, state: &State, message: &mut [u8]) {
        let blocks = V::LEN as u64;
        let head = message.len().min(self.len - KEY_LEN);
        let (head, rest) = message.split_at_mut(head);
        xor(head, &self.batch()[KEY_LEN..]);
        let mut chunks = rest.chunks_exact_mut(self.len);
        let mut counter = blocks;
        for chunk in &mut chunks {
            xor_batch::<S, V>(simd, state, counter, chunk);
            counter += blocks;
        }
        let last = chunks.into_remainder();
        if !last.is_empty() {
            self.batch().fill(0);
            xor_batch::<S, V>(simd, state, counter, self.batch());
            xor(last, self.batch());
        }
    }
}

impl Drop for KeyStream {
    fn drop(&mut self) {
        let batch = self.batch();
        batch.fill(0);
        optimization_barrier(batch);
    }
}

#[inline(always)]
fn xor(text: &mut [u8], stream: &[u8]) {
    for (byte, stream) in text.iter_mut().zip(stream) {
        *byte ^= stream;
    }
}
