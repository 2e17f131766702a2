//! Numbers modulo 2^130 - 5 as five limbs of 26 bits, and a little more where a sum has not been carried yet.

/// Bits of a limb.
pub(super) const BITS: u32 = 26;

/// A limb that is full.
pub(super) const MASK: u32 = (1 << BITS) - 1;

/// What a whole block of 16 bytes has above its last byte, in the last limb.
pub(super) const ABOVE_BLOCK: u32 = 1 << 24;

/// Five limbs, the lowest first.
pub(super) type Limbs = [u32; 5];

/// The number in 16 bytes, and `above` in its last limb.
#[inline(always)]
pub(super) fn from_bytes(bytes: &[u8; 16], above: u32) -> Limbs {
    let [a, b, c, d] = words(bytes);
    split(a, b, c, d, above)
}

/// Four little-endian words.
#[inline(always)]
pub(super) fn words(bytes: &[u8; 16]) -> [u32; 4] {
    let (words, _) = bytes.as_chunks::<4>();
    [0, 1, 2, 3].map(|at| u32::from_le_bytes(words[at]))
}

#[inline(always)]
fn split(a: u32, b: u32, c: u32, d: u32, above: u32) -> Limbs {
    [a & MASK, (a >> 26 | b << 6) & MASK, (b >> 20 | c << 12) & MASK, (c >> 14 | d << 18) & MASK, d >> 8 | above]
}

/// The sum, not carried.
#[inline(always)]
pub(super) fn add(a: &Limbs, b: &Limbs) -> Limbs {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]]
}

/// The product. Limbs of `a` may have 28 bits, those of `b` come out of a product or out of bytes.
#[inline(always)]
pub(super) fn multiply(a: &Limbs, b: &Limbs) -> Limbs {
    let times = |a: u32, b: u32| u64::from(a) * u64::from(b);
    // What leaves the number at its upper end comes back at its lower one, five times.
    let five = [0, b[1] * 5, b[2] * 5, b[3] * 5, b[4] * 5];
    let row = |by: [u32; 5]| {
        times(a[0], by[0]) + times(a[1], by[1]) + times(a[2], by[2]) + times(a[3], by[3]) + times(a[4], by[4])
    };
    carry([
        row([b[0], five[4], five[3], five[2], five[1]]),
        row([b[1], b[0], five[4], five[3], five[2]]),
        row([b[2], b[1], b[0], five[4], five[3]]),
        row([b[3], b[2], b[1], b[0], five[4]]),
        row([b[4], b[3], b[2], b[1], b[0]]),
    ])
}

/// Two carries at a time, so that neither waits for the other. The second limb and the last one may keep a few bits more.
#[inline(always)]
fn carry(mut d: [u64; 5]) -> Limbs {
    let mask = u64::from(MASK);
    d[1] += d[0] >> BITS;
    d[4] += d[3] >> BITS;
    d[0] &= mask;
    d[3] &= mask;
    d[2] += d[1] >> BITS;
    d[0] += (d[4] >> BITS) * 5;
    d[1] &= mask;
    d[4] &= mask;
    d[3] += d[2] >> BITS;
    d[1] += d[0] >> BITS;
    d[2] &= mask;
    d[0] &= mask;
    d[4] += d[3] >> BITS;
    d[3] &= mask;
    [low(d[0]), low(d[1]), low(d[2]), low(d[3]), low(d[4])]
}

#[expect(clippy::cast_possible_truncation, reason = "carried limbs have 27 bits")]
#[inline(always)]
fn low(word: u64) -> u32 {
    word as u32
}

/// The one representative below 2^130 - 5, modulo 2^128, as four words. Takes the same time for any number.
pub(super) fn reduce(mut h: Limbs) -> [u32; 4] {
    // Twice around, and once more into the second limb, brings every limb below 2^26.
    for _ in 0..2 {
        let over = carry_up(&mut h, 0);
        h[0] += over * 5;
    }
    h[1] += h[0] >> BITS;
    h[0] &= MASK;
    // With 5 added, a number from 2^130 - 5 on overflows, and what remains is the number less 2^130 - 5.
    let mut less = h;
    let over = carry_up(&mut less, 5);
    let choose = 0_u32.wrapping_sub(over);
    for (limb, less) in h.iter_mut().zip(less) {
        *limb = (*limb & !choose) | (less & choose);
    }
    [h[0] | h[1] << 26, h[1] >> 6 | h[2] << 20, h[2] >> 12 | h[3] << 14, h[3] >> 18 | h[4] << 8]
}

/// Adds `carry` and carries from limb to limb. Gives what leaves the last one.
fn carry_up(h: &mut Limbs, mut carry: u32) -> u32 {
    for limb in h {
        *limb += carry;
        carry = *limb >> BITS;
        *limb &= MASK;
    }
    carry
}
