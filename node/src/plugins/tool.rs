//! `ratatosk plugin`: says what a file of plugins, or a module, is worth, before a peer runs on it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

/// What to look at.
#[derive(Subcommand)]
pub(crate) enum Tool {
    /// Checks a file of plugins as a peer would that starts with it, and shows what stands in it. Exit code 1 if it cannot be
    /// used.
    Check {
        /// The file, usually plugins.toml.
        file: PathBuf,
    },
    /// Shows the hash, the exports and the imports of a module, and a line for plugins.toml. Exit code 1 if it is no plugin.
    Inspect {
        /// The module, FILE.wasm.
        file: PathBuf,
    },
}

/// What was found out, for standard output, and whether all is well.
pub(super) struct Report {
    pub(super) text: String,
    pub(super) problem: Option<String>,
}

impl Tool {
    pub(crate) fn run(&self) -> ExitCode {
        let Report { text, problem } = self.report();
        let mut out = io::stdout();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
        match problem {
            None => ExitCode::SUCCESS,
            Some(problem) => {
                eprintln!("{problem}");
                ExitCode::FAILURE
            }
        }
    }

    #[cfg(feature = "wasm")]
    fn report(&self) -> Report {
        match self {
            Self::Check { file } => super::look::check(file),
            Self::Inspect { file } => super::look::inspect(file),
        }
    }

    #[cfg(not(feature = "wasm"))]
    fn report(&self) -> Report {
        let (Self::Check { file } | Self::Inspect { file }) = self;
        Report { text: String::new(), problem: Some(super::missing(&format!("{} is about modules", file.display()))) }
    }
}
