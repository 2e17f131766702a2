//! Chance that can be had again: everything of a run comes from its seed.

use ratatosk_protocol::entropy::Entropy;

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and any seed is a good one. Nothing secret is made of it but the keys
/// of a simulation.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent source, named by a number: what one part of a run draws does not change what another does.
    pub(super) fn branch(&self, name: u64) -> Self {
        let mut seed = Self(self.0 ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(seed.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `low` to `high`, both of them possible.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// The same as an index.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// Whether something of so many percent happens.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

impl Entropy for Chance {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// A number for some bytes, so that they need not be kept to be compared (FNV-1a over words).
pub(super) fn digest(is_text: bool, bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ u64::from(is_text) ^ ((bytes.len() as u64) << 1);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
        hash ^= hash >> 29;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_branches_differ() {
        let draw = |mut chance: Chance| [chance.next(), chance.next(), chance.below(7)];
        assert_eq!(draw(Chance::new(1)), draw(Chance::new(1)));
        assert_ne!(draw(Chance::new(1)), draw(Chance::new(2)));
        assert_ne!(draw(Chance::new(1).branch(1)), draw(Chance::new(1).branch(2)));
    }

    #[test]
    fn a_digest_sees_each_byte_the_length_and_the_type() {
        let all = [
            digest(true, b""),
            digest(false, b""),
            digest(false, b"\0"),
            digest(false, b"12345678"),
            digest(false, b"12345679"),
            digest(false, b"123456789"),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
    }
}
