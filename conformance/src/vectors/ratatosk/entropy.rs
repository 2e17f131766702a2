//! Random bytes that are known beforehand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatosk_protocol::entropy::Entropy;

use crate::vectors::Answer;

/// Gives out the bytes of a vector, and notes if there are too few. Copies give out the same bytes.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Bytes>>);

#[derive(Default)]
struct Bytes {
    left: VecDeque<u8>,
    missing: usize,
}

impl Script {
    pub(super) fn of(bytes: impl Into<VecDeque<u8>>) -> Self {
        let script = Self::default();
        script.load(bytes);
        script
    }

    /// The next bytes, in place of all before.
    pub(super) fn load(&self, bytes: impl Into<VecDeque<u8>>) {
        *self.lock() = Bytes { left: bytes.into(), missing: 0 };
    }

    /// The answer, unless more or fewer bytes were taken than the vector has.
    pub(super) fn used_up(&self, answer: Answer) -> Answer {
        let bytes = self.lock();
        match (bytes.left.len(), bytes.missing) {
            (0, 0) => answer,
            (left, 0) => Answer::Error(format!("{left} random bytes were not taken")),
            (_, missing) => Answer::Error(format!("{missing} random bytes too many were taken")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for Script {
    fn fill(&mut self, buffer: &mut [u8]) {
        let mut bytes = self.lock();
        for slot in buffer {
            match bytes.left.pop_front() {
                Some(byte) => *slot = byte,
                None => bytes.missing += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_and_too_few_bytes_are_noticed() {
        let taken = |count: usize| {
            let mut script = Script::of([1, 2, 3]);
            script.fill(&mut vec![0; count]);
            script.used_up(Answer::Flag(true))
        };
        assert_eq!(taken(3), Answer::Flag(true));
        assert_eq!(taken(2), Answer::Error("1 random bytes were not taken".to_owned()));
        assert_eq!(taken(5), Answer::Error("2 random bytes too many were taken".to_owned()));
    }
}
