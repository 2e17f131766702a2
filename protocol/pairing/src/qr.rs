//! QR codes of invitations: for a terminal and as SVG.

use qrcode::render::svg;
use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// Modules of light border that readers need around a code (ISO/IEC 18004).
const QUIET: usize = 4;

/// The text does not fit into a QR code: about 2900 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

/// The code of a text for a terminal: two modules in one character, black on white by escape sequences, so that it is readable on
/// dark and light terminals alike. Every line ends with a reset and a newline.
///
/// # Errors
///
/// [`TooLong`].
pub fn terminal(text: &str) -> Result<String, TooLong> {
    let code = code(text)?;
    let width = code.width() + 2 * QUIET;
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let (Some(x), Some(y)) = (x.checked_sub(QUIET), y.checked_sub(QUIET)) else { return false };
        let inside = x < code.width() && y < code.width();
        inside && colors.get(y * code.width() + x) == Some(&Color::Dark)
    };
    let mut out = String::new();
    for y in (0..width).step_by(2) {
        // 256-colour black and white: the first sixteen colours are what a theme makes of them.
        out.push_str("\u{1b}[38;5;16;48;5;231m");
        out.extend((0..width).map(|x| match (is_dark(x, y), is_dark(x, y + 1)) {
            (false, false) => ' ',
            (true, false) => '▀',
            (false, true) => '▄',
            (true, true) => '█',
        }));
        out.push_str("\u{1b}[0m\n");
    }
    Ok(out)
}

/// The code of a text as an SVG document, black on white, with its border.
///
/// # Errors
///
/// [`TooLong`].
pub fn svg(text: &str) -> Result<String, TooLong> {
    let code = code(text)?;
    Ok(code.render::<svg::Color<'_>>().quiet_zone(true).min_dimensions(256, 256).build())
}

fn code(text: &str) -> Result<QrCode, TooLong> {
    // The lowest level of correction makes the smallest code, and a screen has no stains.
    QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "https://edda.one/invites/invitePartner/#%7B%22token%22%3A%22x%22%7D";

    /// Reads the characters back into modules.
    fn modules(rendered: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in rendered.lines() {
            let line = line.strip_prefix("\u{1b}[38;5;16;48;5;231m").unwrap().strip_suffix("\u{1b}[0m").unwrap();
            rows.push(line.chars().map(|half| matches!(half, '▀' | '█')).collect());
            rows.push(line.chars().map(|half| matches!(half, '▄' | '█')).collect());
        }
        rows
    }

    #[test]
    fn a_terminal_shows_every_module_and_the_border() {
        let code = code(TEXT).unwrap();
        let rows = modules(&terminal(TEXT).unwrap());
        let width = code.width() + 2 * QUIET;
        assert!(rows.len() >= width && rows.iter().all(|row| row.len() == width));
        for (y, row) in rows.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = |at: usize| (QUIET..QUIET + code.width()).contains(&at);
                let expected = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(*dark, expected, "module {x}, {y}");
            }
        }
    }

    #[test]
    fn an_svg_is_black_on_white() {
        let svg = svg(TEXT).unwrap();
        assert!(svg.starts_with("<?xml") && svg.contains("<svg") && svg.ends_with("</svg>"));
        assert!(svg.contains("#000") && svg.contains("#fff"));
        assert!(!svg.contains("invitePartner"), "the text is in the modules only");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let long = "x".repeat(3000);
        assert_eq!((terminal(&long), svg(&long)), (Err(TooLong), Err(TooLong)));
    }
}
