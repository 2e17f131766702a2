//! Salsa20, one block in each lane.

use fearless_simd::{Simd, u32x4};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::lanes::{Lanes, MAX_LANES, transpose, xor_words};

/// Bytes of a block.
const BLOCK_LEN: usize = 64;

/// The most bytes that one batch has. Modules have four lanes, and larger memory is wiped for nothing.
pub(super) const MAX_BATCH: usize = if cfg!(target_family = "wasm") { 4 } else { MAX_LANES } * BLOCK_LEN;

/// "expand 32-byte k", where Salsa20 puts it.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// What all blocks of a message begin with. The counter, words 8 and 9, is left at 0.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct State([u32; 16]);

impl State {
    pub(super) fn new(key: &[u32; 8], nonce: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = *key;
        let [n0, n1, n2, n3, n4, n5, n6, n7] = nonce;
        let nonce = [u32::from_le_bytes([n0, n1, n2, n3]), u32::from_le_bytes([n4, n5, n6, n7])];
        let [c0, c1, c2, c3] = CONSTANTS;
        Self([c0, a, b, c, d, c1, nonce[0], nonce[1], 0, 0, c2, e, f, g, h, c3])
    }
}

/// Bytes of a batch: one block from each of these lanes.
pub(super) const fn batch_len<S: Simd, V: Lanes<S>>() -> usize {
    V::LEN * BLOCK_LEN
}

/// Adds as many blocks of key stream as there are lanes to `place`, beginning with block `counter`, a multiple of the lanes.
///
/// A function of its own: it is large, and called in several places.
pub(super) fn xor_batch<S: Simd, V: Lanes<S>>(simd: S, state: &State, counter: u64, place: &mut [u8]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let blocks = permute::<S, V>(simd, state, counter);
            xor_blocks(simd, &blocks, place);
        },
    );
}

#[inline(always)]
fn permute<S: Simd, V: Lanes<S>>(simd: S, state: &State, counter: u64) -> [V; 16] {
    let mut start = [V::splat(simd, 0); 16];
    for (lanes, word) in start.iter_mut().zip(&state.0) {
        *lanes = V::splat(simd, *word);
    }
    // The lower word does not overflow inside a batch, because the counter is a multiple of the lanes.
    let [c0, c1, c2, c3, c4, c5, c6, c7] = counter.to_le_bytes();
    start[8] = V::splat(simd, u32::from_le_bytes([c0, c1, c2, c3])) + V::numbers(simd);
    start[9] = V::splat(simd, u32::from_le_bytes([c4, c5, c6, c7]));
    let mut x = start;
    // Twenty rounds, and no loop: registers do not hold all words, and some compilers put every one into memory around a loop.
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    double_round(&mut x);
    for (word, first) in x.iter_mut().zip(&start) {
        *word = *word + *first;
    }
    x
}

/// Columns, then rows.
#[inline(always)]
fn double_round<S: Simd, V: Lanes<S>>(x: &mut [V; 16]) {
    quarter_round(x, [0, 4, 8, 12]);
    quarter_round(x, [5, 9, 13, 1]);
    quarter_round(x, [10, 14, 2, 6]);
    quarter_round(x, [15, 3, 7, 11]);
    quarter_round(x, [0, 1, 2, 3]);
    quarter_round(x, [5, 6, 7, 4]);
    quarter_round(x, [10, 11, 8, 9]);
    quarter_round(x, [15, 12, 13, 14]);
}

#[inline(always)]
fn quarter_round<S: Simd, V: Lanes<S>>(x: &mut [V; 16], [a, b, c, d]: [usize; 4]) {
    x[b] = x[b] ^ rotate(x[a] + x[d], 7);
    x[c] = x[c] ^ rotate(x[b] + x[a], 9);
    x[d] = x[d] ^ rotate(x[c] + x[b], 13);
    x[a] = x[a] ^ rotate(x[d] + x[c], 18);
}

#[inline(always)]
fn rotate<S: Simd, V: Lanes<S>>(words: V, left: u32) -> V {
    (words << left) | (words >> (32 - left))
}

#[inline(always)]
fn xor_blocks<S: Simd, V: Lanes<S>>(simd: S, x: &[V; 16], place: &mut [u8]) {
    for (four, blocks) in place.chunks_exact_mut(4 * BLOCK_LEN).enumerate() {
        for quarter in 0..4 {
            let at = 4 * quarter;
            let rows: [u32x4<S>; 4] = [
                x[at].four(simd, four),
                x[at + 1].four(simd, four),
                x[at + 2].four(simd, four),
                x[at + 3].four(simd, four),
            ];
            for (block, column) in transpose(rows).iter().enumerate() {
                let at = block * BLOCK_LEN + quarter * 16;
                xor_words(simd, &mut blocks[at..at + 16], *column);
            }
        }
    }
}
