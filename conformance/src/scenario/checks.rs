//! What holds for the files of scenarios and for those of scripts.

use std::collections::BTreeSet;
use std::path::Path;

use super::Branch;

/// Nothing recorded is left out, and nothing is said to be recorded that is not.
pub(crate) fn recorded(entries: impl Iterator<Item = String>, replayed: impl Iterator<Item = String>) {
    let (entries, replayed): (BTreeSet<_>, BTreeSet<_>) = (entries.collect(), replayed.collect());
    assert_eq!(entries.difference(&replayed).collect::<Vec<_>>(), Vec::<&String>::new(), "not replayed");
    assert_eq!(replayed.difference(&entries).collect::<Vec<_>>(), Vec::<&String>::new(), "never recorded");
}

/// Each has a name of its own, a title and a section.
pub(crate) fn heads<'a>(heads: impl Iterator<Item = (&'a str, &'a str, &'a str)>) {
    let mut ids = BTreeSet::new();
    for (id, title, spec) in heads {
        assert!(ids.insert(id), "{id} twice");
        assert!(!title.is_empty() && spec.starts_with('§'), "{id}");
    }
}

/// The recorded branch comes first. `branches` says which ones a step has, if it has any.
pub(crate) fn recorded_first<S>(steps: &[S], branches: fn(&S) -> Option<&[Branch<S>]>) {
    for branches_of_step in steps.iter().filter_map(branches) {
        assert_eq!(branches_of_step.first().map(|branch| branch.reason), Some(None));
        branches_of_step.iter().for_each(|branch| recorded_first(&branch.steps, branches));
    }
}

/// Keys and the like are made for each run; none is stored.
pub(crate) fn no_long_hex(files: &[(&str, &str)]) {
    for (name, source) in files {
        for line in source.lines() {
            let longest = line.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap_or(0);
            assert!(longest <= 64, "{name}: {line}");
        }
    }
}

/// What lies in a folder of this package is what is built in. `dir` has no folders.
pub(crate) fn nothing_forgotten(dir: &str, extension: &str, files: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "{} is no file", path.display());
        if path.extension().is_some_and(|found| found == "md") {
            continue;
        }
        assert_eq!(path.extension().and_then(|found| found.to_str()), Some(extension), "{}", path.display());
        there.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    assert_eq!(there, files.iter().map(|(name, _)| (*name).to_owned()).collect(), "{dir} and what is built in");
}

/// A folder of this package holds these folders and nothing else.
pub(crate) fn only_folders(dir: &str, folders: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let there: BTreeSet<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(there, folders.iter().map(Into::into).collect(), "{dir}");
}
