//! The arguments of `cargo xtask conformance`.

use std::path::PathBuf;

/// How long something that is due may take, in seconds: for a machine that does other things beside.
const PATIENCE: u32 = 40;

pub(super) const HELP: &str = "\
usage: cargo xtask conformance [--quick] [--out FOLDER] [--patience SECONDS] | --write | --check

Measures who works with whom: the relay and the reference's CommServer, the peers before a partner that breaks the
protocol, every pair of them in both roles, and the codec. Writes a report for each, logs, matrix.html and matrix.md.
What is not there is said, and stands in the tables as not run. Takes about a quarter of an hour.

  --quick               some scenarios of each, within a minute or two (into target/conformance/quick)
  --out FOLDER          where everything is written (target/conformance)
  --patience SECONDS    how long something that is due may take (40)
  --write               measure nothing, put the tables of the last run into the READMEs
  --check               measure nothing, see whether the tables in the READMEs are those of the last run

Exits with 0 if everything came as it is known, with 1 if not.
";

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The help is shown.
    Help,
    /// Everything is measured.
    Measure,
    /// The tables go into the READMEs.
    Write,
    /// The tables in the READMEs are compared.
    Check,
}

/// What to do, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) action: Action,
    /// Some scenarios only.
    pub(super) quick: bool,
    /// Where reports lie, if the caller says.
    pub(super) out: Option<PathBuf>,
    /// How long something that is due may take, in seconds.
    pub(super) patience: u32,
}

impl Options {
    /// Reads the arguments after `conformance`.
    ///
    /// # Errors
    ///
    /// A sentence for the user about the first argument that is wrong.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self { action: Action::Measure, quick: false, out: None, patience: PATIENCE };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => options.action = Action::Help,
                "--write" => options.action = Action::Write,
                "--check" => options.action = Action::Check,
                "--quick" => options.quick = true,
                "--out" => options.out = Some(arguments.next().ok_or("--out needs a folder")?.into()),
                "--patience" => {
                    let number = arguments.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                    options.patience = number.ok_or("--patience needs a whole number from 1 on")?;
                }
                other => return Err(format!("there is no option {other:?}")),
            }
        }
        if options.quick && matches!(options.action, Action::Write | Action::Check) {
            return Err("the READMEs have the tables of a whole run".to_owned());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_said_is_a_whole_run() {
        let options = parse("").unwrap();
        assert_eq!(options, Options { action: Action::Measure, quick: false, out: None, patience: PATIENCE });
        let options = parse("--quick --patience 60 --out a/b").unwrap();
        assert_eq!(options, Options { action: Action::Measure, quick: true, out: Some("a/b".into()), patience: 60 });
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--out").unwrap_err(), "--out needs a folder");
        assert_eq!(parse("--patience 0").unwrap_err(), "--patience needs a whole number from 1 on");
        assert_eq!(parse("all").unwrap_err(), "there is no option \"all\"");
        assert_eq!(parse("--write --quick").unwrap_err(), "the READMEs have the tables of a whole run");
    }
}
