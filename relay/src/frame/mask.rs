//! The masking of clients' payloads (RFC 6455 §5.3).

/// What is done at once. Long enough for the compiler to use whatever the machine has for it.
const BLOCK: usize = 64;

/// A masking key, turned to the place in the payload that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// The key for what comes `bytes` later.
    pub(super) fn after(mut self, bytes: usize) -> Self {
        self.0.rotate_left(bytes % 4);
        self
    }

    /// Unmasks in place.
    pub(super) fn remove(self, payload: &mut [u8]) {
        let key = self.block();
        let (blocks, rest) = payload.as_chunks_mut();
        for block in blocks {
            xor(block, &key);
        }
        self.remove_few(rest);
    }

    /// Unmasks `len` bytes of `buffer` that are at `from` and moves them down to `to`.
    pub(super) fn remove_and_move(self, buffer: &mut [u8], from: usize, to: usize, len: usize) {
        debug_assert!(to <= from, "what is not read yet would be overwritten");
        if from == to {
            return self.remove(&mut buffer[from..from + len]);
        }
        let key = self.block();
        let buffer = &mut buffer[to..from + len];
        let distance = from - to;
        let mut at = 0;
        while at + BLOCK <= len {
            // A copy of the block, because the place where it goes may overlap it.
            let mut block = [0; BLOCK];
            block.copy_from_slice(&buffer[at + distance..at + distance + BLOCK]);
            xor(&mut block, &key);
            buffer[at..at + BLOCK].copy_from_slice(&block);
            at += BLOCK;
        }
        // The key is the same again after each block.
        buffer.copy_within(at + distance.., at);
        self.remove_few(&mut buffer[at..len]);
    }

    fn remove_few(self, payload: &mut [u8]) {
        for (byte, key) in payload.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
    }

    fn block(self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        for four in block.as_chunks_mut::<4>().0 {
            *four = self.0;
        }
        block
    }
}

fn xor(block: &mut [u8; BLOCK], key: &[u8; BLOCK]) {
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn naive(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
        payload.iter().enumerate().map(|(place, byte)| byte ^ key[place % 4]).collect()
    }

    proptest! {
        #[test]
        fn it_is_the_key_again_and_again(payload in vec(any::<u8>(), 0..400), key: [u8; 4], cut in 0..400_usize) {
            let cut = cut.min(payload.len());
            let mut bytes = payload.clone();
            Mask::new(key).remove(&mut bytes[..cut]);
            Mask::new(key).after(cut).remove(&mut bytes[cut..]);
            prop_assert_eq!(bytes, naive(&payload, key));
        }

        #[test]
        fn moving_changes_nothing_else(
            buffer in vec(any::<u8>(), 400), key: [u8; 4], to in 0..20_usize, by in 0..80_usize, len in 0..300_usize,
        ) {
            let mut bytes = buffer.clone();
            let from = to + by;
            Mask::new(key).remove_and_move(&mut bytes, from, to, len);
            prop_assert_eq!(&bytes[..to], &buffer[..to]);
            prop_assert_eq!(&bytes[to..to + len], &naive(&buffer[from..from + len], key)[..]);
            prop_assert_eq!(&bytes[from + len..], &buffer[from + len..]);
        }
    }
}
