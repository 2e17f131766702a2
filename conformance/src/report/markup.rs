//! Text of anybody in XML, HTML and Markdown: it stays text, and nothing in it hides, turns around or ends what it stands
//! in.

/// For content and for quoted attributes of XML and HTML. What XML cannot hold and what turns text around becomes an
/// escape such as `\u{202e}`; line feeds stay.
#[must_use]
pub(super) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for character in raw.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            other => visible(other, &mut out),
        }
    }
    out
}

/// For a cell of a Markdown table: one line, and no character that means something there.
#[must_use]
pub(super) fn markdown(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for character in raw.chars() {
        match character {
            '\n' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '@' => {
                out.push('\\');
                out.push(character);
            }
            other => visible(other, &mut out),
        }
    }
    out
}

/// Characters that nobody sees, or that are none in XML, become escapes.
fn visible(character: char, out: &mut String) {
    let printed = match character {
        '"' | '\'' | '\\' => true,
        // Marks that combine with the character before are right where they are.
        other => other.escape_debug().len() == 1 || !(other.is_control() || is_hidden(other)),
    };
    if printed {
        out.push(character);
    } else {
        out.extend(character.escape_unicode());
    }
}

/// Direction marks, what has no width, private and unassigned ends of planes.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        assert_eq!(
            text("<script>alert('x' & \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;"
        );
        assert_eq!(text("]]>"), "]]&gt;");
        assert_eq!(markdown("a|b\n[x](y)<b>`\\"), "a\\|b \\[x\\](y)&lt;b&gt;\\`\\\\");
    }

    #[test]
    fn nothing_hides_or_turns_around() {
        assert_eq!(
            text("a\0\x1b\u{202e}\u{feff}\u{ffff}\r\tb"),
            "a\\u{0}\\u{1b}\\u{202e}\\u{feff}\\u{ffff}\\u{d}\\u{9}b"
        );
        assert_eq!(text("äöü 世界 🎉 e\u{301} \u{fffd} ↔\n"), "äöü 世界 🎉 e\u{301} \u{fffd} ↔\n");
    }
}
