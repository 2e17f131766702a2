//! What takes long, with how far it is.

use std::io::{IsTerminal, Write};

use ratatosk_node::api::types::{Event, Progress};
use ratatosk_node::client::{Client, ClientError};

use super::problem::Problem;
use super::text;
use super::units::bytes;

/// Waits for something, and shows on a terminal how far it is.
///
/// # Errors
///
/// Those of `work`.
pub(super) async fn watched<T>(
    client: &Client,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, Problem> {
    if !std::io::stderr().is_terminal() {
        return Ok(work.await?);
    }
    let mut events = client.events().await?;
    let mut listens = true;
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            event = events.next(), if listens => match event {
                Ok(Event::Progress(progress)) => show(&line(&progress)),
                Ok(_) => {}
                // Whether the work goes on is its own matter.
                Err(_) => listens = false,
            },
        }
    };
    show("");
    Ok(result?)
}

/// Shows on a terminal how far something without a daemon is.
pub(super) fn show_percent(percent: u64) {
    if std::io::stderr().is_terminal() {
        show(&if percent >= 100 { String::new() } else { format!("{percent} %") });
    }
}

fn line(progress: &Progress) -> String {
    let what = text::name(&progress.what);
    match progress.total {
        Some(total) if total > 0 => {
            let percent = u128::from(progress.done) * 100 / u128::from(total);
            format!("{what}: {percent} % of {}", bytes(total))
        }
        _ => format!("{what}: {}", bytes(progress.done)),
    }
}

fn show(line: &str) {
    let mut terminal = std::io::stderr();
    // What cannot be shown is no harm.
    let _ = write!(terminal, "\r{line:70}\r").and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_if_that_is_known() {
        let progress = |done, total| line(&Progress { what: "import of smol".to_owned(), done, total });
        assert_eq!(progress(50_000, Some(200_000)), "import of smol: 25 % of 200.0 kB");
        assert_eq!(progress(u64::MAX, Some(0)), format!("import of smol: {}", bytes(u64::MAX)));
        assert_eq!(progress(5, None), "import of smol: 5 bytes");
    }
}
