//! A reader who has built the programs of the repository, too: a relay and two peers, told to do what the page says.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::page::{Block, Role};

/// What the page calls the relay's address.
const ADDRESS: &str = "127.0.0.1:8000";
/// Where the peer that waits tells what happens.
const LISTENER: &str = "listener.jsonl";
/// How long something may take until it is to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The programs, and what of them runs.
pub(crate) struct Programs<'a> {
    folder: &'a Folder,
    path: String,
    address: String,
    background: Vec<Child>,
    printed: String,
}

impl<'a> Programs<'a> {
    /// Programs that lie in `programs`.
    pub(crate) fn new(folder: &'a Folder, programs: &Path) -> Self {
        let path = format!("{}:{}", programs.canonicalize().unwrap().display(), std::env::var("PATH").unwrap());
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { folder, path, address: free.to_string(), background: Vec::new(), printed: String::new() }
    }

    /// Does what a block says that needs the programs, or sees whether it shows what they print.
    pub(crate) fn follow(&mut self, block: &Block) {
        let place = format!("docs/plugins.md:{}", block.line);
        match block.role() {
            Role::Programs { fail } => {
                let output = self.shell(block).output().unwrap();
                self.printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
                assert!(output.status.success() != fail, "{place}: {}\n{}", output.status, self.printed);
            }
            Role::Background => {
                let mut shell = self.shell(block);
                shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                self.background.push(shell.spawn().unwrap());
                let ready = || match self.background.len() {
                    1 => TcpStream::connect(&self.address).is_ok(),
                    _ => self.listener().contains(r#""event":"online","state":true"#),
                };
                assert!(wait(ready), "{place}: it does not begin");
            }
            Role::Shown if !self.printed.is_empty() => {
                let missing = block.missing_in(&self.printed);
                assert_eq!(missing, None, "{place}: the page shows this, the programs print\n{}", self.printed);
            }
            Role::Listener => {
                let is_there = wait(|| block.missing_in(&self.listener()).is_none());
                assert!(is_there, "{place}: {:?} is not in\n{}", block.missing_in(&self.listener()), self.listener());
            }
            _ => {}
        }
        // What is shown further down is something else.
        if !matches!(block.role(), Role::Programs { .. }) {
            self.printed.clear();
        }
    }

    fn listener(&self) -> String {
        fs::read_to_string(self.folder.path(LISTENER)).unwrap_or_default()
    }

    fn shell(&self, block: &Block) -> Command {
        // A second is enough for somebody who follows the page, and not for a machine that runs all tests at once.
        let text = block.text.replace(ADDRESS, &self.address).replace("sleep 1", "sleep 6");
        let mut shell = self.folder.shell(&text);
        // What the relay tells operators is not on the page, and its port may be taken.
        shell.env("PATH", &self.path).env("COMMSERVER_OPS_LISTEN", "off");
        // The blocks of one terminal share their variables.
        if let Some((_, rest)) = self.listener().split_once(r#""publicKey":""#) {
            shell.env("key", rest.split('"').next().unwrap());
        }
        shell
    }
}

impl Drop for Programs<'_> {
    fn drop(&mut self) {
        for child in self.background.iter_mut().rev() {
            // The shell and what it has started.
            let _ = Command::new("sh").args(["-c", &format!("kill -s KILL -- -{}", child.id())]).status();
            let _ = child.wait();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "other processes do not say when they have written into a file")]
fn wait(mut is_true: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if is_true() {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    false
}
