//! Templates as models carry them, hostile ones, and contents that want to be more than contents.

mod contents;
mod fitting;
mod hostile;
mod known;
mod templates;

use jiff::civil::{DateTime, date};

use super::{Piece, Template};
use crate::{Role, Turn};

fn clock() -> DateTime {
    date(2026, 11, 21).at(22, 30, 0, 0)
}

/// A template for a model whose tokens are written `<s>` and `</s>`.
fn template(source: &str) -> Template {
    Template::new(Some(source), "<s>".to_owned(), "</s>".to_owned(), clock)
}

/// A conversation, one letter and one text for each turn.
fn turns(of: &[(char, &str)]) -> Vec<Turn> {
    let role = |letter| match letter {
        's' => Role::System,
        'u' => Role::User,
        _ => Role::Assistant,
    };
    of.iter().map(|&(letter, text)| Turn { role: role(letter), content: text.to_owned() }).collect()
}

/// The prompt as one text, with contents in brackets.
fn shown(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Template(text) => text.clone(),
            Piece::Content(text) => format!("[{text}]"),
        })
        .collect()
}

/// Renders with the model's own template, which has to work.
fn rendered(source: &str, of: &[(char, &str)]) -> String {
    let template = template(source);
    assert_eq!(template.trouble(), None);
    shown(&template.render(&turns(of)).unwrap())
}
