//! `ratatosk invite`: a link, a QR code, and the wait for somebody who takes it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ratatosk_node::api::types::{Contact, Event, Invitation, NewInvitation};
use ratatosk_node::client::{Client, Events};
use ratatosk_node::daemon::Purpose;
use ratatosk_pairing::qr;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::attach::{Attached, reach};
use super::folder::Place;
use super::people::{described, introduced};
use super::problem::Problem;
use super::{say, text};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Invite to an AI of yours, by its short name, instead of to yourself
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// For how many minutes the invitation is good
    #[arg(long, value_name = "MINUTES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    minutes: u32,
    /// For how many seconds it is waited for somebody who takes it; then it is taken back [default: as long as it is good]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    life: Option<u64>,
    /// Show it and do not wait: for a node that runs by itself (ratatosk serve)
    #[arg(long, conflicts_with = "life")]
    no_wait: bool,
    /// Show the invitation as JSON
    #[arg(long)]
    json: bool,
    /// Write the QR code to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Options {
    /// How long the invitation has to be good, in minutes, and how long it is waited for.
    fn life(&self) -> (u32, Duration) {
        let minutes = match self.life {
            Some(seconds) => u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX),
            None => self.minutes,
        };
        (minutes, Duration::from_secs(self.life.unwrap_or(u64::from(minutes) * 60)))
    }
}

/// Invites somebody, and waits until somebody has come or the time is over.
///
/// # Errors
///
/// Why nobody became a contact.
pub(super) async fn run(options: Options) -> Result<(), Problem> {
    let attached = Attached::open(&options.place, Purpose::Talk).await?;
    let result = if options.no_wait && attached.is_inside() {
        let what = "an invitation is good only while your node runs, and it does not run by itself";
        Err(Problem::new(what, "start it first: ratatosk serve; or leave --no-wait out"))
    } else {
        invite(&attached.client, &options).await
    };
    attached.close().await;
    match result? {
        Some(name) => eprintln!("{name} are contacts now. Next: ratatosk chat"),
        None => eprintln!("It is good for {} minutes, while your node runs. Next: ratatosk contacts", options.minutes),
    }
    Ok(())
}

/// Says who has become a contact; `None` if that was not waited for.
async fn invite(client: &Client, options: &Options) -> Result<Option<String>, Problem> {
    reach(client).await?;
    let mut events = client.events().await?;
    let (minutes, life) = options.life();
    let wish = NewInvitation { agent: options.agent.clone(), minutes: Some(minutes) };
    let invitation = client.invite(&wish).await?;
    let deadline = Instant::now() + life;
    show(&invitation, options)?;
    if options.no_wait {
        return Ok(None);
    }
    match wait(&mut events, options.agent.as_deref(), deadline).await? {
        Some(contact) => {
            let contact = introduced(client, &mut events, contact).await?;
            let name = described(client, &contact).await?;
            let inviter = options.agent.as_deref().map_or_else(|| "You".to_owned(), text::name);
            Ok(Some(format!("{inviter} and {name}")))
        }
        None => {
            // Nobody should take it while nobody waits.
            client.revoke(&invitation.url).await?;
            let help = "run it again when the other person is ready; --minutes MINUTES gives them longer";
            Err(Problem::new("nobody has taken the invitation, and it is not good any more", help))
        }
    }
}

/// The invitation on standard output; what is for people alone on standard error.
fn show(invitation: &Invitation, options: &Options) -> Result<(), Problem> {
    if let Some(path) = &options.svg {
        write_svg(path, &invitation.url)?;
    }
    if options.json {
        say(&invitation.json);
    } else if std::io::stdout().is_terminal() {
        lines(invitation).iter().for_each(say);
    } else {
        say(&invitation.url);
    }
    Ok(())
}

/// What somebody needs to hand an invitation on: for a terminal.
pub(super) fn lines(invitation: &Invitation) -> Vec<String> {
    let link = &invitation.url;
    let mut lines =
        vec!["Give this to one person, and to nobody else:".to_owned(), String::new(), link.clone(), String::new()];
    // A link that is too long for a code can still be copied.
    lines.extend(qr::terminal(link).ok().iter().flat_map(|code| code.lines()).map(str::to_owned));
    lines
}

fn write_svg(path: &Path, link: &str) -> Result<(), Problem> {
    let svg = qr::svg(link).map_err(|error| Problem::new(error.to_string(), "use the link instead"))?;
    std::fs::write(path, svg).map_err(|error| {
        Problem::new(format!("cannot write {}: {error}", path.display()), "choose a file that you may write")
    })
}

/// Waits with a countdown. Says who has come, if anybody has.
async fn wait(events: &mut Events, agent: Option<&str>, deadline: Instant) -> Result<Option<Contact>, Problem> {
    let counts = std::io::stderr().is_terminal();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let paired = loop {
        tokio::select! {
            event = events.next() => match event? {
                Event::Paired(paired) if !paired.initiated && paired.agent.as_deref() == agent => break Some(paired.contact),
                Event::Trouble(trouble) => eprintln!("\r{}: {}", text::line(&trouble.place), text::line(&trouble.text)),
                _ => {}
            },
            _ = second.tick(), if counts => count_down(deadline.saturating_duration_since(Instant::now())),
            () = sleep_until(deadline) => break None,
            // The invitation is taken back; without this it would be good while the node runs.
            _ = tokio::signal::ctrl_c() => break None,
        }
    };
    if counts {
        eprintln!("\r{:60}\r", "");
    }
    Ok(paired)
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
