//! The empty folder that the tutorial begins in, and a reader who does what it says.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command, Output};

use super::page::{self, Block, Role};

/// Settings of the cargo that runs the test, which a reader does not have: names, and how families of names begin.
const NOT_INHERITED: [&str; 5] =
    ["CARGO_ENCODED_RUSTFLAGS", "CARGO_MAKEFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER", "RUSTFLAGS"];
const FAMILIES_NOT_INHERITED: [&str; 3] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];

/// A folder that is gone in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty one, but for the repository in it. Not below the repository: a reader's folder is in no workspace.
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("ratatosk-tutorial-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        std::os::unix::fs::symlink(page::root(), path.join("ratatosk")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Does what a block says, if it is one of those that the test is about.
    pub(crate) fn follow(&self, block: &Block, with_npm: bool) {
        match block.role() {
            // Folders are made by the commands of the page.
            Role::File(name) => fs::write(self.path(name), &block.text).unwrap_or_else(|error| {
                panic!("docs/plugins.md:{}: {name} cannot be written: {error}", block.line);
            }),
            Role::Insert(before) => {
                let plugin = self.path("size-histogram/src/lib.rs");
                let text = fs::read_to_string(&plugin).unwrap();
                assert_eq!(text.matches(before).count(), 1, "docs/plugins.md:{}: in front of what?", block.line);
                fs::write(plugin, text.replace(before, &format!("{}{before}", block.text))).unwrap();
            }
            Role::Build => self.run_block(block),
            Role::Npm if with_npm => self.run_block(block),
            _ => {}
        }
    }

    fn run_block(&self, block: &Block) {
        let output = self.run(&block.text);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docs/plugins.md:{}: {}\n{said}", block.line, output.status);
    }

    /// Runs commands as a reader's shell would.
    pub(crate) fn run(&self, commands: &str) -> Output {
        self.shell(commands).output().unwrap()
    }

    /// A reader's shell with these commands.
    pub(crate) fn shell(&self, commands: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", commands]).current_dir(&self.0);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if NOT_INHERITED.contains(&&*text) || FAMILIES_NOT_INHERITED.iter().any(|family| text.starts_with(family)) {
                shell.env_remove(&name);
            }
        }
        // The SDK depends on nothing, so nothing has to be fetched.
        shell.env("CARGO_NET_OFFLINE", "true");
        shell
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The link is removed, not what it leads to.
        let _ = fs::remove_dir_all(&self.0);
    }
}
