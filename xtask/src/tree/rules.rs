//! The rules, and what a breach of one looks like.

use std::fmt;

use super::files::TextFile;
use super::manifest::Entry;
use super::purity;

/// The longest Rust file. Past it, two ideas live in one room.
const MAX_LINES: usize = 500;

/// How paths begin that exist on one machine only. Split, so that this file does not break its own rule.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "opt/reference"),
    concat!("/", "tmp/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "root/"),
];

/// Packages that have to write down the workspace's lints again, because something in them is unsafe and a lint that is
/// forbidden cannot be allowed in one module. There it is denied, and everything else is as it is elsewhere.
const OWN_LINTS: &[&str] = &["plugins/sdk/Cargo.toml"];

/// A breach: where, and what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 means the file as a whole.
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Rust files are short, and no file names a path of one machine.
pub(super) fn file(file: &TextFile) -> Vec<Finding> {
    let finding = |line, what| Finding { path: file.path.clone(), line, what };
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if file.path.ends_with(".rs") && lines > MAX_LINES {
        findings.push(finding(0, format!("{lines} lines; which two ideas live in it? (at most {MAX_LINES})")));
    }
    for (index, line) in file.text.lines().enumerate() {
        if let Some(path) = machine_path(line) {
            findings.push(finding(index + 1, format!("a path of one machine: {path}…")));
        }
    }
    findings
}

/// Pure rooms stay pure.
pub(super) fn pure(files: &[TextFile]) -> Vec<Finding> {
    let finding = |breach: purity::Breach<'_>| Finding {
        path: breach.path.to_owned(),
        line: breach.line,
        what: format!("{} in a pure room; time, randomness and sockets come from outside", breach.word),
    };
    purity::breaches(files).into_iter().map(finding).collect()
}

/// A package takes its lints and the versions of its dependencies from the workspace.
pub(super) fn member(path: &str, entries: &[Entry], workspace: &[Entry]) -> Vec<Finding> {
    let finding = |line, what| Finding { path: path.to_owned(), line, what };
    let mut findings = Vec::new();
    if OWN_LINTS.contains(&path) {
        let missing = workspace.iter().filter(|lint| is_lint(lint) && !repeats(entries, lint));
        findings.extend(missing.map(|lint| finding(0, format!("lacks the workspace's lint {}", lint.key))));
    } else if !entries.iter().any(|entry| entry.table == "lints" && entry.key == "workspace" && entry.value == "true") {
        findings.push(finding(0, "does not inherit the lints: [lints] workspace = true".to_owned()));
    }
    for entry in entries {
        if let Some(name) = own_source(entry) {
            findings.push(finding(entry.line, format!("{name} has to come from [workspace.dependencies]")));
        }
    }
    findings
}

fn is_lint(entry: &Entry) -> bool {
    entry.table.starts_with("workspace.lints.")
}

/// Whether a package has a lint as the workspace has it.
fn repeats(package: &[Entry], lint: &Entry) -> bool {
    let value = if lint.key == "unsafe_code" { "\"deny\"" } else { &lint.value };
    let is_same = |own: &Entry| lint.table.ends_with(&own.table) && own.key == lint.key && own.value == value;
    package.iter().any(|own| own.table.starts_with("lints.") && is_same(own))
}

/// Every dependency of the workspace has a line `| \`name\` | why |` among the decisions.
pub(super) fn decisions(workspace: &[Entry], decisions: &str) -> Vec<Finding> {
    let explained = |name: &str| decisions.lines().any(|line| line.starts_with(&format!("| `{name}` |")));
    let dependencies = workspace.iter().filter(|entry| entry.table == "workspace.dependencies");
    dependencies
        // What lives in this repository needs no reason to be depended on.
        .filter(|entry| !entry.value.contains("path =") && !explained(&entry.key))
        .map(|entry| Finding {
            path: "Cargo.toml".to_owned(),
            line: entry.line,
            what: format!("docs/decisions.md does not say why {} is here", entry.key),
        })
        .collect()
}

