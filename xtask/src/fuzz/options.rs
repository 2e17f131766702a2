//! The arguments of `cargo xtask fuzz`.

use super::targets::{self, Target};

/// How long a target runs if nothing else is said.
const SECONDS: u32 = 60;

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Show the help instead.
    pub(super) help: bool,
    /// Show the targets instead.
    pub(super) list: bool,
    /// How long each target runs.
    pub(super) seconds: u32,
    /// Only these; all if empty.
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments after `fuzz`.
    ///
    /// # Errors
    ///
    /// A sentence for the user about the first argument that is wrong.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self { help: false, list: false, seconds: SECONDS, only: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => options.help = true,
                "--list" => options.list = true,
                "--seconds" => {
                    let number = arguments.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                    options.seconds = number.ok_or("--seconds needs a whole number from 1 on")?;
                }
                name if targets::all().any(|target| target.name == name) => options.only.push(name.to_owned()),
                other => return Err(format!("there is no option or target {other:?} (--list shows the targets)")),
            }
        }
        Ok(options)
    }

    pub(super) fn chooses(&self, target: &Target) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == target.name)
    }
}

/// What `cargo xtask fuzz --help` prints.
pub(super) fn help() -> String {
    let mut text = format!(
        "usage: cargo xtask fuzz [<target>…] [--seconds <n>] [--list]\n\n\
         Runs the fuzz targets, one after the other, with their seeds. What they find is kept and is where the next run\n\
         begins.\n\n  \
         --seconds <n>  how long each runs ({SECONDS} unless told otherwise)\n  \
         --list         show the targets and run none\n\ntargets:\n"
    );
    for target in targets::all() {
        text.push_str(&format!("  {:<14} {}\n", target.name, target.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_all_targets_run() {
        let options = parse(&[]).unwrap();
        assert!(targets::all().all(|target| options.chooses(target)));
        assert_eq!(options.seconds, SECONDS);
    }

    #[test]
    fn targets_and_time_can_be_chosen() {
        let options = parse(&["stack", "--seconds", "600", "frames"]).unwrap();
        let chosen: Vec<_> =
            targets::all().filter(|target| options.chooses(target)).map(|target| target.name).collect();
        assert_eq!((chosen, options.seconds), (vec!["stack", "frames"], 600));
    }

    #[test]
    fn mistakes_are_named() {
        for arguments in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "soon"]] {
            assert_eq!(parse(arguments).unwrap_err(), "--seconds needs a whole number from 1 on");
        }
        assert!(parse(&["stacks"]).unwrap_err().contains("\"stacks\""));
    }
}
