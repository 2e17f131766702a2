//! Takes a fuzzer's bytes apart: small numbers first, lengths before contents, and an end that is never an error.

use ratatosk_protocol::entropy::Entropy;

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// As many bytes as a length byte says, or as there are.
    pub fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    /// Bytes repeated up to 16 times, so that short inputs make long messages.
    pub fn content(&mut self) -> Vec<u8> {
        let times = usize::from(self.byte().unwrap_or(0) % 16) + 1;
        self.bytes().repeat(times)
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.content()).into_owned()
    }
}

/// Unpredictable to nobody: the same bytes in every run.
#[derive(Clone, Default)]
pub struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(5).wrapping_add(7);
            *byte = self.0;
        }
    }
}
