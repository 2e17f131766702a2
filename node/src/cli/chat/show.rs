//! How messages and events look in a terminal.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::names::BADGE;
use crate::cli::style::Style;
use crate::cli::text;
use crate::cli::units::bytes;

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
    /// Whether the author is an AI.
    pub(super) ai: bool,
    pub(super) mark: Mark,
    pub(super) text: String,
    /// Number, name and size, as far as known, of each attachment.
    pub(super) attachments: Vec<(usize, String, Option<u64>)>,
}

/// Shows lines one after another, with a line for each new day.
pub(super) struct Show {
    style: Style,
    zone: TimeZone,
    day: Option<Date>,
}

impl Show {
    /// How things look.
    pub(super) fn style(&self) -> Style {
        self.style
    }

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
        // The badge stands outside the name, so that no name can have one or be without.
        let name = if line.ai { format!("{name} {}", self.style.note(BADGE)) } else { name };
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
            let size = size.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
            let what = format!("attachment {number}: {}{size} /save {number}", text::line(name));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            time: 1_700_000_000_000,
            author: "Anna".to_owned(),
            own: false,
            ai: false,
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
    fn an_ai_has_a_badge_and_attachments_have_their_numbers() {
        let attachments = vec![(1, "a.txt\n".to_owned(), Some(2_000)), (2, "b".to_owned(), None)];
        let shown = show().message(&Line { ai: true, attachments, ..line("x") });
        let lines = [
            "22:13 Anna [AI] ✓ x",
            "      │ attachment 1: a.txt\\n (2.0 kB) /save 1",
            "      │ attachment 2: b /save 2",
        ];
        assert_eq!(shown[1..], lines);
    }
}
