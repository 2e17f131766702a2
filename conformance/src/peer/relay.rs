//! A CommServer of our own for a run: a `commserver` process on a free port, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long it may take to start.
const STARTING: Duration = Duration::from_secs(20);
/// What its first line on standard output begins with.
const LISTENS: &str = "commserver listens on ";

/// It is killed when this is dropped.
pub struct Relay {
    program: PathBuf,
    url: String,
    child: Option<Child>,
}

impl Relay {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// What went wrong, for people.
    pub async fn start(program: &Path) -> Result<Self, String> {
        let (child, url) = launch(program, "127.0.0.1:0").await?;
        Ok(Self { program: program.to_owned(), url, child: Some(child) })
    }

    /// Where it listens: `ws://host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it. Connections are lost.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill().await;
        }
    }

    /// Starts it again under the same address.
    ///
    /// # Errors
    ///
    /// What went wrong, for people.
    pub(super) async fn restart(&mut self) -> Result<(), String> {
        self.kill().await;
        let address = self.url.strip_prefix("ws://").unwrap_or(&self.url).to_owned();
        let (child, _) = launch(&self.program, &address).await?;
        self.child = Some(child);
        Ok(())
    }
}

async fn launch(program: &Path, listen: &str) -> Result<(Child, String), String> {
    let problem = |what: &str| format!("{}: {what}", program.display());
    let mut command = Command::new(program);
    command.args(["--listen", listen, "--ops-listen", "off", "--log", "error"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| problem(&error.to_string()))?;
    let stdout = child.stdout.take().ok_or_else(|| problem("no standard output"))?;
    let mut lines = BufReader::new(stdout).lines();
    let first = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(rest) = line.strip_prefix(LISTENS) {
                return rest.split(' ').next().map(str::to_owned);
            }
        }
        None
    };
    let url = tokio::time::timeout(STARTING, first).await.ok().flatten();
    Ok((child, url.ok_or_else(|| problem("it does not say where it listens"))?))
}
