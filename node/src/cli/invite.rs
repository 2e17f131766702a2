//! `ratatosk invite`: a link, a QR code, and the wait for somebody who takes it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ratatosk_node::service::News;
use ratatosk_objects::PersonId;
use ratatosk_pairing::{Invitation, qr};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::describe;
use super::folder::Place;
use super::online::Online;
use super::problem::Problem;
use super::say;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Show the invitation as JSON
    #[arg(long)]
    json: bool,
    /// Write the QR code to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// For how many seconds the invitation is good
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    life: u64,
}

/// Invites somebody, and waits until somebody has come or the time is over.
///
/// # Errors
///
/// Why nobody became a contact.
pub(super) async fn run(options: Options) -> Result<(), Problem> {
    let node = options.place.open()?;
    let (relay, life) = (options.place.relay(&node)?, Duration::from_secs(options.life));
    let mut online = Online::start(node, relay, Some(life)).await?;
    let result = invite(&mut online, &options, life).await;
    let result = match result {
        Ok(person) => online.contact(person).await,
        Err(problem) => Err(problem),
    };
    online.stop().await;
    eprintln!("You and {} are contacts now. Next: ratatosk chat", describe(&result?));
    Ok(())
}

async fn invite(online: &mut Online, options: &Options, life: Duration) -> Result<PersonId, Problem> {
    online.reach().await?;
    let invitation = online.service.invite().await?;
    let deadline = Instant::now() + life;
    show(&invitation, options)?;
    let paired = wait(online, deadline).await;
    if paired.is_none() {
        // It has expired by now; this only tidies up.
        let _ = online.service.revoke(&invitation.token).await;
    }
    paired.ok_or_else(|| {
        let help = "run it again when the other person is ready; --life SECONDS gives them longer";
        Problem::new("nobody has taken the invitation, and it is not good any more", help)
    })
}

/// The invitation on standard output; what is for people alone on standard error.
fn show(invitation: &Invitation, options: &Options) -> Result<(), Problem> {
    let link = invitation.to_url();
    if let Some(path) = &options.svg {
        write_svg(path, &link)?;
    }
    if options.json {
        say(invitation.to_json());
        return Ok(());
    }
    if std::io::stdout().is_terminal() {
        for line in lines(invitation) {
            say(line);
        }
    } else {
        say(link);
    }
    Ok(())
}

/// What somebody needs to hand an invitation on: for a terminal.
pub(super) fn lines(invitation: &Invitation) -> Vec<String> {
    let link = invitation.to_url();
    let mut lines =
        vec!["Give this to one person, and to nobody else:".to_owned(), String::new(), link.clone(), String::new()];
    // A link that is too long for a code can still be copied.
    lines.extend(qr::terminal(&link).ok().iter().flat_map(|code| code.lines()).map(str::to_owned));
    lines
}

fn write_svg(path: &Path, link: &str) -> Result<(), Problem> {
    let svg = qr::svg(link).map_err(|error| Problem::new(error.to_string(), "use the link instead"))?;
    std::fs::write(path, svg).map_err(|error| {
        Problem::new(format!("cannot write {}: {error}", path.display()), "choose a file that you may write")
    })
}

/// Waits with a countdown. Says who has come, if anybody has.
async fn wait(online: &mut Online, deadline: Instant) -> Option<PersonId> {
    let counts = std::io::stderr().is_terminal();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let paired = loop {
        tokio::select! {
            news = online.news.recv() => match news? {
                News::Paired { person, initiated: false, .. } => break Some(person),
                News::Trouble { place, text } => eprintln!("\r{place}: {text}"),
                _ => {}
            },
            _ = second.tick(), if counts => count_down(deadline.saturating_duration_since(Instant::now())),
            () = sleep_until(deadline) => break None,
            // The invitation is taken back; without this it would be good again while a chat runs.
            _ = tokio::signal::ctrl_c() => break None,
        }
    };
    if counts {
        eprintln!("\r{:60}\r", "");
    }
    paired
}

fn count_down(left: Duration) {
    let seconds = left.as_secs();
    let mut terminal = std::io::stderr();
    // A countdown that cannot be shown is no harm.
    let _ = write!(
        terminal,
        "\rWaiting for somebody to take it, {}:{:02} left (Ctrl-C ends it) ",
        seconds / 60,
        seconds % 60
    )
    .and_then(|()| terminal.flush());
}
