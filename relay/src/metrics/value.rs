//! What a metric is made of: numbers that any task may change at any time, without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::text::Text;

/// Something that is exported under a name.
pub(super) trait Metric {
    /// What Prometheus calls it.
    const KIND: &'static str;

    /// Writes its samples.
    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]);
}

/// A count that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }
}

impl Metric for Counter {
    const KIND: &'static str = "counter";

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        text.sample(name, labels, self.0.load(Relaxed));
    }
}

/// Time that adds up, in microseconds inside and seconds outside.
#[derive(Debug, Default)]
pub(super) struct Seconds(AtomicU64);

impl Seconds {
    pub(super) fn add(&self, time: Duration) {
        self.0.fetch_add(micros(time), Relaxed);
    }
}

impl Metric for Seconds {
    const KIND: &'static str = "counter";

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        text.sample(name, labels, scaled(self.0.load(Relaxed), MICROS));
    }
}

/// An amount that comes and goes.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicI64);

impl Gauge {
    pub(super) fn add(&self, difference: i64) {
        self.0.fetch_add(difference, Relaxed);
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

impl Metric for Gauge {
    const KIND: &'static str = "gauge";

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        text.sample(name, labels, self.get());
    }
}

/// How values are spread over fixed buckets.
#[derive(Debug)]
pub(super) struct Histogram {
    /// Upper bounds, rising; values in the unit inside.
    bounds: &'static [u64],
    /// How many units inside make one outside.
    scale: u32,
    /// One more than bounds: the last is for what is above them all.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// Durations are kept in microseconds.
const MICROS: u32 = 1_000_000;

impl Histogram {
    /// Of durations; the bounds are in microseconds.
    pub(super) fn of_seconds(bounds: &'static [u64]) -> Self {
        Self::new(bounds, MICROS)
    }

    /// Of numbers.
    pub(super) fn of_numbers(bounds: &'static [u64]) -> Self {
        Self::new(bounds, 1)
    }

    fn new(bounds: &'static [u64], scale: u32) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, scale, buckets, sum: AtomicU64::new(0) }
    }

    /// Takes a duration.
    pub(super) fn observe(&self, time: Duration) {
        self.observe_number(micros(time));
    }

    /// Takes a number in the unit inside.
    pub(super) fn observe_number(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
    }

    /// Nothing was observed yet.
    pub(super) fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.load(Relaxed) == 0)
    }
}

impl Metric for Histogram {
    const KIND: &'static str = "histogram";

    fn write(&self, text: &mut Text, name: &str, labels: &[(&str, &str)]) {
        let bucket_name = format!("{name}_bucket");
        let mut count = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Relaxed);
            let bound = match self.bounds.get(place) {
                Some(bound) => scaled(*bound, self.scale).to_string(),
                None => "+Inf".to_owned(),
            };
            text.sample(&bucket_name, &[labels, &[("le", &bound)]].concat(), count);
        }
        text.sample(&format!("{name}_sum"), labels, scaled(self.sum.load(Relaxed), self.scale));
        text.sample(&format!("{name}_count"), labels, count);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn scaled(value: u64, scale: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows nothing but floating point")]
    let value = value as f64;
    value / f64::from(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(metric: &impl Metric) -> String {
        let mut text = Text::default();
        metric.write(&mut text, "m", &[("a", "b")]);
        text.into_string()
    }

    #[test]
    fn buckets_are_cumulative_and_bounds_belong_to_them() {
        let histogram = Histogram::of_seconds(&[1_000, 10_000_000]);
        for micros in [1_000, 1_001, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        assert_eq!(
            written(&histogram),
            "commserver_m_bucket{a=\"b\",le=\"0.001\"} 1\ncommserver_m_bucket{a=\"b\",le=\"10\"} 2\n\
             commserver_m_bucket{a=\"b\",le=\"+Inf\"} 3\ncommserver_m_sum{a=\"b\"} 10.002002\n\
             commserver_m_count{a=\"b\"} 3\n"
        );
    }

    #[test]
    fn numbers_are_not_scaled() {
        let histogram = Histogram::of_numbers(&[1, 2]);
        histogram.observe_number(2);
        assert!(written(&histogram).contains("le=\"2\"} 1\n"));
        assert!(written(&histogram).contains("sum{a=\"b\"} 2\n"));
    }

    #[test]
    fn time_adds_up() {
        let seconds = Seconds::default();
        seconds.add(Duration::from_millis(250));
        seconds.add(Duration::from_secs(1));
        assert_eq!(written(&seconds), "commserver_m{a=\"b\"} 1.25\n");
    }

    #[test]
    fn a_gauge_goes_both_ways() {
        let gauge = Gauge::default();
        gauge.add(5);
        gauge.add(-7);
        assert_eq!(written(&gauge), "commserver_m{a=\"b\"} -2\n");
    }
}
