//! Numbers as ECMAScript writes them (`Number::toString`, ECMA-262 §6.1.6.1.20; `spec/one.md §4`).

/// Appends a number: `null` for all that are not finite, as JSON has it; no sign for zero.
pub(crate) fn write(number: f64, out: &mut String) {
    if number.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(number));
    } else {
        out.push_str("null");
    }
}

/// Reads what [`write`] writes, and refuses every other way to write the same number.
pub(crate) fn read(text: &str) -> Option<f64> {
    if text == "null" {
        return Some(f64::NAN);
    }
    // Rust's reader knows more than digits ("inf", "+1"): what it makes of them is written otherwise.
    let number: f64 = text.parse().ok()?;
    let mut canonical = String::new();
    write(number, &mut canonical);
    (canonical == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: f64) -> String {
        let mut out = String::new();
        write(number, &mut out);
        out
    }

    #[test]
    fn as_javascript_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"),
            (1e-6, "0.000001"),
            (1.25e-6, "0.00000125"),
            (1e-7, "1e-7"),
            (-1.25e-7, "-1.25e-7"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            assert_eq!(written(number), text);
        }
    }

    /// `….25` lies halfway between two texts that both stand for it.
    #[test]
    fn of_two_texts_as_near_the_even_one() {
        assert_eq!(written("-1687415092001697.25".parse().unwrap()), "-1687415092001697.2");
    }

    #[test]
    fn one_text_for_each_number() {
        assert_eq!(read("1e+21"), Some(1e21));
        assert!(read("null").is_some_and(f64::is_nan));
        for wrong in
            ["", "-0", "01", "1.0", "1e21", "+1", ".5", "5.", " 1", "1 ", "0x10", "inf", "NaN", "1E+21", "1e400"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
