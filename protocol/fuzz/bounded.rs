//! A fuzzer without a fuzzer: all seeds of a target and a bounded number of changed ones, the same in every run. The tests
//! `fuzz_seeds.rs` of all packages that have fuzz targets include this file.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Changed inputs that are tried per target.
const CHANGED: usize = 4000;

/// Runs `body` over the seeds in `folder`.
pub(super) fn run(folder: &Path, body: fn(&[u8])) {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "{} has no seeds", folder.display());
    for (file, seed) in files.iter().zip(&seeds) {
        attempt(&file.display().to_string(), body, seed);
    }
    let mut random = Random(0x5eed);
    for number in 0..CHANGED {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            change(&mut input, &seeds, &mut random);
        }
        attempt(&format!("changed input {number}"), body, &input);
    }
}

fn attempt(name: &str, body: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| body(input))).is_err() {
        panic!("{name} failed: b\"{}\"", input.escape_ascii());
    }
}

/// One of the changes that fuzzers make.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let other = &seeds[random.below(seeds.len())];
    match random.below(8) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 if at < input.len() && !other.is_empty() => input[at] = other[random.below(other.len())],
        3 => input.insert(at, random.byte()),
        4 => input.truncate(at),
        5 if at < input.len() => drop(input.remove(at)),
        6 => {
            let from = random.below(other.len() + 1);
            let len = random.below((other.len() - from).min(20) + 1);
            input.splice(at..at, other[from..from + len].iter().copied());
        }
        _ => {
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
