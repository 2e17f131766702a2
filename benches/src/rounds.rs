//! Turns, and what is left of them.

use crate::{Outcome, median};

/// Figures of one contender, one for each round.
pub type Series = Vec<f64>;

/// Lets the contenders take turns: A B C A B C …. Gives the figures of each.
///
/// # Errors
///
/// The first turn's that fails.
pub fn turns<T>(rounds: usize, contenders: &[T], mut turn: impl FnMut(&T) -> Outcome<f64>) -> Outcome<Vec<Series>> {
    let mut series = vec![Series::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, series) in contenders.iter().zip(&mut series) {
            series.push(turn(contender)?);
        }
    }
    Ok(series)
}

/// The median of the rounds' ratios.
#[must_use]
pub fn ratio(own: &[f64], other: &[f64]) -> f64 {
    median(own.iter().zip(other).map(|(own, other)| own / other).collect())
}

/// The value below which `part` of the sorted values lie. `NaN` of none.
#[must_use]
pub fn percentile(sorted: &[f64], part: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the slice")]
    let place = (sorted.len() as f64 * part) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_in_every_round() {
        let mut order = Vec::new();
        let series = turns(2, &["a", "b"], |name| {
            order.push(*name);
            Ok(order.len() as f64)
        });
        assert_eq!(series.unwrap(), [[1.0, 3.0], [2.0, 4.0]]);
        assert_eq!(order, ["a", "b", "a", "b"]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|part| percentile(&values, part)), [0.0, 50.0, 99.0, 99.0]);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        assert!((ratio(&[2.0, 30.0, 8.0], &[1.0, 10.0, 2.0]) - 3.0).abs() < f64::EPSILON);
    }
}
