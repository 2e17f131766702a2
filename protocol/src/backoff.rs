//! How long to wait before trying again (`spec/phases.md`).

use std::time::Duration;

use crate::entropy::{Entropy, array};

/// The reference's steps. The last one repeats.
pub const DEFAULT_STEPS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
];

/// Growing delays with full jitter: each is drawn evenly from zero to the step, so that peers which lost the same
/// CommServer do not come back together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    steps: Vec<Duration>,
    failures: usize,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(&DEFAULT_STEPS)
    }
}

impl Backoff {
    /// With other steps. Without any, the first of the default ones repeats.
    #[must_use]
    pub fn new(steps: &[Duration]) -> Self {
        let steps = if steps.is_empty() { DEFAULT_STEPS[..1].to_vec() } else { steps.to_vec() };
        Self { steps, failures: 0 }
    }

    /// The delay after one more failure.
    pub fn next(&mut self, entropy: &mut dyn Entropy) -> Duration {
        let step = self.limit();
        self.failures = self.failures.saturating_add(1);
        let random = u64::from_be_bytes(array(entropy));
        let nanos = (u128::from(random) * step.as_nanos()) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The longest that the next delay can be.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.steps[self.failures.min(self.steps.len() - 1)]
    }

    /// A connection has lasted: the next failure begins with the first step again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn the_last_step_repeats() {
        let mut backoff = Backoff::default();
        let limits: Vec<u64> = (0..8)
            .map(|_| {
                let limit = backoff.limit();
                backoff.next(&mut Fixed(0));
                limit.as_secs()
            })
            .collect();
        assert_eq!(limits, [5, 10, 20, 30, 60, 120, 120, 120]);
        backoff.reset();
        assert_eq!(backoff.limit(), DEFAULT_STEPS[0]);
    }

    #[test]
    fn a_delay_lies_between_zero_and_its_step() {
        assert_eq!(Backoff::default().next(&mut Fixed(0)), Duration::ZERO);
        let longest = Backoff::default().next(&mut Fixed(0xff));
        assert!(longest < DEFAULT_STEPS[0] && longest > DEFAULT_STEPS[0] - Duration::from_micros(1));
        assert_eq!(Backoff::default().next(&mut Fixed(0x80)).as_millis(), 2509);
    }
}
