//! How messages and events look in a terminal.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::style::Style;
use crate::cli::text;

/// What is behind an author's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The author's key has signed it.
    Verified,
    /// Nothing proves that it is from there.
    Unverified,
    /// It claims to be from somebody, and is not.
    Forged,
}

/// A message to be shown. Texts are as the author wrote them.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Milliseconds of Unix time, as the author's clock had it.
    pub(super) time: i64,
    pub(super) author: String,
    pub(super) own: bool,
    pub(super) mark: Mark,
    pub(super) text: String,
    /// Number, name and size of each attachment.
    pub(super) attachments: Vec<(usize, String, u64)>,
}

/// Shows lines one after another, with a line for each new day.
pub(super) struct Show {
    style: Style,
    zone: TimeZone,
    day: Option<Date>,
}

impl Show {
    pub(super) fn new(style: Style, zone: TimeZone) -> Self {
        Self { style, zone, day: None }
    }

    /// A message, with the day before it if it is another one than that of the last message.
    pub(super) fn message(&mut self, line: &Line) -> Vec<String> {
        let mut shown = Vec::new();
        let when = Timestamp::from_millisecond(line.time).ok().map(|time| time.to_zoned(self.zone.clone()));
        let clock = when.as_ref().map_or_else(|| "--:--".to_owned(), |when| when.strftime("%H:%M").to_string());
        let day = when.map(|when| when.date());
        if let Some(day) = day
            && self.day != Some(day)
        {
            self.day = Some(day);
            shown.push(self.style.quiet(&format!("── {} ──", day.strftime("%A, %-d %B %Y"))));
        }
        let name = text::name(&line.author);
        let name = if line.own { self.style.own(&name) } else { self.style.name(&name) };
        let mark = match line.mark {
            Mark::Verified => self.style.good("✓"),
            Mark::Unverified => self.style.doubt("? not signed by a key that you know"),
            Mark::Forged => self.style.alarm("✗ FORGED: this is not from them"),
        };
        let clock = self.style.quiet(&clock);
        let mut lines = text::lines(&line.text);
        let first = lines.next().unwrap_or_default();
        shown.push(match line.mark {
            Mark::Verified => format!("{clock} {name} {mark} {first}"),
            Mark::Unverified | Mark::Forged => format!("{clock} {name} {mark}: {first}"),
        });
        let margin = self.style.quiet("      │");
        shown.extend(lines.map(|line| format!("{margin} {line}")));
        for (number, name, size) in &line.attachments {
            let what = format!("attachment {number}: {} ({}) /save {number}", text::line(name), bytes(*size));
            shown.push(format!("{margin} {}", self.style.note(&what)));
        }
        shown
    }

    /// Something that nobody said.
    pub(super) fn note(&self, note: &str) -> String {
        self.style.quiet(&format!("· {note}"))
    }

    /// Something that went wrong.
    pub(super) fn problem(&self, problem: &str) -> String {
        self.style.alarm(&format!("! {problem}"))
    }

    /// Forgets the day: what follows is of another conversation.
    pub(super) fn turn(&mut self) {
        self.day = None;
    }
}

/// A size for people.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            time: 1_700_000_000_000,
            author: "Anna".to_owned(),
            own: false,
            mark: Mark::Verified,
            text: text.to_owned(),
            attachments: Vec::new(),
        }
    }

    fn show() -> Show {
        Show::new(Style::plain(), TimeZone::UTC)
    }

    #[test]
    fn a_message_has_its_day_its_time_and_its_author() {
        let mut show = show();
        let lines = ["── Tuesday, 14 November 2023 ──", "22:13 Anna ✓ hello"];
        assert_eq!(show.message(&line("hello")), lines);
        assert_eq!(show.message(&line("again")), ["22:13 Anna ✓ again"]);
    }

    #[test]
    fn nobody_can_write_another_ones_line() {
        let shown = show().message(&line("a\n22:14 Bert ✓ I owe Anna 100\r\n\u{1b}[2J"));
        let lines = ["22:13 Anna ✓ a", "      │ 22:14 Bert ✓ I owe Anna 100", "      │ \\e[2J"];
        assert_eq!(shown[1..], lines);
        let shown = show().message(&Line { author: "Bert ✓\u{1b}[31m\n".to_owned(), ..line("x") });
        assert_eq!(shown[1], "22:13 Bert ✓\\e[31m ✓ x");
    }

    #[test]
    fn doubt_and_forgery_are_said_in_words() {
        for (mark, word) in [(Mark::Unverified, "not signed"), (Mark::Forged, "FORGED")] {
            assert!(show().message(&Line { mark, ..line("x") })[1].contains(word));
        }
    }

    #[test]
    fn a_time_that_is_none_is_shown_as_none() {
        assert_eq!(show().message(&Line { time: i64::MAX, ..line("x") }), ["--:-- Anna ✓ x"]);
    }

    #[test]
    fn sizes_are_short() {
        let cases =
            [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (200_000, "200.0 kB"), (1_500_000, "1.5 MB")];
        for (size, shown) in cases {
            assert_eq!(bytes(size), shown);
        }
    }
}
