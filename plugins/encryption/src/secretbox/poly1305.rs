//! Poly1305: the blocks of a message are the coefficients of a polynomial, in which the first half of the key is put.
//!
//! Blocks that lie side by side go through lanes, each by the power of the key that as many lanes make; what the lanes hold at
//! last and the blocks that do not fill all of them go the usual way, one by one.

use std::hint::black_box;

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u32x4, u32x8, u32x16};
use zeroize::Zeroizing;

use super::lanes::{Lanes, MAX_LANES, transpose, words};
use super::limbs::{self, ABOVE_BLOCK, BITS, Limbs, MASK};

/// Bytes of a block.
const BLOCK_LEN: usize = 16;

/// Bytes of a key, and of the part of it that is put into the polynomial.
pub(super) const KEY_LEN: usize = 32;

/// Bytes of a tag.
pub(super) const TAG_LEN: usize = 16;

/// From this many bytes on four lanes cost less than they save.
const LANES_FROM: usize = 192;

/// From this many bytes on all lanes of the machine do: each costs a product at the end.
const ALL_LANES_FROM: usize = 2048;

/// The tag of a message.
pub(super) fn tag<S: Simd>(simd: S, key: &[u8; KEY_LEN], message: &[u8]) -> [u8; TAG_LEN] {
    simd.vectorize(
        #[inline(always)]
        || tag_inline(simd, key, message),
    )
}

#[inline(always)]
fn tag_inline<S: Simd>(simd: S, key: &[u8; KEY_LEN], message: &[u8]) -> [u8; TAG_LEN] {
    let (point, pad) = split_key(key);
    let mut sum = Zeroizing::new([0; 5]);
    let rest = if message.len() < LANES_FROM {
        message
    } else if message.len() < ALL_LANES_FROM {
        in_lanes::<S, u32x4<S>>(simd, &mut sum, &point, message)
    } else {
        match <S::u32s as SimdBase<S>>::LEN {
            16 => in_lanes::<S, u32x16<S>>(simd, &mut sum, &point, message),
            8 => in_lanes::<S, u32x8<S>>(simd, &mut sum, &point, message),
            _ => in_lanes::<S, u32x4<S>>(simd, &mut sum, &point, message),
        }
    };
    let (blocks, last) = rest.as_chunks::<BLOCK_LEN>();
    for block in blocks {
        *sum = limbs::multiply(&limbs::add(&sum, &limbs::from_bytes(block, ABOVE_BLOCK)), &point);
    }
    if !last.is_empty() {
        let mut block = [0; BLOCK_LEN];
        block[..last.len()].copy_from_slice(last);
        block[last.len()] = 1;
        *sum = limbs::multiply(&limbs::add(&sum, &limbs::from_bytes(&block, 0)), &point);
    }
    add_pad(limbs::reduce(*sum), &pad)
}

/// Where the polynomial is evaluated, and what hides its value.
#[inline(always)]
fn split_key(key: &[u8; KEY_LEN]) -> (Zeroizing<Limbs>, Zeroizing<[u32; 4]>) {
    let mut halves = Zeroizing::new([[0; 16]; 2]);
    halves.as_flattened_mut().copy_from_slice(key);
    for at in [3, 7, 11, 15] {
        halves[0][at] &= 15;
    }
    for at in [4, 8, 12] {
        halves[0][at] &= 252;
    }
    (Zeroizing::new(limbs::from_bytes(&halves[0], 0)), Zeroizing::new(limbs::words(&halves[1])))
}

#[inline(always)]
fn add_pad(value: [u32; 4], pad: &[u32; 4]) -> [u8; TAG_LEN] {
    let mut tag = [0; TAG_LEN];
    let mut carry = 0;
    let (words, _) = tag.as_chunks_mut::<4>();
    for (place, (value, pad)) in words.iter_mut().zip(value.iter().zip(pad)) {
        let [a, b, c, d, above @ ..] = (u64::from(*value) + u64::from(*pad) + carry).to_le_bytes();
        *place = [a, b, c, d];
        carry = u64::from(above[0]);
    }
    tag
}

/// Takes as many blocks as fill all lanes again and again, at the beginning of a message. Gives the rest.
#[inline(always)]
fn in_lanes<'a, S: Simd, V: Lanes<S>>(simd: S, sum: &mut Limbs, point: &Limbs, message: &'a [u8]) -> &'a [u8] {
    let mut chunks = message.chunks_exact(V::LEN * BLOCK_LEN);
    let Some(first) = chunks.next() else {
        return message;
    };
    let mut power = Zeroizing::new(limbs::multiply(point, point));
    let mut exponent = 2;
    while exponent < V::LEN {
        *power = limbs::multiply(&power, &power);
        exponent *= 2;
    }
    let mut power = (splat::<S, V>(simd, &power, 1), splat::<S, V>(simd, &power, 5));
    let mut lanes = load::<S, V>(simd, first);
    for chunk in &mut chunks {
        let more = load::<S, V>(simd, chunk);
        // WebAssembly multiplies words to wide ones in one instruction. Compilers that see that one factor stays the same widen it
        // outside of the loop, and what is left is a multiplication of wide words, for which few processors have one.
        let product = if cfg!(target_family = "wasm") {
            let (by, five) = black_box(&power);
            multiply(simd, &lanes, by, five)
        } else {
            multiply(simd, &lanes, &power.0, &power.1)
        };
        for (lane, (product, more)) in lanes.iter_mut().zip(product.iter().zip(&more)) {
            *lane = *product + *more;
        }
    }
    if cfg!(target_family = "wasm") {
        // There it is in memory, not in registers alone.
        power = ([V::splat(simd, 0); 5], [V::splat(simd, 0); 5]);
        black_box(&power);
    }
    for lane in 0..V::LEN {
        let [a, b, c, d, e] = &lanes;
        let lane = [a.lane(lane), b.lane(lane), c.lane(lane), d.lane(lane), e.lane(lane)];
        *sum = limbs::multiply(&limbs::add(sum, &lane), point);
    }
    chunks.remainder()
}

