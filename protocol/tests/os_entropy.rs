//! The operating system's random numbers, on several threads.
#![cfg(feature = "os-entropy")]
#![allow(clippy::unwrap_used, reason = "a failed assumption in a test is a failed test")]

use std::collections::HashSet;
use std::thread;

use ratatosk_protocol::entropy::{Entropy, OsEntropy};

/// Requests from the store and beside it, as 16 bytes each.
fn draw() -> Vec<Vec<u8>> {
    let mut draws = Vec::new();
    for len in [16, 24, 257, 512, 513, 5000].repeat(20) {
        let mut bytes = vec![0; len];
        OsEntropy.fill(&mut bytes);
        draws.extend(bytes.chunks_exact(16).map(<[u8]>::to_vec));
    }
    draws
}

#[test]
fn nothing_comes_twice_on_any_thread() {
    let threads: Vec<_> = (0..3).map(|_| thread::spawn(draw)).collect();
    let draws: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).chain(draw()).collect();
    let different: HashSet<_> = draws.iter().collect();
    assert_eq!(different.len(), draws.len());
}
