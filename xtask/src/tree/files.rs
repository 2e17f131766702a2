//! The text files of the repository, without those that git ignores.

use std::fs;
use std::io;
use std::path::Path;

/// A file in UTF-8.
pub(crate) struct TextFile {
    /// From the root, with `/` between the parts.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

/// Every text file under `root`, in the order of the paths. Files that are not UTF-8 are left out.
///
/// # Errors
///
/// If a directory or a file cannot be read.
pub(crate) fn all(root: &Path) -> io::Result<Vec<TextFile>> {
    let ignored = ignored(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default());
    let mut found = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root.join(&directory))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            if ignored.contains(&path) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file()
                && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
            {
                found.push(TextFile { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The paths that `.gitignore` names from the root. It holds no patterns here.
fn ignored(gitignore: &str) -> Vec<String> {
    let named = gitignore.lines().filter_map(|line| line.strip_prefix('/'));
    named.map(|path| path.trim_end_matches('/').to_owned()).chain([".git".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_the_root_are_ignored_and_so_is_git() {
        assert_eq!(ignored("/target\n# a comment\n/fuzz/corpus/\n"), ["target", "fuzz/corpus", ".git"]);
    }
}
