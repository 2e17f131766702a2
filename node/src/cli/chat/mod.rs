//! `ratatosk chat`: a conversation in the terminal, or a question and its answer for a script.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `talk` | the loop: what is typed is done |
//! | `hear` | what happens is shown |
//! | `rooms` | conversations and contacts: listed, opened, paged through |
//! | `once` | something said, and the answer waited for |
//! | `command` | what a typed line means |
//! | `drafts` | what AIs are writing |
//! | `show`, `screen`, `region` | how it looks, and where it is written |
//! | `files` | attachments |

mod command;
mod drafts;
mod files;
mod hear;
mod once;
mod region;
mod rooms;
mod screen;
mod show;
mod talk;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use ratatosk_node::api::types::{Contact, NewTopic, Topic};
use ratatosk_node::client::Client;
use ratatosk_node::daemon::Purpose;

use self::screen::Screen;
use self::show::Show;
use self::talk::Talk;
use super::attach::Attached;
use super::folder::Place;
use super::names::{find, find_topic};
use super::problem::Problem;
use super::style::Style;

/// What stands before what one types.
const PROMPT: &str = "> ";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Whom to talk to: the name, short name or e-mail address of a contact, or the beginning of one; or the name of a
    /// conversation
    name: Option<String>,
    /// How much of what was said before is shown
    #[arg(long, value_name = "MESSAGES", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=200))]
    last: u16,
    /// Say this, and end: for scripts
    #[arg(long, value_name = "TEXT", requires = "name")]
    say: Option<String>,
    /// Send this file as well
    #[arg(long, value_name = "FILE", requires = "say")]
    send: Option<PathBuf>,
    /// Wait for a signed answer, of an AI where there is one, and print it; without one the command fails. What an AI is
    /// writing is shown on standard error as it comes, if that is a terminal
    #[arg(long, requires = "say")]
    wait: bool,
    /// Show what an AI is writing as it comes, also where there is no terminal
    #[arg(long, requires = "wait")]
    stream: bool,
    /// How long to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "wait", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    deadline: u64,
}

/// Talks until the lines end.
///
/// # Errors
///
/// What is wrong with the node, or the name.
pub(super) async fn run(options: Options) -> Result<(), Problem> {
    let attached = Attached::open(&options.place, Purpose::Talk).await?;
    let client = attached.client.clone();
    if let Some(said) = &options.say {
        let name = options.name.as_deref().unwrap_or_default();
        let deadline = options.wait.then(|| Duration::from_secs(options.deadline));
        let result = once::run(&client, name, said, options.send.as_deref(), deadline, options.stream).await;
        attached.close().await;
        return result;
    }
    let to = match find_first(&client, options.name.as_deref()).await {
        Ok(to) => to,
        Err(problem) => {
            attached.close().await;
            return Err(problem);
        }
    };
    let (screen, lines) = Screen::open(PROMPT);
    let show = Show::new(Style::of_stdout(), TimeZone::system());
    Talk::new(attached, options.place, screen, show, options.last.into()).await?.run(to, lines).await
}

/// Whom to talk to first: the one that was named, or the only one.
async fn find_first(client: &Client, name: Option<&str>) -> Result<Option<Topic>, Problem> {
    match name {
        Some(name) => meant(client, name).await.map(Some),
        None => match client.contacts().await?.as_slice() {
            [contact] => with_person(client, contact).await.map(Some),
            _ => Ok(None),
        },
    }
}

/// The conversation that somebody means: with a contact, which may begin now, or of several.
///
/// # Errors
///
/// If it is none, or more than one.
async fn meant(client: &Client, name: &str) -> Result<Topic, Problem> {
    let contacts = client.contacts().await?;
    match find(&contacts, name) {
        Ok(contact) => with_person(client, &contact).await,
        Err(problem) => find_topic(&client.topics().await?, &[], name).map_err(|_| problem),
    }
}

/// The conversation with somebody.
async fn with_person(client: &Client, contact: &Contact) -> Result<Topic, Problem> {
    Ok(client.create_topic(&NewTopic { name: None, people: vec![contact.person.clone()] }).await?)
}
