//! Overwriting what must not stay in memory.

use std::hint::black_box;

/// Bytes of stack that [`wipe_stack`] clears: what one call of a plugin may have used of a guest's 64 KiB.
const STACK: usize = 16 * 1024;

/// Overwrites `bytes` with zeros, also where nobody reads them afterwards.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The zeros count as read, so that the compiler cannot leave them out.
    black_box(bytes);
}

/// Overwrites the stack that calls before this one have used and left: moved keys leave copies there.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut below = [0xff_u8; STACK];
    wipe(black_box(&mut below));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left() {
        let mut bytes = [1, 2, 3];
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 3]);
    }
}