/// The same number in all lanes.
#[inline(always)]
fn splat<S: Simd, V: Lanes<S>>(simd: S, number: &Limbs, times: u32) -> [V; 5] {
    let mut lanes = [V::splat(simd, 0); 5];
    for (lane, limb) in lanes.iter_mut().zip(number) {
        *lane = V::splat(simd, limb * times);
    }
    lanes
}

/// One block in each lane.
#[inline(always)]
fn load<S: Simd, V: Lanes<S>>(simd: S, blocks: &[u8]) -> [V; 5] {
    let zero = <u32x4<S> as Lanes<S>>::splat(simd, 0);
    let mut columns = [[zero; MAX_LANES / 4]; 4];
    for (at, four) in blocks.chunks_exact(4 * BLOCK_LEN).enumerate() {
        let rows = transpose([
            words(simd, &four[..16]),
            words(simd, &four[16..32]),
            words(simd, &four[32..48]),
            words(simd, &four[48..64]),
        ]);
        for (column, row) in columns.iter_mut().zip(&rows) {
            column[at] = *row;
        }
    }
    let [a, b, c, d] = &columns;
    let (a, b, c, d) = (V::from_fours(simd, a), V::from_fours(simd, b), V::from_fours(simd, c), V::from_fours(simd, d));
    let mask = V::splat(simd, MASK);
    [
        a & mask,
        (a >> 26 | b << 6) & mask,
        (b >> 20 | c << 12) & mask,
        (c >> 14 | d << 18) & mask,
        d >> 8 | V::splat(simd, ABOVE_BLOCK),
    ]
}

/// [`limbs::multiply`] in lanes.
#[inline(always)]
fn multiply<S: Simd, V: Lanes<S>>(simd: S, a: &[V; 5], b: &[V; 5], five: &[V; 5]) -> [V; 5] {
    let (low0, high0) = row(simd, a, [b[0], five[4], five[3], five[2], five[1]]);
    let (low1, high1) = row(simd, a, [b[1], b[0], five[4], five[3], five[2]]);
    let (low2, high2) = row(simd, a, [b[2], b[1], b[0], five[4], five[3]]);
    let (low3, high3) = row(simd, a, [b[3], b[2], b[1], b[0], five[4]]);
    let (low4, high4) = row(simd, a, [b[4], b[3], b[2], b[1], b[0]]);
    let low = carry::<S, V>(simd, [low0, low1, low2, low3, low4]);
    let high = carry::<S, V>(simd, [high0, high1, high2, high3, high4]);
    [
        V::narrow(low[0], high[0]),
        V::narrow(low[1], high[1]),
        V::narrow(low[2], high[2]),
        V::narrow(low[3], high[3]),
        V::narrow(low[4], high[4]),
    ]
}

#[inline(always)]
fn row<S: Simd, V: Lanes<S>>(simd: S, a: &[V; 5], by: [V; 5]) -> (V::Wide, V::Wide) {
    let (mut low, mut high) = a[0].products(simd, by[0]);
    for at in 1..5 {
        let (more_low, more_high) = a[at].products(simd, by[at]);
        low = low + more_low;
        high = high + more_high;
    }
    (low, high)
}

/// The carry of [`limbs`], in lanes.
#[inline(always)]
fn carry<S: Simd, V: Lanes<S>>(simd: S, mut d: [V::Wide; 5]) -> [V::Wide; 5] {
    let mask = V::splat_wide(simd, u64::from(MASK));
    d[1] = d[1] + (d[0] >> BITS);
    d[4] = d[4] + (d[3] >> BITS);
    d[0] = d[0] & mask;
    d[3] = d[3] & mask;
    let over = d[4] >> BITS;
    d[2] = d[2] + (d[1] >> BITS);
    d[0] = d[0] + (over + (over << 2));
    d[1] = d[1] & mask;
    d[4] = d[4] & mask;
    d[3] = d[3] + (d[2] >> BITS);
    d[1] = d[1] + (d[0] >> BITS);
    d[2] = d[2] & mask;
    d[0] = d[0] & mask;
    d[4] = d[4] + (d[3] >> BITS);
    d[3] = d[3] & mask;
    d
}
