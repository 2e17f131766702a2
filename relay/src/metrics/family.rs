//! One metric for each combination of labels, in a table that never grows.

use std::fmt;
use std::marker::PhantomData;

use super::labels::Labels;
use super::text::Text;
use super::value::{Counter, Histogram, Metric, Seconds};

/// A metric with labels.
pub(super) struct Family<L, M> {
    members: Box<[M]>,
    labels: PhantomData<fn(L)>,
}

impl<L: Labels, M> Family<L, M> {
    pub(super) fn new(member: impl Fn() -> M) -> Self {
        Self { members: L::all().iter().map(|_| member()).collect(), labels: PhantomData }
    }

    /// The one for these labels.
    pub(super) fn of(&self, labels: L) -> &M {
        &self.members[labels.index()]
    }
}

impl<L: Labels, M: Default> Default for Family<L, M> {
    fn default() -> Self {
        Self::new(M::default)
    }
}

impl<L, M> fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

/// Whether a member is worth a line.
pub(super) trait Shown {
    /// Counters are there from the first scrape, so that a rate sees their first step. Histograms have many lines and many
    /// combinations that never happen: they appear with their first observation.
    fn is_shown(&self) -> bool {
        true
    }
}

impl Shown for Counter {}
impl Shown for Seconds {}

impl Shown for Histogram {
    fn is_shown(&self) -> bool {
        !self.is_empty()
    }
}

impl<L: Labels, M: Metric + Shown> Metric for Family<L, M> {
    const KIND: &'static str = M::KIND;

    fn write(&self, text: &mut Text, name: &str, _: &[(&str, &str)]) {
        for (labels, member) in L::all().into_iter().zip(&self.members) {
            if member.is_shown() {
                member.write(text, name, &labels.pairs());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::labels::Direction;

    #[test]
    fn counters_begin_at_0_and_histograms_with_a_value() {
        let mut text = Text::default();
        let counters = Family::<Direction, Counter>::default();
        counters.of(Direction::ToConnector).add(3);
        text.metric("c_total", "Help.", &counters);
        let histograms = Family::<Direction, Histogram>::new(|| Histogram::of_numbers(&[]));
        histograms.of(Direction::ToListener).observe_number(7);
        text.metric("h", "Help.", &histograms);
        assert_eq!(
            text.into_string(),
            "# HELP commserver_c_total Help.\n# TYPE commserver_c_total counter\n\
             commserver_c_total{direction=\"to_listener\"} 0\ncommserver_c_total{direction=\"to_connector\"} 3\n\
             # HELP commserver_h Help.\n# TYPE commserver_h histogram\n\
             commserver_h_bucket{direction=\"to_listener\",le=\"+Inf\"} 1\n\
             commserver_h_sum{direction=\"to_listener\"} 7\ncommserver_h_count{direction=\"to_listener\"} 1\n"
        );
    }
}
