//! Vectors of 32-bit words, as wide as the machine has them: four, eight or sixteen lanes.
//!
//! Everything here is inlined, and takes closures nowhere: a function that is not inlined is compiled for the plainest
//! processor, and hands vectors over in memory.

use std::ops::{Add, BitAnd, BitOr, BitXor, Shl, Shr};

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u8x16, u32x4, u32x8, u32x16, u64x2, u64x4, u64x8};

/// The most lanes of any vector.
pub(super) const MAX_LANES: usize = 16;

/// One word for each of several blocks. Sums wrap.
pub(super) trait Lanes<S: Simd>:
    Copy
    + Add<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// Half as many words of twice the width.
    type Wide: Copy
        + Add<Output = Self::Wide>
        + BitAnd<Output = Self::Wide>
        + Shl<u32, Output = Self::Wide>
        + Shr<u32, Output = Self::Wide>;

    /// Lanes, a multiple of four.
    const LEN: usize;

    /// The same word in all lanes.
    fn splat(simd: S, word: u32) -> Self;

    /// The number of each lane, from 0.
    fn numbers(simd: S) -> Self;

    /// Lanes `4 * at` and the three after it.
    fn four(self, simd: S, at: usize) -> u32x4<S>;

    /// The opposite of [`Lanes::four`]. Takes as many as there are.
    fn from_fours(simd: S, fours: &[u32x4<S>; MAX_LANES / 4]) -> Self;

    /// The word in one lane.
    fn lane(&self, at: usize) -> u32;

    /// The same wide word in all lanes.
    fn splat_wide(simd: S, word: u64) -> Self::Wide;

    /// The products of the lower lanes and of the upper lanes.
    fn products(self, simd: S, other: Self) -> (Self::Wide, Self::Wide);

    /// The lower halves of wide words.
    fn narrow(low: Self::Wide, high: Self::Wide) -> Self;
}

macro_rules! lanes {
    ($narrow:ident, $wide:ident, $len:literal, $products:ident,
     |$four_simd:ident, $vector:ident, $at:ident| $four:expr, |$simd:ident, $fours:ident| $from_fours:expr) => {
        impl<S: Simd> Lanes<S> for $narrow<S> {
            type Wide = $wide<S>;
            const LEN: usize = $len;

            #[inline(always)]
            fn splat(simd: S, word: u32) -> Self {
                SimdBase::splat(simd, word)
            }

            #[inline(always)]
            fn numbers(simd: S) -> Self {
                const NUMBERS: [u32; MAX_LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
                Self::from_slice(simd, &NUMBERS[..$len])
            }

            #[inline(always)]
            fn four(self, $four_simd: S, $at: usize) -> u32x4<S> {
                let $vector = self;
                $four
            }

            #[inline(always)]
            fn from_fours($simd: S, $fours: &[u32x4<S>; MAX_LANES / 4]) -> Self {
                $from_fours
            }

            #[inline(always)]
            fn lane(&self, at: usize) -> u32 {
                self.as_slice()[at]
            }

            #[inline(always)]
            fn splat_wide(simd: S, word: u64) -> Self::Wide {
                SimdBase::splat(simd, word)
            }

            #[inline(always)]
            fn products(self, simd: S, other: Self) -> (Self::Wide, Self::Wide) {
                simd.$products(self, other)
            }

            #[inline(always)]
            fn narrow(low: Self::Wide, high: Self::Wide) -> Self {
                // Pairs of words whose first one is the lower half, as all that fearless_simd knows are little-endian.
                let (low, high): (Self, Self) = (low.bitcast(), high.bitcast());
                if cfg!(target_endian = "little") { low.unzip_low(high) } else { low.unzip_high(high) }
            }
        }
    };
}

lanes!(u32x4, u64x2, 4, widening_mul_u32x4, |_simd, vector, _at| vector, |_simd, fours| fours[0]);
lanes!(
    u32x8,
    u64x4,
    8,
    widening_mul_u32x8,
    |simd, vector, at| {
        let (low, high) = simd.split_u32x8(vector);
        if at == 0 { low } else { high }
    },
    |simd, fours| simd.combine_u32x4(fours[0], fours[1])
);
lanes!(
    u32x16,
    u64x8,
    16,
    widening_mul_u32x16,
    |simd, vector, at| {
        let (low, high) = simd.split_u32x16(vector);
        if at < 2 { low.four(simd, at) } else { high.four(simd, at - 2) }
    },
    |simd, fours| {
        let low = simd.combine_u32x4(fours[0], fours[1]);
        simd.combine_u32x8(low, simd.combine_u32x4(fours[2], fours[3]))
    }
);

/// Rows become columns.
#[inline(always)]
pub(super) fn transpose<S: Simd>(rows: [u32x4<S>; 4]) -> [u32x4<S>; 4] {
    let [a, b, c, d] = rows;
    let (even, odd) = (a.zip_low(c), b.zip_low(d));
    let (upper_even, upper_odd) = (a.zip_high(c), b.zip_high(d));
    [even.zip_low(odd), even.zip_high(odd), upper_even.zip_low(upper_odd), upper_even.zip_high(upper_odd)]
}

/// Four little-endian words out of 16 bytes.
#[inline(always)]
pub(super) fn words<S: Simd>(simd: S, bytes: &[u8]) -> u32x4<S> {
    to_native(u8x16::from_slice(simd, bytes).bitcast())
}

/// Adds four little-endian words to 16 bytes, without carry.
#[inline(always)]
pub(super) fn xor_words<S: Simd>(simd: S, bytes: &mut [u8], words: u32x4<S>) {
    let text = u8x16::from_slice(simd, bytes);
    (text ^ to_native(words).to_bytes()).store_slice(bytes);
}

/// Turns the bytes of every word around where the machine reads them the other way.
#[inline(always)]
fn to_native<S: Simd>(words: u32x4<S>) -> u32x4<S> {
    if cfg!(target_endian = "little") {
        return words;
    }
    let mut turned = words;
    for word in turned.as_mut_slice() {
        *word = u32::from_le(*word);
    }
    turned
}
