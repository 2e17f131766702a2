//! The masking of clients' payloads (RFC 6455 §5.3).

/// A masking key, turned to the place in the payload that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// The key for what comes `bytes` later.
    pub(super) fn after(self, bytes: usize) -> Self {
        let [a, b, c, d] = self.0;
        Self::new(match bytes % 4 {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        })
    }

    /// Unmasks in place.
    pub(super) fn remove(self, payload: &mut [u8]) {
        let len = payload.len();
        self.remove_and_move(payload, 0, 0, len);
    }

    /// Unmasks `len` bytes of `buffer` that are at `from` and moves them down to `to`.
    pub(super) fn remove_and_move(self, buffer: &mut [u8], from: usize, to: usize, len: usize) {
        let mut work = Move { buffer: &mut buffer[to..from + len], distance: from - to, done: 0, len };
        // Most in pieces that the compiler makes a few wide instructions of. The key is the same again after each.
        work.pieces::<64>(self);
        work.pieces::<16>(self);
        work.pieces::<4>(self);
        for (place, key) in (work.done..len).zip(self.0) {
            work.buffer[place] = work.buffer[place + work.distance] ^ key;
        }
    }

    fn repeated<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        for four in bytes.as_chunks_mut().0 {
            *four = self.0;
        }
        bytes
    }
}

/// Bytes on their way down.
struct Move<'a> {
    buffer: &'a mut [u8],
    distance: usize,
    done: usize,
    len: usize,
}

impl Move<'_> {
    /// As many pieces of `N` bytes, a multiple of 4, as are left.
    fn pieces<const N: usize>(&mut self, mask: Mask) {
        let key = mask.repeated::<N>();
        while self.len - self.done >= N {
            // A copy of the piece, because the place where it goes may overlap it.
            let mut piece = [0; N];
            let from = self.done + self.distance;
            piece.copy_from_slice(&self.buffer[from..from + N]);
            for (byte, key) in piece.iter_mut().zip(key) {
                *byte ^= key;
            }
            self.buffer[self.done..self.done + N].copy_from_slice(&piece);
            self.done += N;
        }
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
