//! Whether a worker process starts, and speaks as this program does: without one no model runs.

use std::process::Stdio;
use std::time::Duration;

use ratatosk_engine::ipc::{MAX_REPLY, Reply, VERSION};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts one, hears it, and lets it end.
///
/// # Errors
///
/// What is wrong with it, for a person.
pub(super) async fn check() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("this program cannot find itself: {error}"))?;
    let mut command = Command::new(program);
    command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut worker = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    let said = worker.stdout.take().ok_or("it has no output")?;
    let mut line = Vec::new();
    let mut said = BufReader::new(said.take(MAX_REPLY as u64));
    let read = timeout(PATIENCE, said.read_until(b'\n', &mut line)).await.map_err(|_| "it says nothing")?;
    read.map_err(|error| format!("it cannot be heard: {error}"))?;
    let reply = serde_json::from_slice(&line).map_err(|_| "it ended, or says what no worker says")?;
    let Reply::Ready { version } = reply else { return Err("it says what no worker says first".to_owned()) };
    // It ends with its input; dropped, it would be killed.
    drop(worker.stdin.take());
    let _ = timeout(PATIENCE, worker.wait()).await;
    if version == VERSION { Ok(()) } else { Err(format!("it speaks version {version}, and this program {VERSION}")) }
}
