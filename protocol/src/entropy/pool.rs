//! Random bytes in store. Asking the operating system for a few of them costs as much as sealing a message.

use zeroize::{Zeroize, ZeroizeOnDrop, optimization_barrier};

/// Bytes in store. One page.
const POOL_LEN: usize = 4096;

/// Requests beyond this many bytes gain nothing.
pub(super) const MAX_REQUEST: usize = 512;

/// Unpredictable bytes, each handed out once and then wiped. Wiped as a whole when it is dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Pool {
    bytes: [u8; POOL_LEN],
    /// How many are left, at the beginning.
    left: usize,
}

impl Pool {
    pub(super) const EMPTY: Self = Self { bytes: [0; POOL_LEN], left: 0 };

    /// Fills `buffer`, of at most [`MAX_REQUEST`] bytes. `more` fills what it is given with bytes from the source.
    pub(super) fn take(&mut self, buffer: &mut [u8], more: impl FnOnce(&mut [u8])) {
        if self.left < buffer.len() {
            more(&mut self.bytes[self.left..]);
            self.left = POOL_LEN;
        }
        let rest = self.left.saturating_sub(buffer.len());
        let taken = &mut self.bytes[rest..self.left];
        self.left = rest;
        buffer.copy_from_slice(taken);
        taken.fill(0);
        // So that the compiler cannot leave the wiping out.
        optimization_barrier(taken);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A source of four-byte numbers that never come again. Requests here are multiples of four bytes.
    #[derive(Default)]
    struct Numbers(u32);

    impl Numbers {
        fn fill(&mut self, place: &mut [u8]) {
            for bytes in place.chunks_mut(4) {
                self.0 += 1;
                bytes.copy_from_slice(&self.0.to_be_bytes());
            }
        }
    }

    fn take(pool: &mut Pool, source: &mut Numbers, len: usize) -> Vec<u8> {
        let mut buffer = vec![0; len];
        pool.take(&mut buffer, |place| source.fill(place));
        buffer
    }

    #[test]
    fn nothing_is_handed_out_twice_and_nothing_is_left_out() {
        let (mut pool, mut source, mut seen) = (Pool::EMPTY, Numbers::default(), HashSet::new());
        for request in 0..3000 {
            for number in take(&mut pool, &mut source, 4 * (request * 7 % 129)).chunks(4) {
                assert!(seen.insert(number.to_vec()), "{number:?} came twice");
            }
        }
        assert!(!seen.contains(&[0; 4][..]), "wiped bytes were handed out");
        assert_eq!(seen.len() + pool.left / 4, source.0 as usize, "each that was made was handed out or is in store");
    }

    #[test]
    fn what_was_handed_out_is_gone() {
        let (mut pool, mut source) = (Pool::EMPTY, Numbers::default());
        for len in [4, 32, 256, MAX_REQUEST, 0, 500, 256] {
            let taken = take(&mut pool, &mut source, len);
            assert!(taken.chunks(4).all(|number| number != [0; 4]));
            assert!(pool.bytes[pool.left..].iter().all(|byte| *byte == 0));
            for number in taken.chunks(4) {
                assert!(pool.bytes.chunks(4).all(|stored| stored != number), "{number:?} is still there");
            }
        }
    }

    #[test]
    fn the_source_is_asked_when_the_store_runs_out() {
        let (mut pool, mut asked) = (Pool::EMPTY, 0);
        for _ in 0..3 * POOL_LEN / 64 {
            pool.take(&mut [0; 64], |place| {
                assert_eq!(place.len(), POOL_LEN);
                asked += 1;
            });
        }
        assert_eq!(asked, 3);
    }

    #[test]
    fn a_pool_is_wiped_with_its_thread() {
        fn on_drop<T: ZeroizeOnDrop>() {}
        on_drop::<Pool>();
        let mut pool = Pool::EMPTY;
        take(&mut pool, &mut Numbers::default(), 4);
        pool.zeroize();
        assert_eq!((pool.left, pool.bytes), (0, [0; POOL_LEN]));
    }
}
