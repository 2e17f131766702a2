//! What is there to be measured, and what to do about the rest.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::plan::{Cell, PEERS};

/// Where the reference's packages are installed.
const REFERENCE: &str = "RATATOSK_REFERENCE";

/// Implementations that are not there, with what has to be done.
pub(super) struct Missing(Vec<(&'static str, String)>);

impl Missing {
    /// Asks the suite which peers it finds.
    ///
    /// # Errors
    ///
    /// A sentence, if it does not answer.
    pub(super) fn look(suite: &Path, adapters: &Path) -> Result<Self, String> {
        let mut command = Command::new(suite);
        command.args(["peer", "--list", "--peers"]).arg(adapters).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("{} cannot be started: {error}", suite.display()))?;
        if !output.status.success() {
            return Err(format!("{} peer --list: {}", suite.display(), output.status));
        }
        Ok(Self::read(&String::from_utf8_lossy(&output.stdout)))
    }

    fn read(list: &str) -> Self {
        let why = |name: &str| {
            let line = list.lines().find(|line| line.split_whitespace().next() == Some(name));
            let Some(line) = line else { return Some(format!("{name}: the suite does not know it")) };
            let said = line.trim_start_matches(name).trim();
            said.starts_with(&format!("{name} is not there (")).then(|| said.to_owned())
        };
        Self(PEERS.iter().filter_map(|name| Some((*name, why(name)?))).collect())
    }

    /// Why a cell cannot be measured.
    pub(super) fn stands_against(&self, cell: Cell) -> Option<&str> {
        // Of ours the CommServer and the codec were built.
        let subjects = cell.subjects();
        self.0.iter().find(|(name, _)| subjects.contains(name)).map(|(_, why)| why.as_str())
    }
}

/// The version of an implementation.
pub(super) fn version(name: &str) -> String {
    let ours = env!("CARGO_PKG_VERSION").to_owned();
    if name != "reference" {
        // The peer in JavaScript is of this repository too.
        return ours;
    }
    let folder = PathBuf::from(env::var_os(REFERENCE).unwrap_or_default());
    let manifests = [folder.join("node_modules"), folder].map(|it| it.join("@refinio/one.models/package.json"));
    let manifest = manifests.iter().find_map(|path| fs::read_to_string(path).ok());
    let manifest: Option<Value> = manifest.and_then(|text| serde_json::from_str(&text).ok());
    manifest.and_then(|it| it["version"].as_str().map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_stands_against_its_cells() {
        let missing = Missing::read(
            "ratatosk-wasm    /p/ratatosk peer\nratatosk-native  /p/ratatosk peer --plugins native\n\
             js               js is not there (no node): install it\n\
             reference        node /p/reference/peer.js\n",
        );
        assert_eq!(missing.stands_against(Cell::Hostile("js")), Some("js is not there (no node): install it"));
        assert!(missing.stands_against(Cell::Pair("js", "reference")).is_some());
        assert_eq!(missing.stands_against(Cell::Pair("ratatosk-wasm", "reference")), None);
        assert_eq!(missing.stands_against(Cell::Server("ratatosk")), None);
        assert!(Missing::read("").stands_against(Cell::Server("reference")).is_some());
    }
}
