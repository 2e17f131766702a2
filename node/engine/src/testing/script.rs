//! How a text becomes the tokens that a model says one after the other.

use std::collections::BTreeSet;

/// Cuts `text` into pieces that are all different, so that each can know its successor: words with the blank before them, two
/// words together where one was there already, and single bytes for a character that is not ASCII if they are new as well (so
/// that tests see characters arrive in parts).
pub(super) fn pieces(text: &str) -> Vec<Vec<u8>> {
    // A newline of its own is where an answer begins.
    let mut seen = BTreeSet::from([b"\n".to_vec()]);
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut pending: Vec<u8> = Vec::new();
    for part in parts(text) {
        let bytes: Vec<_> = part.bytes().map(|byte| vec![byte]).collect();
        let fresh =
            bytes.iter().collect::<BTreeSet<_>>().len() == bytes.len() && bytes.iter().all(|b| !seen.contains(b));
        if pending.is_empty() && !part.is_ascii() && part.chars().count() == 1 && fresh {
            seen.extend(bytes.iter().cloned());
            pieces.extend(bytes);
            continue;
        }
        pending.extend(part.as_bytes());
        if !seen.contains(&pending) {
            seen.insert(pending.clone());
            pieces.push(std::mem::take(&mut pending));
        }
    }
    // What is left over was there already: longer with its predecessor, it was not.
    if let Some(last) = pieces.last_mut() {
        last.append(&mut pending);
    }
    pieces
}

/// Words with the blank before them, and each character that is not ASCII by itself.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_ascii() {
            let after = |&(at, next): &(usize, char)| at > 0 && (next == ' ' || !next.is_ascii());
            rest.char_indices().find(after).map_or(rest.len(), |(at, _)| at)
        } else {
            first.len_utf8()
        };
        let (part, remaining) = rest.split_at(end);
        parts.push(part);
        rest = remaining;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_different_and_give_the_text() {
        for text in ["", "one", " a a a a a", "so it is so it is so", "Grüße, 🌳 und 🌳!", "x\ny \n\n z", "ää"]
        {
            let pieces = pieces(text);
            assert_eq!(pieces.concat(), text.as_bytes());
            assert_eq!(pieces.iter().collect::<BTreeSet<_>>().len(), pieces.len(), "{text:?}: {pieces:?}");
        }
        assert_eq!(pieces("a tree 🌳").len(), 7, "a character arrives in parts");
    }
}
