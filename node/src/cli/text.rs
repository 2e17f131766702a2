//! Text of other people, made safe to show: nothing that a peer sends moves the cursor, colours the terminal, or turns
//! what stands beside it around.

use std::fmt::Write;

/// Characters of a name that are shown.
const NAME_LEN: usize = 40;

/// One line, whatever the text is: line ends and everything that is no visible character stand there as escapes.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown
}

/// The lines of a text, each as [`line()`]. A text has one line at least.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split('\n').map(|part| line(part.strip_suffix('\r').unwrap_or(part)))
}

/// A name: one line, not longer than a name is, and never empty.
pub(super) fn name(text: &str) -> String {
    let text = text.trim();
    let mut shown = line(&text.chars().take(NAME_LEN).collect::<String>());
    if text.chars().count() > NAME_LEN {
        shown.push('…');
    }
    if shown.is_empty() { "?".to_owned() } else { shown }
}

/// A file name without folders and without anything that a file system or a person could take for something else.
pub(super) fn file_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |character: char| !is_hidden(character) && !":*?\"<>|".contains(character);
    let name: String = last.chars().map(|character| if safe(character) { character } else { '_' }).take(120).collect();
    let name = name.trim().trim_start_matches('.').to_owned();
    if name.is_empty() { "attachment".to_owned() } else { name }
}

fn push(shown: &mut String, character: char) {
    match character {
        '\t' => shown.push_str("    "),
        '\u{1b}' => shown.push_str("\\e"),
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        _ if is_hidden(character) => {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
        _ => shown.push(character),
    }
}

/// Control characters, those that change the direction of writing, and those that nobody can see. The joiners stay: several
/// scripts and many emoji need them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'
            | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_colours_or_turns_around_is_escaped() {
        let cases = [
            ("\u{1b}[2Jgone", "\\e[2Jgone"),
            ("a\rb", "a\\rb"),
            ("a\nb", "a\\nb"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7}\u{8}\u{7f}", "\\u{7}\\u{8}\\u{7f}"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("Grüße 世界 👩‍🚀", "Grüße 世界 👩‍🚀"),
            ("a\tb", "a    b"),
        ];
        for (text, shown) in cases {
            assert_eq!(line(text), shown);
        }
        for character in '\0'..=char::MAX {
            assert!(!line(&character.to_string()).chars().any(char::is_control), "{character:?}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(lines("a\r\nb\n").collect::<Vec<_>>(), ["a", "b", ""]);
    }

    #[test]
    fn names_are_short_and_never_empty() {
        assert_eq!(name(" \n "), "?");
        assert_eq!(name("\u{3164}"), "\\u{3164}");
        assert_eq!(name(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn a_file_name_stays_in_its_folder() {
        let cases =
            [("../../etc/passwd", "passwd"), ("C:\\x\\a.txt", "a.txt"), ("..", "attachment"), ("a\u{202e}b", "a_b")];
        for (text, safe) in cases {
            assert_eq!(file_name(text), safe);
        }
    }
}
