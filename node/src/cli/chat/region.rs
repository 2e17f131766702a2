//! The lines at the bottom of a chat that change while one looks at them: what somebody is writing, and who waits for whom.
//!
//! They are written once more for each change, after the cursor has gone up to where they began. So each of them has to be
//! one row of the terminal, and all of them fewer than the terminal has: then nothing of what stands above is touched.

use unicode_width::UnicodeWidthChar;

/// Rows that a region has at most.
const MAX_ROWS: usize = 12;
/// Rows of the terminal that stay for what one types, and for what was said before.
const KEPT_ROWS: usize = 4;
/// A terminal that does not say how large it is.
const USUAL: (usize, usize) = (80, 24);

/// The columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: USUAL.0, rows: USUAL.1 }
    }
}

impl Size {
    /// Rows that a region may have here.
    pub(super) fn room(self) -> usize {
        self.rows.saturating_sub(KEPT_ROWS).clamp(1, MAX_ROWS)
    }

    /// Columns that a row may have: the last one stays free, or some terminals begin a new row.
    pub(super) fn width(self) -> usize {
        self.columns.saturating_sub(1).max(8)
    }

    /// Rows that a line takes which the terminal wraps.
    pub(super) fn rows_of(self, line: &str) -> usize {
        width(line) / self.columns.max(1) + 1
    }
}

/// What stands at the bottom now.
#[derive(Debug, Default)]
pub(super) struct Region {
    rows: Vec<String>,
}

impl Region {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What has to be written so that lines stand above the region. `below` rows are under it since it was written last.
    pub(super) fn above(&self, lines: &[String], below: usize) -> String {
        let mut text = self.erase(below);
        for line in lines.iter().chain(&self.rows) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// What has to be written so that the region has these rows and no others. `None` if it has.
    pub(super) fn replace(&mut self, rows: Vec<String>) -> Option<String> {
        if rows == self.rows {
            return None;
        }
        let mut text = self.erase(0);
        self.rows = rows;
        for row in &self.rows {
            text.push_str(row);
            text.push('\n');
        }
        Some(text)
    }

    /// Goes up to where the region begins, and clears from there (ECMA-48 `CPL`, `ED`).
    fn erase(&self, below: usize) -> String {
        match self.rows.len() + below {
            _ if self.rows.is_empty() => String::new(),
            rows => format!("\u{1b}[{rows}F\u{1b}[J"),
        }
    }
}

/// The last rows of a text that is safe to be shown, each as wide as allowed at most, and whether rows before were left out.
pub(super) fn last_rows(lines: impl Iterator<Item = String>, wide: usize, most: usize) -> (Vec<String>, bool) {
    let mut rows = std::collections::VecDeque::new();
    let mut left_out = false;
    for line in lines {
        for row in wrap(&line, wide) {
            if rows.len() == most {
                rows.pop_front();
                left_out = true;
            }
            rows.push_back(row);
        }
    }
    (rows.into(), left_out)
}

/// Wraps a line at spaces where there are some.
pub(super) fn wrap(line: &str, wide: usize) -> Vec<String> {
    let (mut rows, mut row, mut used) = (Vec::new(), String::new(), 0);
    for word in line.split_inclusive(' ') {
        if used > 0 && used + width(word.trim_end()) > wide {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        for character in word.chars() {
            let more = character.width().unwrap_or(0);
            // A space that does not fit any more is the end of the row.
            if used + more > wide && character == ' ' {
                continue;
            }
            if used + more > wide {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            row.push(character);
            used += more;
        }
    }
    rows.push(row);
    rows
}

fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).into()
    }

    #[test]
    fn a_region_is_written_over_itself_and_moves_down_for_what_is_above_it() {
        let mut region = Region::default();
        assert_eq!(region.above(&strings(["said"]), 0), "said\n");
        assert_eq!(region.replace(strings(["Smol is writing", "a"])).unwrap(), "Smol is writing\na\n");
        assert_eq!(region.replace(strings(["Smol is writing", "a"])), None);
        assert_eq!(
            region.replace(strings(["Smol is writing", "ab"])).unwrap(),
            "\u{1b}[2F\u{1b}[JSmol is writing\nab\n"
        );
        assert_eq!(region.above(&strings(["> typed"]), 1), "\u{1b}[3F\u{1b}[J> typed\nSmol is writing\nab\n");
        assert_eq!(region.replace(vec![]).unwrap(), "\u{1b}[2F\u{1b}[J");
        assert_eq!(region.above(&strings(["said"]), 1), "said\n");
    }

    #[test]
    fn every_row_fits_whatever_the_text_is() {
        let texts = [
            "one two three four",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "世界世界世界 世界世界世界",
            "",
            "e\u{301}".repeat(9).leak(),
        ];
        for text in texts {
            for wide in 2..20 {
                let rows = wrap(text, wide);
                assert!(rows.iter().all(|row| width(row) <= wide), "{rows:?}");
                // A space may give way to the end of a row, nothing else.
                assert_eq!(rows.concat().replace(' ', ""), text.replace(' ', ""));
            }
        }
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn the_end_of_a_long_text_is_what_is_seen() {
        let lines = || (0..100).map(|line| line.to_string());
        assert_eq!(last_rows(lines(), 10, 2), (strings(["98", "99"]), true));
        assert!(!last_rows(lines(), 10, 100).1);
    }

    #[test]
    fn a_small_terminal_keeps_room_for_what_one_types() {
        for rows in 0..100 {
            let size = Size { columns: 3, rows };
            assert!(size.room() >= 1 && (rows <= KEPT_ROWS || size.room() + KEPT_ROWS <= rows.max(5)));
        }
        assert_eq!(Size { columns: 10, rows: 24 }.rows_of("0123456789"), 2);
    }
}
