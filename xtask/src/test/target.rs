//! The target that the plugins are compiled for. It is no part of a toolchain until it is asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::report::Verdict;

const TARGET: &str = "wasm32-unknown-unknown";

/// How it is asked for.
pub(super) const INSTALL: &str = "rustup target add wasm32-unknown-unknown";

/// Installs the target if it is missing.
pub(super) fn install(root: &Path) -> Verdict {
    match is_there(root) {
        Ok(true) => return Verdict::Passed("it was there".to_owned()),
        Ok(false) => {}
        Err(error) => return Verdict::Failed(format!("rustc could not be asked: {error}")),
    }
    let status = Command::new("rustup").current_dir(root).args(["target", "add", TARGET]).status();
    let problem = match status {
        Ok(status) if status.success() => match is_there(root) {
            Ok(true) => return Verdict::Passed("installed".to_owned()),
            _ => "it is not there all the same".to_owned(),
        },
        Ok(status) => status.to_string(),
        Err(error) => format!("rustup could not be started: {error}"),
    };
    Verdict::Failed(format!("{problem}; install the target {TARGET} of this toolchain in another way: `{INSTALL}`"))
}

fn is_there(root: &Path) -> io::Result<bool> {
    let output =
        Command::new("rustc").current_dir(root).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    Ok(output.status.success() && PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
