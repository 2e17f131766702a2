//! People with folders and a relay.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use ratatosk_relay::{Config, Server};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

pub(crate) async fn relay() -> Server {
    let listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Server::bind(Config { listen, ..Config::default() }).await.unwrap()
}

/// Somebody's folder.
pub(crate) struct Person(pub(crate) PathBuf);

impl Person {
    /// A folder for a test of that name, in which nothing is.
    pub(crate) fn nobody(test: &str, name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{test}-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    /// Somebody with a node at this relay.
    pub(crate) async fn new(test: &str, name: &str, relay: &Server) -> Self {
        let person = Self::nobody(test, name);
        let (email, url) = (format!("{name}@example.test"), format!("ws://{}", relay.local_addr()));
        let made =
            person.run(&["init", "--email", &email, "--name", name, "--relay", &url, "--without-passphrase"]).await;
        assert!(made.status.success() && text(&made.stdout).contains(&email), "{made:?}");
        person
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
        for variable in ["RATATOSK_KEY_FILE", "RATATOSK_RELAY"] {
            command.env_remove(variable);
        }
        command.args(arguments).env("RATATOSK_DIR", &self.0).env("RATATOSK_LOG", "error").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        within(self.command(arguments).stdin(Stdio::null()).output()).await.unwrap()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Waits for a line with this in it. Byte by byte, so that what follows is there for the next one who waits.
pub(crate) async fn line(child: &mut Child, wanted: &str) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    let mut before = Vec::new();
    within(async {
        loop {
            let mut line = Vec::new();
            loop {
                match stdout.read_u8().await {
                    Ok(b'\n') => break,
                    Ok(byte) => line.push(byte),
                    Err(_) => panic!("it ended without {wanted:?}, after {before:?}"),
                }
            }
            let line = text(&line);
            if line.contains(wanted) {
                return line;
            }
            before.push(line);
        }
    })
    .await
}

pub(crate) async fn pair(inviter: &Person, invited: &Person) {
    let mut waiting = inviter.start(&["invite", "--life", "60"]);
    let link = line(&mut waiting, "https://").await;
    let accepted = invited.run(&["accept", &link]).await;
    assert!(accepted.status.success(), "{accepted:?}");
    assert!(within(waiting.wait()).await.unwrap().success());
}
