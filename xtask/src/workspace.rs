//! Where the repository is.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the workspace that the current directory belongs to.
///
/// # Errors
///
/// A sentence for the user, if the current directory is outside the repository or cannot be read.
pub(crate) fn root() -> Result<PathBuf, String> {
    let here = env::current_dir().map_err(|error| format!("the current directory cannot be read: {error}"))?;
    here.ancestors()
        .find(|directory| directory.join("xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is not inside the repository", here.display()))
}
