//! The commands for people. All but `init`, `restore` and `check` are clients of a daemon's API: of the one that runs on the folder,
//! or else of one that runs inside the command for as long as it takes.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `folder` | where a node is, and what opens it |
//! | `attach` | the way to a node |
//! | `init`, `serve`, `status`, `people`, `invite`, `topics`, `chat`, `model`, `agent`, `trace`, `doctor`, `check`, `backup` | the commands |
//! | `names` | whom somebody means, and what people are called |
//! | `problem` | what went wrong, what that means, and what to do |
//! | `text`, `style`, `units`, `progress` | how it looks; texts of others are escaped |

mod agent;
mod attach;
mod backup;
mod chat;
mod check;
mod doctor;
mod folder;
mod init;
mod invite;
mod model;
mod names;
mod people;
mod problem;
mod progress;
mod serve;
mod status;
mod style;
mod text;
mod topics;
mod trace;
mod units;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use self::problem::Problem;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes your node: a folder with your identity and your keys
    Init(init::Options),
    /// Runs your node: it can be reached, and your AIs answer, until you stop it
    Serve(Box<serve::Options>),
    /// Says how your node is
    Status(folder::Listing),
    /// Invites somebody: shows a link and a QR code, and waits
    Invite(invite::Options),
    /// Accepts an invitation
    Accept(people::Accept),
    /// Lists your contacts
    Contacts(folder::Listing),
    /// Trusts the keys of a contact no longer, so that you can pair anew: they have begun anew, or lost a device
    ForgetKeys(people::ForgetKeys),
    /// Lists and makes conversations, and says how AIs behave in them
    #[command(subcommand)]
    Topics(topics::Tool),
    /// Talks to your contacts, people and AIs
    Chat(Box<chat::Options>),
    /// Imports, lists and removes models
    #[command(subcommand)]
    Model(model::Tool),
    /// Makes, changes and removes AIs: contacts with an identity of their own
    #[command(subcommand)]
    Agent(Box<agent::Tool>),
    /// Shows what happens on the connections, phase by phase
    Trace(trace::Options),
    /// Writes all of your node into one file, encrypted
    Backup(backup::Backup),
    /// Makes a node of a backup, in an empty folder
    Restore(backup::Restore),
    /// Says what is wrong with your node, and what can be done
    Doctor(doctor::Options),
    /// Checks whether everything in the storage of a node that does not run is there
    #[command(hide = true)]
    Check(check::Options),
}

impl Command {
    /// What is logged, if the settings of a node that is to run say so.
    pub(crate) fn log_filter(&self) -> Option<String> {
        match self {
            Self::Serve(options) => options.log_filter(),
            _ => None,
        }
    }
}

/// Runs a command, and says on standard error why it could not be done.
pub(crate) async fn run(command: Command) -> ExitCode {
    let result = match command {
        Command::Init(options) => init::run(&options),
        Command::Serve(options) => serve::run(&options).await,
        Command::Status(options) => status::run(&options).await,
        Command::Invite(options) => invite::run(options).await,
        Command::Accept(options) => people::accept(&options).await,
        Command::Contacts(options) => people::contacts(&options).await,
        Command::ForgetKeys(options) => people::forget_keys(&options).await,
        Command::Topics(tool) => topics::run(&tool).await,
        Command::Chat(options) => chat::run(*options).await,
        Command::Model(tool) => model::run(&tool).await,
        Command::Agent(tool) => agent::run(&tool).await,
        Command::Trace(options) => trace::run(&options).await,
        Command::Backup(options) => backup::backup(&options).await,
        Command::Restore(options) => backup::restore(&options).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Check(options) => check::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("ratatosk: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// A line on standard output. Whoever does not read it any more, as in `ratatosk contacts | head`, misses nothing.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// JSON for programs, on standard output. Its strings are escaped as JSON has it, so nothing in them moves a cursor.
fn print_json(value: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Problem::new(format!("cannot be written as JSON: {error}"), "leave --json out"))?;
    say(text);
    Ok(())
}
