//! Points in time, as version nodes and entries of lists have them.

/// The last point in time that a `Date` of JavaScript can hold, in milliseconds since 1970.
pub const MAX_TIMESTAMP: Timestamp = 8_640_000_000_000_000;

/// Milliseconds since 1970 (`creationTime` and `timestamp`, `spec/one.md §4`), 0 to [`MAX_TIMESTAMP`].
pub type Timestamp = u64;

/// A number of somebody else as a point in time, if it is one: whole, and in the range.
pub(crate) fn from_number(number: f64) -> Option<Timestamp> {
    let valid = number.fract() == 0.0 && (0.0..=to_number(MAX_TIMESTAMP)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and in the range")]
    valid.then_some(number as Timestamp)
}

/// A point in time as a number; one beyond the range is the last one in it.
pub(crate) fn to_number(timestamp: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53 every whole number is one of f64, too")]
    let number = timestamp.min(MAX_TIMESTAMP) as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_points_in_time() {
        for timestamp in [0, 1, 1_700_000_000_000, MAX_TIMESTAMP] {
            assert_eq!(from_number(to_number(timestamp)), Some(timestamp));
        }
        for number in [-1.0, 0.5, f64::NAN, f64::INFINITY, 8.64e15 + 1.0, 1e300, -8.64e15] {
            assert_eq!(from_number(number), None, "{number}");
        }
        assert_eq!(to_number(u64::MAX), 8.64e15);
    }
}
