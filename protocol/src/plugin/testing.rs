//! What the tests of the plugins share.

use std::time::Instant;

use super::{Incoming, Plugin, Stack};
use crate::entropy::Entropy;

/// Leaves zeros where random bytes should be.
pub(super) struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// An open connection with these plugins, and the time at which it was opened.
pub(super) fn open(plugins: Vec<Box<dyn Plugin>>) -> (Stack, Instant) {
    let now = Instant::now();
    let mut stack = Stack::new(plugins, Box::new(Zeros)).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    (stack, now)
}
