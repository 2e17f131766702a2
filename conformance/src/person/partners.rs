//! Who plays with a person under test: one that behaves, and one that does not. Both are the JavaScript peer.

use super::script::Script;
use super::{Cast, run_hostile, skipped};
use crate::peer::table::{Places, Row, rows};
use crate::peer::{Implementation, Options};
use crate::report::Outcome;

/// The row of the table that both are of, and what of its command is another one for the hostile one.
const ROW: &str = "js";
const PROGRAMS: [&str; 2] = ["peer.js", "hostile.js"];

/// The partners, or why they cannot play.
pub struct Partners(Result<[Implementation; 2], String>);

impl Partners {
    /// Looks whether they are there.
    ///
    /// # Errors
    ///
    /// If the table of peers is malformed.
    pub fn find(places: Places<'_>) -> Result<Self, serde_json::Error> {
        let Some(honest) = rows()?.into_iter().find(|row| row.name == ROW) else {
            return Ok(Self(Err(format!("the table of peers has no {ROW}"))));
        };
        let command = honest.command.replace(PROGRAMS[0], PROGRAMS[1]);
        let hostile = Row { name: "hostile".to_owned(), command, ..honest.clone() };
        let found = honest.find(places).and_then(|honest| Ok([honest, hostile.find(places)?]));
        Ok(Self(found.map_err(|missing| missing.to_string())))
    }

    /// Plays with one implementation. Ids end in `suffix`.
    pub async fn play(
        &self,
        scripts: &[Script],
        implementation: &Implementation,
        suffix: &str,
        options: &Options,
        mut report: impl FnMut(&Outcome),
    ) -> Vec<Outcome> {
        match &self.0 {
            Ok([honest, hostile]) => {
                let cast = Cast { a: implementation, b: honest, hostile: Some(hostile) };
                run_hostile(scripts, cast, suffix, options, report).await
            }
            Err(missing) => {
                let skipped = scripts.iter().map(|script| skipped(script, suffix, missing));
                skipped.inspect(|outcome| report(outcome)).collect()
            }
        }
    }

    /// Why they cannot play.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }
}
