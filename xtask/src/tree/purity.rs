//! Pure rooms stay pure: time, randomness, tasks and sockets come to them from outside.

use super::files::TextFile;

/// The rooms (folders and files), and the part of one that is not pure.
const ROOMS: &[&str] = &[
    "node/agent/src/",
    "plugins/encryption/src/",
    "plugins/fragmentation/src/",
    "plugins/keepalive/src/",
    "plugins/sdk/src/",
    "protocol/chum/src/",
    "protocol/objects/src/",
    "protocol/pairing/src/",
    "protocol/src/",
    "protocol/versions/src/",
    "relay/src/frame/",
    "relay/src/registry/",
    "relay/src/session/",
    "relay/src/upgrade/head.rs",
    "conformance/src/scenario/",
];
const DRIVER: &str = "protocol/src/driver/";

/// What none of them may say.
const IMPURE: &[&str] =
    &["Instant::now(", "SystemTime::now(", "tokio::", "std::fs", "std::io", "std::net", "std::thread", "getrandom"];

/// The one place where a word is meant: the operating system's random numbers behind the trait `Entropy`.
const EXCEPTIONS: &[(&str, &str)] = &[("protocol/src/entropy.rs", "getrandom")];

/// An impure word in the code of a pure room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breach<'a> {
    pub(super) path: &'a str,
    /// From 1.
    pub(super) line: usize,
    pub(super) word: &'static str,
}

/// All breaches in `files`. Comments and tests may say what they like.
pub(super) fn breaches(files: &[TextFile]) -> Vec<Breach<'_>> {
    let is_pure = |path: &str| ROOMS.iter().any(|room| path.starts_with(room)) && !path.starts_with(DRIVER);
    let rooms = || files.iter().filter(|file| is_pure(&file.path));
    let tests: Vec<String> = rooms().flat_map(|file| Split::of(&file.text).test_modules(&file.path)).collect();
    let mut breaches = Vec::new();
    for TextFile { path, text } in rooms().filter(|file| !tests.contains(&file.path)) {
        for (line, code) in Split::of(text).shipped {
            let meant = |word: &str| EXCEPTIONS.contains(&(path, word));
            let word = IMPURE.iter().find(|word| code.contains(**word) && !meant(word));
            breaches.extend(word.map(|word| Breach { path, line, word }));
        }
    }
    breaches
}

/// The lines of a source, without comments, that are shipped, and those that belong to items under `#[cfg(test)]`.
#[derive(Default)]
struct Split<'a> {
    /// With their numbers, from 1.
    shipped: Vec<(usize, &'a str)>,
    tests: Vec<&'a str>,
}

impl<'a> Split<'a> {
    /// The sources are formatted, so an item that is longer than a line ends with a line that closes it as far to the left
    /// as it began.
    fn of(text: &'a str) -> Self {
        let mut split = Self::default();
        // The indentation of the item under test, and whether its first line is still to come.
        let mut item: Option<(&str, bool)> = None;
        for (index, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            match &mut item {
                None if code == "#[cfg(test)]" => item = Some((&line[..line.len() - code.len()], true)),
                None => split.shipped.push((index + 1, line)),
                Some((indent, is_first)) => {
                    split.tests.push(code);
                    let closes = line.strip_prefix(*indent).is_some_and(|rest| rest.starts_with('}'));
                    let is_attribute = *is_first && code.starts_with("#[");
                    if closes || *is_first && !is_attribute && code.ends_with([';', '}', ',']) {
                        item = None;
                    } else {
                        *is_first &= is_attribute;
                    }
                }
            }
        }
        split
    }

    /// The files of the modules that the file at `path` declares for its tests.
    fn test_modules(&self, path: &str) -> Vec<String> {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        let folder = ["/mod", "/lib", "/main"].iter().find_map(|root| stem.strip_suffix(root)).unwrap_or(stem);
        let declared = self.tests.iter().filter_map(|line| line.strip_suffix(';'));
        let names = declared.filter_map(|item| item.rsplit_once("mod ").filter(|(before, _)| !before.contains('"')));
        names.map(|(_, name)| format!("{folder}/{name}.rs")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn lines(path: &str, text: &str) -> Vec<usize> {
        breaches(&[file(path, text)]).iter().map(|breach| breach.line).collect()
    }

    #[test]
    fn a_pure_room_reads_no_clock() {
        let code = "// Instant::now() is not for us\nlet now = Instant::now();\n";
        for path in ["protocol/src/ping.rs", "relay/src/upgrade/head.rs", "conformance/src/scenario/parse.rs"] {
            assert_eq!(lines(path, code), [2], "{path}");
        }
        for path in ["protocol/src/driver/mod.rs", "relay/src/server/mod.rs", "relay/src/upgrade/mod.rs"] {
            assert!(lines(path, code).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_module_for_tests_alone_is_left_out() {
        let code = "Instant::now()\n";
        let files = [
            file("protocol/src/lib.rs", "mod a;\n#[cfg(test)]\nmod testing;\n"),
            file("protocol/src/testing.rs", code),
            file("protocol/src/a.rs", "#[cfg(test)]\npub(crate) mod checks;\nmod tests;\n"),
            file("protocol/src/a/checks.rs", code),
            file("protocol/src/a/tests.rs", code),
        ];
        let found: Vec<_> = breaches(&files).iter().map(|breach| breach.path).collect();
        assert_eq!(found, ["protocol/src/a/tests.rs"]);
    }

    #[test]
    fn every_impure_word_is_found() {
        for word in IMPURE {
            let files = [file("protocol/src/key.rs", &format!("    {word}x);\n"))];
            assert_eq!(breaches(&files), [Breach { path: "protocol/src/key.rs", line: 1, word }]);
        }
    }

    #[test]
    fn the_entropy_may_ask_the_system_and_nobody_else() {
        let code = "getrandom::fill(buffer)\nstd::io::stdin()\n";
        assert_eq!(lines("protocol/src/entropy.rs", code), [2]);
        assert_eq!(lines("protocol/src/key.rs", code), [1, 2]);
    }

    #[test]
    fn only_the_item_under_test_is_left_out() {
        let code = "\
mod order;
#[cfg(test)]
mod testing;
use std::io;
#[cfg(test)]
#[path = \"x.rs\"]
mod more {
    use std::io;
    fn all() {
        std::io::stdin()
    }
}
std::io
impl One {
    #[cfg(test)]
    /// Instant::now()
    fn test_only(
        now: Instant,
    ) -> std::io::Result<()> {
        Instant::now()
    }

    fn shipped() {
        Instant::now()
    }
}
#[cfg(test)]
use std::{
    io,
    fs,
};
std::fs
";
        assert_eq!(lines("protocol/src/key.rs", code), [4, 13, 24, 32]);
    }
}
