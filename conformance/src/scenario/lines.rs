//! What the text forms of scenarios and of scripts have in common: lines, words, branches, mistakes.

use std::time::Duration;

use super::Branch;
use super::reason::Reason;
use super::template::TemplateError;
use crate::report::Verdict;

/// What is wrong with a file of scenarios or scripts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {mistake}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// Something outside a scenario.
    #[error("this line belongs to no scenario")]
    NoScenario,
    /// No such word here.
    #[error("unknown word {0:?}")]
    Word(String),
    /// A word that should be a number.
    #[error("not a number: {0:?}")]
    Number(String),
    /// A word that should be hex.
    #[error("not hex: {0:?}")]
    Hex(String),
    /// Too few words.
    #[error("something is missing")]
    Missing,
    /// `end` without beginning, or the other way round.
    #[error("a block does not end, or ends twice")]
    Block,
    /// A placeholder.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// The lines of a file that say something.
pub(crate) struct Lines<'a> {
    lines: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(source: &'a str) -> Self {
        let lines = source
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .collect();
        Self { lines, next: 0 }
    }

    pub(crate) fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.next).map(|(_, line)| *line)
    }

    pub(crate) fn take(&mut self) -> Option<&'a str> {
        let line = self.peek();
        self.next += 1;
        line
    }

    /// Takes the lines of a block, up to its `end`, which is taken too.
    pub(crate) fn body(&mut self) -> Result<Vec<&'a str>, Mistake> {
        let mut depth = 0;
        let mut body = Vec::new();
        loop {
            let line = self.take().ok_or(Mistake::Block)?;
            match split(line).0 {
                "repeat" | "either" | "each" => depth += 1,
                "end" if depth == 0 => return Ok(body),
                "end" => depth -= 1,
                _ => {}
            }
            body.push(line);
        }
    }

    /// The number of the line taken last.
    pub(crate) fn number(&self) -> usize {
        self.lines.get(self.next.saturating_sub(1)).or(self.lines.last()).map_or(0, |(number, _)| *number)
    }
}

/// Reads everything in a file, each beginning with a head line.
///
/// # Errors
///
/// The first line that cannot be understood.
pub(crate) fn all<T>(source: &str, one: fn(&str, &mut Lines<'_>) -> Result<T, Mistake>) -> Result<Vec<T>, ParseError> {
    let mut lines = Lines::of(source);
    let mut found = Vec::new();
    while let Some(head) = lines.take() {
        found.push(one(head, &mut lines).map_err(|mistake| ParseError { line: lines.number(), mistake })?);
    }
    Ok(found)
}

/// Reads steps up to a line that ends them.
type Block<S> = fn(&mut Lines<'_>, fn(&str) -> bool) -> Result<Vec<S>, Mistake>;

/// Reads the branches after `either`, up to their `end`.
pub(crate) fn branches<S>(
    lines: &mut Lines<'_>,
    block: Block<S>,
    tells_apart: fn(&S) -> bool,
) -> Result<Vec<Branch<S>>, Mistake> {
    let mut branches = Vec::new();
    loop {
        let (word, rest) = split(lines.take().ok_or(Mistake::Block)?);
        if word == "end" && !branches.is_empty() {
            return Ok(branches);
        }
        if word != "as" {
            return Err(Mistake::Block);
        }
        let (verdict, reason) = split(rest);
        let named = || Reason::from_id(reason).ok_or_else(|| Mistake::Word(reason.to_owned()));
        let (verdict, reason) = match verdict {
            "conforms" => (Verdict::Conforms, None),
            "better" => (Verdict::Better, Some(named()?)),
            "deviates" => (Verdict::Deviates, Some(named()?)),
            other => return Err(Mistake::Word(other.to_owned())),
        };
        let steps = block(lines, |line| line == "end" || line.starts_with("as "))?;
        if !steps.first().is_some_and(tells_apart) {
            return Err(Mistake::Missing);
        }
        branches.push(Branch { verdict, reason, steps });
    }
}

/// The first word, and what follows one space.
pub(crate) fn split(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

pub(crate) fn number<T: std::str::FromStr>(word: &str) -> Result<T, Mistake> {
    word.parse().map_err(|_| Mistake::Number(word.to_owned()))
}

pub(crate) fn millis(word: &str) -> Result<Duration, Mistake> {
    Ok(Duration::from_millis(number(word)?))
}
