//! Binary messages that tell who sent them and in which order.

/// Content of the `number`th such message of `sender`: `size` bytes that look random and can be made again.
pub(super) fn numbered(sender: &str, number: usize, size: usize) -> Vec<u8> {
    let mut state = sender.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        // FNV-1a, good enough to tell names apart.
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    state ^= (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    out.truncate(size);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_sender_show() {
        assert_eq!(numbered("c", 3, 100), numbered("c", 3, 100));
        assert_ne!(numbered("c", 3, 100), numbered("c", 4, 100));
        assert_ne!(numbered("c", 3, 100), numbered("l", 3, 100));
        assert_eq!(numbered("c", 0, 13).len(), 13);
    }
}
