//! Sizes and times for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// A size.
pub(super) fn bytes(size: u64) -> String {
    let units = ["kB", "MB", "GB"];
    if size < 1000 {
        return format!("{size} bytes");
    }
    let mut value = size / 100;
    let mut unit = 0;
    while value >= 10_000 && unit + 1 < units.len() {
        value /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", value / 10, value % 10, units[unit])
}

/// Milliseconds, as a time that somebody has waited.
pub(super) fn age(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Parameters of a model.
pub(super) fn parameters(number: u64) -> String {
    match number {
        0..1_000_000 => format!("{number} parameters"),
        1_000_000..1_000_000_000 => format!("{} M parameters", number / 1_000_000),
        _ => format!("{}.{} B parameters", number / 1_000_000_000, number / 100_000_000 % 10),
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let cases =
            [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (200_000, "200.0 kB"), (1_500_000, "1.5 MB")];
        for (size, shown) in cases {
            assert_eq!(bytes(size), shown);
        }
    }

    #[test]
    fn times_and_numbers_are_short() {
        for (millis, shown) in [(900, "0 s"), (61_000, "1 min"), (7_260_000, "2 h 1 min"), (200_000_000, "2 days")] {
            assert_eq!(age(millis), shown);
        }
        for (number, shown) in
            [(5, "5 parameters"), (134_515_008, "134 M parameters"), (1_720_000_000, "1.7 B parameters")]
        {
            assert_eq!(parameters(number), shown);
        }
    }
}
