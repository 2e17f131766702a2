//! The list of defects: `conformance/defects/*.txt`.
//!
//! ```text
//! == name
//! what is broken, in one line
//! only prefix/of/the/scenarios that are asked first; all are, if these notice nothing
//! file path/from/the/root.rs
//! -lines that are there exactly once
//! +lines in their place
//! ```

use std::fs;
use std::path::Path;

/// Which program a defect breaks, and with it which suite has to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// `commserver`, before `conformance server`.
    Relay,
    /// `ratatosk peer`, before `conformance peer`.
    Peer,
    /// Our codec, before `conformance vectors`.
    Codec,
}

impl Program {
    pub(super) const ALL: [Self; 3] = [Self::Relay, Self::Peer, Self::Codec];

    /// The file of its defects, without ending, and its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Peer => "peer",
            Self::Codec => "codec",
        }
    }
}

/// One way to break a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Defect {
    pub(super) name: String,
    /// What is broken.
    pub(super) about: String,
    /// How the ids of the scenarios begin that are asked first.
    pub(super) only: String,
    /// From the root of the repository.
    pub(super) file: String,
    old: String,
    new: String,
}

impl Defect {
    /// The source with the defect.
    ///
    /// # Errors
    ///
    /// If what it replaces is not there exactly once.
    pub(super) fn apply(&self, source: &str) -> Result<String, String> {
        match source.matches(&self.old).count() {
            1 => Ok(source.replacen(&self.old, &self.new, 1)),
            count => Err(format!("{}: {} holds what it replaces {count} times, not once", self.name, self.file)),
        }
    }
}

/// The defects of a program.
///
/// # Errors
///
/// A sentence, if the file cannot be read or understood.
pub(super) fn read(root: &Path, program: Program) -> Result<Vec<Defect>, String> {
    let path = root.join(format!("conformance/defects/{}.txt", program.name()));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Defect>, String> {
    let mut defects: Vec<Defect> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let problem = |what: &str| format!("line {}: {what}", number + 1);
        if let Some(name) = line.strip_prefix("== ") {
            if defects.iter().any(|defect| defect.name == name) {
                return Err(problem("a name for the second time"));
            }
            defects.push(Defect { name: name.to_owned(), ..Defect::default() });
            continue;
        }
        let Some(defect) = defects.last_mut() else {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            return Err(problem("the first defect begins with `== name`"));
        };
        if let Some(file) = line.strip_prefix("file ") {
            file.clone_into(&mut defect.file);
        } else if let Some(only) = line.strip_prefix("only ") {
            only.clone_into(&mut defect.only);
        } else if let Some(old) = line.strip_prefix('-') {
            defect.old.push_str(&format!("{old}\n"));
        } else if let Some(new) = line.strip_prefix('+') {
            defect.new.push_str(&format!("{new}\n"));
        } else if defect.about.is_empty() {
            line.clone_into(&mut defect.about);
        } else if !line.is_empty() {
            return Err(problem("neither `file`, `-` nor `+`"));
        }
    }
    let incomplete = |defect: &&Defect| defect.about.is_empty() || defect.file.is_empty() || defect.old.is_empty();
    match defects.iter().find(incomplete) {
        Some(defect) => Err(format!("{} does not say what it is, where, or what it replaces", defect.name)),
        None => Ok(defects),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_applies_to_the_sources_as_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut count = 0;
        for program in Program::ALL {
            for defect in read(&root, program).unwrap() {
                let source = fs::read_to_string(root.join(&defect.file)).unwrap();
                assert_ne!(defect.apply(&source).unwrap(), source);
                count += 1;
            }
        }
        assert!(count >= 30, "{count}");
    }

    #[test]
    fn a_defect_replaces_lines_that_are_there_once() {
        let list = "# head\n\n== a\nthe first\nfile x.rs\n-one\n-two\n+three\n\n== b\nthe second\nfile y.rs\n-four\n";
        let defects = parse(list).unwrap();
        assert_eq!((defects[0].about.as_str(), defects[1].file.as_str()), ("the first", "y.rs"));
        assert_eq!(defects[0].apply("zero\none\ntwo\nmore\n").unwrap(), "zero\nthree\nmore\n");
        assert!(defects[0].apply("one\nother\ntwo\n").is_err());
        assert_eq!(defects[1].apply("four\n").unwrap(), "");
        assert!(defects[1].apply("four\nfour\n").is_err());
        for wrong in ["x", "== a\nb\nfile c\n", "== a\nb\nfile c\n-d\ne\n", "== a\nb\nfile c\n-d\n== a\n"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
