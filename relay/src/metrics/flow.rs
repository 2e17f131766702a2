//! What the two directions of a pair report while bytes pass through.

use std::sync::Arc;
use std::time::Instant;

use super::Metrics;
use super::labels::Direction;

/// The meter of one direction. What it says about the present (bytes held, waiting) is undone when it is dropped.
#[derive(Debug)]
pub(crate) struct Flow {
    metrics: Arc<Metrics>,
    direction: Direction,
    held: Held,
    /// Since when the receiver has not taken what waits for it.
    blocked: Option<Instant>,
}

impl Flow {
    /// A direction in which nothing has passed.
    pub(crate) fn new(metrics: &Arc<Metrics>, direction: Direction) -> Self {
        Self { metrics: Arc::clone(metrics), direction, held: Held::new(metrics), blocked: None }
    }

    /// So many frames with so many bytes of content were handed on. Once per read is often enough.
    pub(crate) fn forwarded(&self, frames: u64, bytes: u64) {
        self.metrics.forwarded_frames.of(self.direction).add(frames);
        self.metrics.forwarded_bytes.of(self.direction).add(bytes);
    }

    /// So many bytes were taken from the sender and wait for the receiver now.
    pub(crate) fn set_held(&mut self, bytes: usize) {
        self.held.set(bytes);
    }

    /// Whether something waits that the receiver does not take at the moment.
    pub(crate) fn set_blocked(&mut self, blocked: bool) {
        match (blocked, self.blocked) {
            (true, None) => self.blocked = Some(Instant::now()),
            (false, Some(since)) => {
                self.metrics.backpressure.add(since.elapsed());
                self.blocked = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.set_blocked(false);
    }
}

/// Bytes that somebody keeps for somebody else, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Held {
    metrics: Arc<Metrics>,
    bytes: i64,
}

impl Held {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Self {
        Self { metrics: Arc::clone(metrics), bytes: 0 }
    }

    /// So many now.
    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if bytes != self.bytes {
            self.metrics.buffered_bytes.add(bytes - self.bytes);
            self.bytes = bytes;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::text::Text;
    use crate::metrics::value::Metric;

    fn backpressure(metrics: &Metrics) -> f64 {
        let mut text = Text::default();
        metrics.backpressure.write(&mut text, "b", &[]);
        text.into_string().trim_start_matches("commserver_b ").trim().parse().unwrap()
    }

    #[test]
    fn what_is_held_is_given_back() {
        let metrics = Arc::new(Metrics::default());
        let mut one = Flow::new(&metrics, Direction::ToListener);
        let mut other = Held::new(&metrics);
        one.set_held(100);
        other.set(50);
        one.set_held(30);
        assert_eq!(metrics.buffered_bytes.get(), 80);
        drop(one);
        assert_eq!(metrics.buffered_bytes.get(), 50);
        drop(other);
        assert_eq!(metrics.buffered_bytes.get(), 0);
    }

    #[test]
    fn waiting_is_counted_when_it_ends_however_it_ends() {
        let metrics = Arc::new(Metrics::default());
        let mut flow = Flow::new(&metrics, Direction::ToConnector);
        flow.set_blocked(false);
        assert_eq!(backpressure(&metrics), 0.0);
        for end in [false, true] {
            let before = backpressure(&metrics);
            flow.set_blocked(true);
            flow.set_blocked(true);
            let since = Instant::now();
            while since.elapsed().as_millis() < 2 {
                std::hint::spin_loop();
            }
            if end {
                drop(flow);
                assert!(backpressure(&metrics) >= before + 0.002);
                return;
            }
            flow.set_blocked(false);
            assert!(backpressure(&metrics) >= before + 0.002);
        }
    }
}
