//! The command line that the larger measurements share.

use std::path::PathBuf;

use crate::Outcome;

/// What every measurement can be told.
#[derive(Debug)]
pub struct Common {
    /// Where page and picture go.
    pub out: PathBuf,
    /// Whether a first look is enough.
    pub quick: bool,
    only: Option<String>,
}

impl Common {
    /// Reads the words of a command line. An option that is not here is given to `own` with its value; `false` means that
    /// there is no such option.
    ///
    /// # Errors
    ///
    /// What is wrong, and the help.
    pub fn parse(words: &[&str], help: &str, mut own: impl FnMut(&str, &str) -> bool) -> Outcome<Self> {
        let mut common = Self { out: PathBuf::from("target/bench"), quick: false, only: None };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            match word {
                "--quick" => common.quick = true,
                "-h" | "--help" => {
                    print!("{help}");
                    std::process::exit(0);
                }
                _ => {
                    let value = words.next();
                    match (word, value) {
                        ("--out", Some(value)) => common.out = value.into(),
                        ("--only", Some(value)) => common.only = Some(value.to_owned()),
                        (_, Some(value)) if own(word, value) => {}
                        ("--out" | "--only", None) => return Err(format!("{word} needs a value\n\n{help}").into()),
                        _ => return Err(format!("there is no option {word:?}, or it needs a value\n\n{help}").into()),
                    }
                }
            }
        }
        Ok(common)
    }

    /// Whether a measurement is asked for.
    #[must_use]
    pub fn wants(&self, what: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_known_here_or_there_or_refused() {
        let mut seen = None;
        let words = ["--quick", "--relay", "x", "--only", "start", "--out", "here"];
        let common = Common::parse(&words, "help", |word, value| {
            seen = Some(format!("{word} {value}"));
            word == "--relay"
        });
        let common = common.unwrap();
        assert_eq!((common.quick, common.out.to_str(), seen.as_deref()), (true, Some("here"), Some("--relay x")));
        assert!(common.wants("start") && !common.wants("crowd"));
        for wrong in [&["--out"][..], &["--colour", "red"], &["--relay"]] {
            assert!(Common::parse(wrong, "help", |word, _| word == "--relay").is_err(), "{wrong:?}");
        }
    }
}
