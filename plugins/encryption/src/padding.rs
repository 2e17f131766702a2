//! Padding with flags (`spec/wire.md §4`): `F1 | F2 | F3 | value`.
//!
//! The high nibble of F1 holds flags, the low one the length of F2; F2 (big-endian) holds the length of F3, which is random.

/// The flag that marks the value as text.
pub const FLAG_TEXT: u8 = 0x01;

/// The largest integer that the reference counts with, 2^53 − 1.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why padding could not be added or removed. The texts are the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaddingError {
    /// There must be room for F1.
    #[error("totalLength must always be one byte larger than value.length.")]
    NoRoom,
    /// Flags are a nibble.
    #[error("Only four bits in extra flags can be stored.")]
    Flags,
    /// F1 is missing, or fewer bytes follow than it says F2 has.
    #[error("Invalid typed array length: {length}")]
    Truncated {
        /// Bytes that F2 should have; 0 if F1 is missing.
        length: usize,
    },
    /// F2 holds a number that the reference cannot count to.
    #[error("paddingLength must not be larger than Number.MAX_SAFE_INTEGER")]
    TooLong,
    /// F3 is longer than what is there.
    #[error("Start offset {offset} is outside the bounds of the buffer")]
    OutOfBounds {
        /// Where the value would begin, counted in bytes from F1.
        offset: u64,
    },
}

/// Appends `value` to `out` with so much padding that both take `total` bytes. `random` fills what it is given.
///
/// # Errors
///
/// [`PaddingError::NoRoom`] or [`PaddingError::Flags`]; `out` is then unchanged.
pub fn add(
    out: &mut Vec<u8>,
    value: &[u8],
    total: usize,
    flags: u8,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<(), PaddingError> {
    if flags > 0x0f {
        return Err(PaddingError::Flags);
    }
    let spare = total.checked_sub(value.len() + 1).ok_or(PaddingError::NoRoom)?;
    let (width, rest) = split(spare);
    out.reserve(total);
    out.push((flags << 4) | width);
    out.extend_from_slice(&(rest as u64).to_be_bytes()[8 - usize::from(width)..]);
    let start = out.len();
    out.resize(start + rest, 0);
    random(&mut out[start..]);
    out.extend_from_slice(value);
    Ok(())
}

/// How `spare` bytes are shared between F2 and F3: the shortest F2 that can hold what it leaves over.
fn split(spare: usize) -> (u8, usize) {
    if spare == 0 {
        return (0, 0);
    }
    let mut width = 1;
    loop {
        let random = spare - usize::from(width);
        if width >= 8 || (random as u64) >> (u32::from(width) * 8) == 0 {
            return (width, random);
        }
        width += 1;
    }
}

/// Finds the value in a padded message: where it begins, and its flags.
///
/// Other flags than the text one mean nothing, F2 may be longer than needed, and of more than eight bytes of F2 the first
/// eight count, as in the reference.
///
/// # Errors
///
/// [`PaddingError`] for what no sender makes.
pub fn remove(padded: &[u8]) -> Result<(usize, u8), PaddingError> {
    let (&first, rest) = padded.split_first().ok_or(PaddingError::Truncated { length: 0 })?;
    let width = usize::from(first & 0x0f);
    let field = rest.get(..width).ok_or(PaddingError::Truncated { length: width })?;
    let random = field.iter().take(8).fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    if random > MAX_SAFE_INTEGER {
        return Err(PaddingError::TooLong);
    }
    let offset = random + 1 + width as u64;
    let start = usize::try_from(offset).ok().filter(|&start| start <= padded.len());
    Ok((start.ok_or(PaddingError::OutOfBounds { offset })?, first >> 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(value: &[u8], total: usize) -> Vec<u8> {
        let mut out = Vec::new();
        add(&mut out, value, total, FLAG_TEXT, &mut |bytes| bytes.fill(7)).unwrap();
        out
    }

    #[test]
    fn the_length_takes_as_few_bytes_as_it_can() {
        assert_eq!(padded(b"v", 2), b"\x10v");
        assert_eq!(padded(b"v", 3), b"\x11\x00v");
        assert_eq!(padded(b"v", 5), b"\x11\x02\x07\x07v");
        assert_eq!(padded(b"", 257)[..3], [0x11, 0xff, 7]);
        // One byte more does not fit into one byte of length, and the second one leaves 255 to be said.
        assert_eq!(padded(b"", 258)[..4], [0x12, 0x00, 0xff, 7]);
    }

    #[test]
    fn lengths_beyond_what_is_there_are_refused() {
        let long = |low: u8| [&[0x18, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, low], &b"v"[..]].concat();
        assert_eq!(remove(&long(0xff)), Err(PaddingError::OutOfBounds { offset: (1 << 53) + 8 }));
        let mut longer = long(0x00);
        longer[2] = 0x20;
        assert_eq!(remove(&longer), Err(PaddingError::TooLong));
        assert_eq!(remove(&[0x12, 0x00]), Err(PaddingError::Truncated { length: 2 }));
    }

    #[test]
    fn only_the_first_eight_bytes_of_a_length_count() {
        let mut padded = vec![0xf9];
        padded.extend([0, 0, 0, 0, 0, 0, 0, 1, 99]);
        padded.extend(b"rv");
        assert_eq!(remove(&padded), Ok((11, 0x0f)));
    }
}
