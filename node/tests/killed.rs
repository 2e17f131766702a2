//! `ratatosk init`, killed at any moment: nothing is half made, and no key is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use ratatosk_node::model::{Home, HomeError, Node, Protection};

/// How often.
const KILLS: u32 = 60;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn init(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
    command.args(["init", "--without-passphrase", "--email", "a@peer.test", "--name", "Ada", "--dir"]).arg(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the moment is what is tested, so here time has to pass")]
fn an_init_that_is_killed_can_be_repeated_or_is_complete() {
    let folder = Folder(std::env::temp_dir().join(format!("ratatosk-killed-{}", std::process::id())));
    let begun = Instant::now();
    assert!(init(&folder.0.join("whole")).status().unwrap().success());
    let whole = begun.elapsed();
    let (mut killed, mut repeated) = (0, 0);
    for number in 0..KILLS {
        let dir = folder.0.join(number.to_string());
        let mut child = init(&dir).spawn().unwrap();
        std::thread::sleep(whole * number / KILLS);
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let key_before = match Home::open(&dir, &Protection::KeyFile(None)) {
            Ok(home) => Some(*home.secrets().person.public()),
            Err(HomeError::Missing(_)) => None,
            Err(error) => panic!("after {number} of {KILLS}: {error}"),
        };
        if key_before.is_none() {
            repeated += 1;
            assert!(init(&dir).status().unwrap().success(), "after {number} of {KILLS}");
        }
        let node = Node::open(&dir, &Protection::KeyFile(None)).unwrap();
        assert_eq!(node.name().unwrap(), "Ada");
        assert!(key_before.is_none_or(|key| key == *node.person_key().public()));
        let problems = node.integrity().unwrap();
        assert!(problems.is_empty(), "after {number} of {KILLS}: {problems:?}");
    }
    assert!(killed > 0 && repeated > 0, "{killed} killed and {repeated} repeated within {whole:?}");
}
