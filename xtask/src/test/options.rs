//! The arguments of `cargo xtask test`.

use super::step::{STEPS, Step};

/// Which steps to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Show the help instead.
    pub(super) help: bool,
    /// Leave out the steps that take long and seldom fail.
    quick: bool,
    /// Only these; all if empty.
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments after `test`.
    ///
    /// # Errors
    ///
    /// A sentence for the user about the first argument that is wrong.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => options.help = true,
                "--quick" => options.quick = true,
                "--only" => {
                    let name = arguments.next().ok_or("--only needs the name of a step")?;
                    if !STEPS.iter().any(|step| step.name == name) {
                        return Err(format!("there is no step {name:?}"));
                    }
                    options.only.push(name.clone());
                }
                other => return Err(format!("there is no option {other:?}")),
            }
        }
        Ok(options)
    }

    /// Whether `step` is to run. A step that is asked for by name runs, quick or not.
    pub(super) fn chooses(&self, step: &Step) -> bool {
        if self.only.is_empty() { !(self.quick && step.slow) } else { self.only.iter().any(|name| name == step.name) }
    }
}

/// What `cargo xtask test --help` prints.
pub(super) fn help() -> String {
    let mut text = String::from(
        "usage: cargo xtask test [--quick] [--only <step>]…\n\n  \
         --quick        leave out the steps marked with *\n  \
         --only <step>  run this step; may be repeated\n\nsteps:\n",
    );
    for step in STEPS {
        let mark = if step.slow { '*' } else { ' ' };
        text.push_str(&format!(" {mark}{:<10} {}\n", step.name, step.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        let options = parse(arguments).unwrap();
        STEPS.iter().filter(|step| options.chooses(step)).map(|step| step.name).collect()
    }

    #[test]
    fn without_arguments_everything_runs_and_the_tests_run_last() {
        assert_eq!(chosen(&[]).len(), STEPS.len());
        assert_eq!(chosen(&[]).last(), Some(&"test"));
    }

    #[test]
    fn quick_keeps_format_target_lints_and_tests() {
        assert_eq!(chosen(&["--quick"]), ["tree", "fmt", "wasm", "llama", "lint", "test"]);
    }

    #[test]
    fn a_slow_step_runs_when_it_is_named() {
        assert_eq!(chosen(&["--quick", "--only", "docs"]), ["docs"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse(&["--only"]).unwrap_err(), "--only needs the name of a step");
        assert_eq!(parse(&["--only", "everything"]).unwrap_err(), "there is no step \"everything\"");
        assert_eq!(parse(&["fast"]).unwrap_err(), "there is no option \"fast\"");
    }
}
