//! What stands for contents while a template is rendered.
//!
//! A sentinel is a number between two characters for private use. Contents with the same characters do no harm, because none is
//! ever rendered; and a template that writes sentinels of its own only repeats contents.

/// Begins a sentinel.
const OPEN: char = '\u{e0f0}';
/// Ends it.
const CLOSE: char = '\u{e0f1}';

/// A part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Of the model's template: may become control tokens.
    Template(String),
    /// What somebody wrote: must never become a control token.
    Content(String),
}

/// What stands for the content of the turn with this number.
pub(super) fn sentinel(turn: usize) -> String {
    format!("{OPEN}{turn}{CLOSE}")
}

/// Cuts what a template made into pieces, with `contents` in their places.
///
/// # Errors
///
/// What the template has done to the sentinels, if they are not whole, if a content is missing, or if contents are repeated so
/// often that they come to more than four times of what they are.
pub(super) fn split(rendered: &str, contents: &[&str]) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut seen = vec![false; contents.len()];
    let sum: usize = contents.iter().map(|content| content.len()).sum();
    let mut room = sum.saturating_mul(4);
    let mut rest = rendered;
    while let Some((before, after)) = rest.split_once(OPEN) {
        template(&mut pieces, before)?;
        let found = after.split_once(CLOSE).and_then(|(number, after)| Some((number.parse::<usize>().ok()?, after)));
        let Some((number, after)) = found else {
            return Err("it cuts what people write");
        };
        let (Some(content), Some(seen)) = (contents.get(number), seen.get_mut(number)) else {
            return Err("it changes what people write");
        };
        *seen = true;
        room = room.checked_sub(content.len()).ok_or("it repeats what people write again and again")?;
        if !content.is_empty() {
            pieces.push(Piece::Content((*content).to_owned()));
        }
        rest = after;
    }
    template(&mut pieces, rest)?;
    if seen.contains(&false) {
        return Err("it leaves out what people write");
    }
    Ok(pieces)
}

fn template(pieces: &mut Vec<Piece>, text: &str) -> Result<(), &'static str> {
    if text.contains(CLOSE) {
        return Err("it cuts what people write");
    }
    if !text.is_empty() {
        pieces.push(Piece::Template(text.to_owned()));
    }
    Ok(())
}
