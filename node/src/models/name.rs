//! What a model can be called: the name is that of a folder, and people type it.

use std::path::Path;

use super::CatalogueError;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// The name, if it can be one: letters, digits, dots, hyphens and underscores, of which the first is a letter or a digit.
pub(super) fn checked(name: &str) -> Result<&str, CatalogueError> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    // Windows takes a dot at the end away.
    if !begins || name.ends_with('.') || name.len() > MAX_NAME || !name.bytes().all(is_fine) {
        return Err(CatalogueError::BadName { name: shown(name) });
    }
    Ok(name)
}

/// A name for the model of a file that nobody has named.
#[must_use]
pub fn name_of(path: &Path) -> String {
    let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = stem.strip_suffix(".gguf").or_else(|| stem.strip_suffix(".GGUF")).unwrap_or(stem);
    let fine = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = stem.chars().map(fine).take(MAX_NAME).collect();
    let name = name.trim_matches(['.', '-', '_']);
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// A name that is none, as an error shows it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_folders() {
        for name in ["SmolLM2-135M-Instruct.Q4_1", "a", "7b", "x".repeat(MAX_NAME).as_str()] {
            assert_eq!(checked(name).unwrap(), name);
        }
        for name in ["", ".", "..", ".a", "-a", "a/b", "a\\b", "a b", "ä", "a\0", "a.", "x".repeat(65).as_str()] {
            assert!(matches!(checked(name), Err(CatalogueError::BadName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_file_gives_a_name() {
        for (path, name) in [
            ("/a/SmolLM2.Q4_1.gguf", "SmolLM2.Q4_1"),
            ("my model (1).GGUF", "my-model--1"),
            ("/a/..", "model"),
            ("---.gguf", "model"),
            ("ü.gguf", "model"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
            assert!(checked(&name_of(Path::new(path))).is_ok());
        }
        assert!(checked(&name_of(Path::new(&"é/".repeat(1000)))).is_ok());
    }
}
