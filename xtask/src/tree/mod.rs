//! What must hold for the files of the repository, whatever they contain.
//!
//! Rules that no compiler and no linter knows. They read text only: [`files`] finds it, [`manifest`] reads the part of
//! TOML that manifests use, [`rules`] judges, [`purity`] the rooms without clocks and sockets.

pub(crate) mod files;
mod manifest;
mod purity;
mod rules;

use std::io;
use std::path::Path;

pub(crate) use self::rules::Finding;

/// Everything in the tree at `root` that breaks a rule.
///
/// # Errors
///
/// If a directory, or a file that must be there, cannot be read.
pub(crate) fn findings(root: &Path) -> io::Result<Vec<Finding>> {
    let files = files::all(root)?;
    let mut findings: Vec<_> = files.iter().flat_map(rules::file).chain(rules::pure(&files)).collect();

    let text = |path: &str| {
        files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{path} is missing")))
    };
    let workspace = manifest::entries(text("Cargo.toml")?);
    for member in manifest::members(&workspace) {
        let path = format!("{member}/Cargo.toml");
        findings.extend(rules::member(&path, &manifest::entries(text(&path)?), &workspace));
    }
    findings.extend(rules::decisions(&workspace, text("docs/decisions.md")?));
    Ok(findings)
}