/// The first path of [`MACHINE_PATHS`] in `line` that is a path of its own, not the middle of another.
fn machine_path(line: &str) -> Option<&'static str> {
    let stands_alone = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | '*' | '~'))
    };
    MACHINE_PATHS.iter().copied().find(|path| line.match_indices(path).any(|(at, _)| stands_alone(at)))
}

/// The name of a dependency that says itself where it comes from.
fn own_source(entry: &Entry) -> Option<&str> {
    let names_a_source = |attribute: &str| matches!(attribute, "version" | "path" | "git" | "registry");
    match dependency_table(&entry.table)? {
        // [dependencies.tokio]
        Some(name) => names_a_source(&entry.key).then_some(name),
        None => match entry.key.split_once('.') {
            // tokio.version = "1"
            Some((name, attribute)) => names_a_source(attribute).then_some(name),
            // tokio = "1", tokio = { … }
            None => (!entry.value.contains("workspace = true")).then_some(&entry.key),
        },
    }
}

/// Whether a table holds dependencies (`Some(None)`) or describes a single one (`Some(Some(name))`).
fn dependency_table(table: &str) -> Option<Option<&str>> {
    let (_, rest) = table.rsplit_once("dependencies")?;
    match rest.strip_prefix('.') {
        Some(name) => Some(Some(name)),
        None => rest.is_empty().then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::entries;
    use super::*;

    fn text(path: &str, text: String) -> TextFile {
        TextFile { path: path.to_owned(), text }
    }

    #[test]
    fn only_long_rust_files_are_too_long() {
        assert!(file(&text("a.rs", "\n".repeat(MAX_LINES))).is_empty());
        assert_eq!(file(&text("a.rs", "\n".repeat(MAX_LINES + 1))).len(), 1);
        assert!(file(&text("a.json", "\n".repeat(MAX_LINES + 1))).is_empty());
    }

    #[test]
    fn a_machine_path_is_found_where_it_stands() {
        let place = MACHINE_PATHS[0];
        let found = file(&text("a.md", format!("fine\nsee `{place}main`\n")));
        assert_eq!(found[0].to_string(), format!("a.md:2: a path of one machine: {place}…"));
        // The middle of a URL or of a relative path is none.
        assert_eq!(machine_path(&format!("https://example.org{place}x and ..{place}y")), None);
    }

    #[test]
    fn a_breach_of_purity_has_its_line() {
        let code = "let one = 1;\nlet now = Instant::now();\n".to_owned();
        let found = pure(&[text("protocol/src/ping.rs", code)]);
        assert!(
            found[0].to_string().starts_with("protocol/src/ping.rs:2: Instant::now( in a pure room"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn dependencies_with_a_source_of_their_own_are_found() {
        let entries = entries(
            "[lints]\nworkspace = true\n[dependencies]\nhex.workspace = true\ntokio = { workspace = true }\nserde = \"1\"\n\
             bytes.version = \"1\"\n[dev-dependencies.proptest]\nversion = \"1\"\nfeatures = []\n\
             [target.'cfg(unix)'.dependencies]\nlibc = { version = \"0.2\" }\n",
        );
        let found: Vec<_> = member("x/Cargo.toml", &entries, &[]).iter().map(|finding| finding.line).collect();
        assert_eq!(found, [6, 7, 9, 12]);
    }

    #[test]
    fn lints_have_to_be_inherited() {
        let nothing = entries("[package]\nname = \"x\"\n");
        assert_eq!(member("x/Cargo.toml", &nothing, &[]).len(), 1);
        let workspace = entries("[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n");
        let own = |text| member(OWN_LINTS[0], &entries(text), &workspace).len();
        assert_eq!(own("[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"\n"), 0);
        assert_eq!(own("[lints.rust]\nunsafe_code = \"allow\"\nmissing_docs = \"warn\"\n"), 1);
        assert_eq!(own("[lints]\nworkspace = true\n"), 2);
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let workspace = entries("[workspace.dependencies]\nours = { path = \"ours\" }\nhex = \"0.4\"\nbytes = \"1\"\n");
        let found = decisions(&workspace, "| `hex` | text form of keys |\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 4);
    }
}
