//! The part of TOML that manifests use: tables, and keys with a value on one or more lines.

/// One `key = value` of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The table that it stands in, as written: `dependencies`, `target.'cfg(unix)'.dependencies`.
    pub(super) table: String,
    /// The key, as written: `tokio`, `tokio.workspace`.
    pub(super) key: String,
    /// The value on one line.
    pub(super) value: String,
    /// The line of the key, from 1.
    pub(super) line: usize,
}

/// The entries of a manifest, in order.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut open = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if open {
            if let Some(entry) = entries.last_mut() {
                entry.value.push_str(line);
                open = is_open(&entry.value);
            }
        } else if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            open = is_open(&value);
            entries.push(Entry { table: table.clone(), key, value, line: index + 1 });
        }
    }
    entries
}

/// The folders in `workspace.members`.
pub(super) fn members(workspace: &[Entry]) -> Vec<String> {
    let list = workspace.iter().find(|entry| entry.table == "workspace" && entry.key == "members");
    list.map_or(Vec::new(), |entry| entry.value.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Whether a list or an inline table goes on in the next line.
fn is_open(value: &str) -> bool {
    let count = |wanted: &[char]| value.chars().filter(|c| wanted.contains(c)).count();
    count(&['[', '{']) > count(&[']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_over_several_lines_are_one_value() {
        let entries =
            entries("[workspace]\n# who\nmembers = [\n  \"relay\",\n  \"node\",\n]\n\n[profile.dev]\ndebug = 1\n");
        assert_eq!(members(&entries), ["relay", "node"]);
        assert_eq!(entries[1], Entry { table: "profile.dev".into(), key: "debug".into(), value: "1".into(), line: 9 });
    }

    #[test]
    fn a_workspace_without_members_has_none() {
        assert!(members(&entries("[package]\nname = \"x\"\n")).is_empty());
    }
}
