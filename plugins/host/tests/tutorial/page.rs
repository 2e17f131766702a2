//! The tutorial as a list of things to do.

use std::path::PathBuf;

/// A fenced block of the page.
pub(crate) struct Block {
    /// What follows the fence: the language, and what the test is to do with the block.
    info: String,
    pub(crate) text: String,
    /// Of the page, from 1.
    pub(crate) line: usize,
}

/// What a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role<'a> {
    /// The content of a file with this name.
    File(&'a str),
    /// To be put into the plugin in Rust, in front of this line.
    Insert(&'a str),
    /// Commands that need nothing but Rust.
    Build,
    /// Commands that need npm and its registry.
    Npm,
    /// Commands that need the programs of this repository. What a block behind them shows is what they print.
    Programs { fail: bool },
    /// The same, and they run until the end.
    Background,
    /// What prepares a reader's machine.
    Prepare,
    /// What something looks like.
    Shown,
    /// What the peer that waits prints, sooner or later.
    Listener,
}

impl Block {
    pub(crate) fn role(&self) -> Role<'_> {
        let (language, rest) = self.info.split_once(' ').unwrap_or((&self.info, ""));
        if let Some(name) = rest.strip_prefix("file=") {
            return Role::File(name);
        }
        if let Some(line) = rest.strip_prefix("insert=") {
            return Role::Insert(line.trim_matches('"'));
        }
        match (language, rest) {
            ("sh", "") => Role::Build,
            ("sh", "npm") => Role::Npm,
            ("sh", "programs") => Role::Programs { fail: false },
            ("sh", "programs fails") => Role::Programs { fail: true },
            ("sh", "background") => Role::Background,
            ("sh", "terminal") => Role::Prepare,
            ("text" | "toml" | "json", "") => Role::Shown,
            ("json", "listener") => Role::Listener,
            _ => panic!("docs/plugins.md:{}: what is a block of {:?}?", self.line, self.info),
        }
    }

    /// The first line of the block that is not to be found in what was printed. `…` on the page is anything.
    pub(crate) fn missing_in(&self, printed: &str) -> Option<&str> {
        self.text.lines().find(|line| !printed.lines().any(|other| is_like(line, other)))
    }
}

fn is_like(shown: &str, printed: &str) -> bool {
    let mut rest = printed;
    shown.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The whole page.
pub(crate) fn text() -> String {
    std::fs::read_to_string(root().join("docs/plugins.md")).unwrap()
}

/// Its blocks, in their order.
pub(crate) fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text().lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => open = Some(Block { info: info.to_owned(), text: String::new(), line: index + 1 }),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of the page has no end");
    blocks
}
