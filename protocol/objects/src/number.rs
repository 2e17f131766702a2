//! Numbers as ECMAScript writes them (`Number::toString`, ECMA-262 §6.1.6.1.20; `spec/one.md §4`).

use std::fmt::Write;

/// The most digits that are written before the decimal point without an exponent.
const MAX_INTEGER_DIGITS: i32 = 21;

/// The most zeros that are written between the decimal point and the first digit without an exponent, plus one.
const MIN_POINT: i32 = -6;

/// Appends a number: `null` for all that are not finite, as JSON has it; no sign for zero.
pub(crate) fn write(number: f64, out: &mut String) {
    if !number.is_finite() {
        out.push_str("null");
        return;
    }
    if number == 0.0 {
        out.push('0');
        return;
    }
    // The shortest digits that give the number back, the same that ECMAScript takes: "-d.ddde-N".
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Where the decimal point stands, counted from before the first digit ("n" of the standard).
    let point = exponent.parse::<i32>().unwrap_or(0).saturating_add(1);

    out.push_str(sign);
    if (count..=MAX_INTEGER_DIGITS).contains(&point) {
        out.push_str(&digits);
        zeros(point - count, out);
    } else if (1..=MAX_INTEGER_DIGITS).contains(&point) {
        let (integer, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        out.push_str(integer);
        out.push('.');
        out.push_str(fraction);
    } else if (MIN_POINT + 1..=0).contains(&point) {
        out.push_str("0.");
        zeros(-point, out);
        out.push_str(&digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let sign = if point > 0 { "+" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(out, "e{sign}{}", point - 1);
    }
}

fn zeros(count: i32, out: &mut String) {
    out.extend((0..count).map(|_| '0'));
}

/// Reads what [`write`] writes, and refuses every other way to write the same number.
pub(crate) fn read(text: &str) -> Option<f64> {
    if text == "null" {
        return Some(f64::NAN);
    }
    // Rust's reader knows more than digits ("inf", "+1", "1_0"?): what it makes of them is written otherwise.
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
