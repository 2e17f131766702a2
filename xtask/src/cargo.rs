//! Calls of cargo, written as the line that a person would type.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The call that `line` describes: `NAME=value … cargo argument …`, separated by blanks, without quoting.
///
/// The same line is shown to the user, so what failed here fails there.
pub(crate) fn call(root: &Path, line: &str) -> Command {
    let mut words = line.split_whitespace().peekable();
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root);
    forget_the_caller(&mut command);
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        command.env(name, value);
        words.next();
    }
    command.args(words.skip(1));
    command
}

/// `cargo run` describes xtask to xtask. Build scripts that watch these variables would run again for each caller.
pub(crate) fn forget_the_caller(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
}

/// Where a [`call`] puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Runs `command`, shows its standard output as it comes, and hands each line to `seen` as well.
///
/// # Errors
///
/// If it cannot be started or read.
pub(crate) fn watch(command: &mut Command, mut seen: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            io::stdout().write_all(&line)?;
            seen(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    child.wait()
}

fn describes_a_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|prefix| variable.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_environment_and_arguments() {
        let command = call(Path::new("."), "RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps");
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["doc", "--no-deps"]);
        assert!(command.get_envs().any(|(name, value)| name == "RUSTDOCFLAGS" && value == Some("-Dwarnings".as_ref())));
    }

    #[test]
    fn only_variables_about_the_caller_are_taken_away() {
        assert!(describes_a_package("CARGO_PKG_NAME"));
        assert!(!describes_a_package("CARGO_TARGET_DIR"));
        assert!(!describes_a_package("CARGO_INCREMENTAL"));
    }
}
