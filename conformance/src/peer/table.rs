//! The implementations that this project knows how to start: `peers/peers.json`.

use std::path::Path;

use serde::Deserialize;

use super::Implementation;

/// One row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it is called on the command line and in reports.
    pub name: String,
    /// In which list of deviations it stands.
    pub known: String,
    /// A shell command; `{programs}` is the folder of this program, `{peers}` that of the adapters. A word that holds one
    /// of them is put into quotation marks.
    pub command: String,
    /// Files and folders that have to be there.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Environment variables that have to be set.
    #[serde(default)]
    pub variables: Vec<String>,
    /// What to do if something is not there.
    pub missing: String,
}

/// Where things are.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Where the project's programs lie.
    pub programs: &'a Path,
    /// Where the adapters lie.
    pub peers: &'a Path,
}

/// Why an implementation cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not there ({what}): {missing}")]
pub struct Missing {
    name: String,
    what: String,
    missing: String,
}

/// All rows.
///
/// # Errors
///
/// If the table is malformed.
pub fn rows() -> Result<Vec<Row>, serde_json::Error> {
    serde_json::from_str(include_str!("../../peers/peers.json"))
}

impl Row {
    /// The implementation, if everything is there.
    ///
    /// # Errors
    ///
    /// [`Missing`] if not.
    pub fn find(&self, places: Places<'_>) -> Result<Implementation, Missing> {
        let fill = |text: &str| {
            let text = text.replace("{programs}", &places.programs.display().to_string());
            text.replace("{peers}", &places.peers.display().to_string())
        };
        let missing = |what: String| Missing { name: self.name.clone(), what, missing: self.missing.clone() };
        if let Some(variable) = self.variables.iter().find(|it| std::env::var_os(it).is_none()) {
            return Err(missing(format!("{variable} is not set")));
        }
        if let Some(needed) = self.needs.iter().map(|it| fill(it)).find(|it| !Path::new(it).exists()) {
            return Err(missing(format!("no {needed}")));
        }
        let words =
            self.command.split(' ').map(|word| if word.contains('{') { quoted(&fill(word)) } else { word.to_owned() });
        let command = words.collect::<Vec<_>>().join(" ");
        let program = self.command.split(' ').next().unwrap_or_default();
        if !program.contains('/') && !program.starts_with('{') && !on_path(program) {
            return Err(missing(format!("no {program}")));
        }
        Ok(Implementation { name: self.name.clone(), known: Some(self.known.clone()), command })
    }
}

/// As one word for a shell, whatever is in it; as it is where that is one already.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_what_to_do_without_it() {
        let rows = rows().unwrap();
        assert!(rows.len() >= 4);
        let nowhere = Places { programs: Path::new("/nowhere"), peers: Path::new("/nowhere") };
        for row in rows {
            let missing = row.find(nowhere).unwrap_err().to_string();
            assert!(missing.contains(&row.name) && missing.contains(&row.missing), "{missing}");
        }
    }

    #[test]
    fn a_folder_may_have_any_name() {
        let row = Row {
            name: "x".to_owned(),
            known: "x".to_owned(),
            command: "{programs}/sh -c {peers}/x".to_owned(),
            needs: Vec::new(),
            variables: Vec::new(),
            missing: String::new(),
        };
        let command = |programs, peers| {
            row.find(Places { programs: Path::new(programs), peers: Path::new(peers) }).unwrap().command
        };
        assert_eq!(command("/bin", "/a_b-c.d"), "/bin/sh -c /a_b-c.d/x");
        assert_eq!(command("/my code", "/it's; rm"), r"'/my code/sh' -c '/it'\''s; rm/x'");
    }
}
