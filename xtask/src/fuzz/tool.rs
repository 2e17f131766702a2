//! cargo-fuzz, and the compiler that it is used with.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo;

/// What to do where cargo-fuzz is missing.
const INSTALL: &str = "cargo-fuzz is not installed, `cargo install cargo-fuzz --locked`; with it, \
                       `rustup toolchain install nightly --profile minimal` adds the address sanitizer. Without it, \
                       `cargo test --workspace --test fuzz_seeds` runs the same code over the seeds \
                       and a few thousand changed ones";

/// How targets are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// By a nightly compiler, with the address sanitizer.
    Nightly,
    /// By the compiler of the repository. All code here is safe Rust, so the sanitizer adds little.
    Pinned,
}

impl Tool {
    /// What this machine has.
    ///
    /// # Errors
    ///
    /// What to install.
    pub(super) fn find(root: &Path) -> Result<Self, String> {
        if !works(&mut cargo::call(root, "cargo fuzz --version")) {
            return Err(INSTALL.to_owned());
        }
        let nightly = works(Self::Nightly.command(root).arg("--version"));
        Ok(if nightly { Self::Nightly } else { Self::Pinned })
    }

    /// `cargo fuzz`, to be completed.
    pub(super) fn command(self, root: &Path) -> Command {
        let mut command = match self {
            Self::Nightly => {
                let mut command = Command::new("rustup");
                command.args(["run", "nightly", "cargo", "fuzz"]).current_dir(root);
                command
            }
            Self::Pinned => cargo::call(root, "RUSTC_BOOTSTRAP=1 cargo fuzz"),
        };
        cargo::forget_the_caller(&mut command);
        command
    }

    /// What `run` needs with this compiler.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Nightly => &[],
            Self::Pinned => &["--sanitizer", "none"],
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nightly => "cargo-fuzz with the nightly compiler and the address sanitizer",
            Self::Pinned => {
                "cargo-fuzz with the compiler of this repository, without a sanitizer: there is no nightly compiler"
            }
        })
    }
}

fn works(probe: &mut Command) -> bool {
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
