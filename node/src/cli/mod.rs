//! The commands for people: `init`, `invite`, `accept`, `contacts`, `forget-keys`, `chat`, `check`.

mod chat;
mod check;
mod folder;
mod invite;
mod online;
mod problem;
mod style;
mod text;

use std::io::{Read, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ratatosk_node::model::home::Cost;
use ratatosk_node::model::{Contact, NewPerson, Node, Protection};
use ratatosk_pairing::Invitation;

use self::folder::Place;
use self::online::Online;
use self::problem::Problem;

/// Bytes of an invitation on standard input.
const MAX_INVITATION: u64 = 64 * 1024;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes your node: a folder with your identity and your keys
    Init(Init),
    /// Invites somebody: shows a link and a QR code, and waits
    Invite(invite::Options),
    /// Accepts an invitation
    Accept(Accept),
    /// Lists your contacts
    Contacts(Contacts),
    /// Trusts the keys of a contact no longer, so that you can pair anew: they have begun anew, or lost a device
    ForgetKeys(ForgetKeys),
    /// Talks to your contacts
    Chat(chat::Options),
    /// Checks whether everything that belongs to your node is there
    Check(check::Options),
}

#[derive(Args)]
pub(crate) struct Init {
    #[command(flatten)]
    place: Place,
    /// Your e-mail address: it is who you are in the network, and cannot be changed later
    #[arg(long)]
    email: String,
    /// The name that your contacts see [default: the e-mail address]
    #[arg(long)]
    name: Option<String>,
    /// What this device is called
    #[arg(long, default_value = "ratatosk")]
    instance: String,
    /// Protect the keys by a file that only you can read, and not by a passphrase
    #[arg(long)]
    without_passphrase: bool,
}

#[derive(Args)]
pub(crate) struct Accept {
    #[command(flatten)]
    place: Place,
    /// The invitation, as a link or as JSON; - reads it from standard input
    invitation: String,
}

#[derive(Args)]
pub(crate) struct Contacts {
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(crate) struct ForgetKeys {
    #[command(flatten)]
    place: Place,
    /// Whose: the name or the e-mail address
    contact: String,
}

/// Runs a command, and says on standard error why it could not be done.
pub(crate) async fn run(command: Command) -> ExitCode {
    let result = match command {
        Command::Init(init) => make(&init),
        Command::Invite(options) => invite::run(options).await,
        Command::Accept(accept) => accept_invitation(&accept).await,
        Command::Contacts(Contacts { place }) => list(&place),
        Command::ForgetKeys(options) => forget_keys(&options),
        Command::Chat(options) => chat::run(options).await,
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

fn make(init: &Init) -> Result<(), Problem> {
    let (dir, relay) = (init.place.dir()?, init.place.named_relay()?);
    if dir.join("identity.json").exists() {
        let help = "use it, or name another folder with --dir";
        return Err(Problem::new(format!("there is a node in {} already", dir.display()), help));
    }
    let person = NewPerson {
        email: init.email.clone(),
        instance: init.instance.clone(),
        name: init.name.clone().unwrap_or_else(|| init.email.clone()),
    };
    let protection = if init.without_passphrase {
        Protection::KeyFile(init.place.key_file())
    } else {
        Protection::Passphrase(folder::new_passphrase()?, Cost::STANDARD)
    };
    let node = Node::create(&dir, &person, &protection)?;
    if let Some(relay) = &relay {
        node.set_comm_server(relay)?;
    }
    say(format_args!("Your node is in {}.", dir.display()));
    say(format_args!(
        "You are {} <{}>, person {}.",
        text::name(&person.name),
        text::line(&person.email),
        node.person()
    ));
    match relay {
        Some(relay) => {
            say(format_args!(
                "Its CommServer is {}. Next: ratatosk invite, or ratatosk accept LINK.",
                text::line(&relay)
            ));
        }
        None => say("Next: ratatosk invite --relay ws://… or wss://…, or ratatosk accept LINK."),
    }
    Ok(())
}

async fn accept_invitation(accept: &Accept) -> Result<(), Problem> {
    let text = match accept.invitation.as_str() {
        "-" => read_invitation()?,
        text => text.to_owned(),
    };
    let invitation = parse_invitation(&text)?;
    let node = accept.place.open()?;
    // Whoever has no CommServer yet is where the inviter is.
    let relay = match accept.place.named_relay()? {
        Some(relay) => relay,
        None => node.comm_server()?.unwrap_or_else(|| invitation.url.clone()),
    };
    let mut online = Online::start(node, relay, None).await?;
    let accepted = {
        let service = online.service.clone();
        online.while_told(online::accept(service, invitation)).await
    };
    let result = match accepted {
        Ok(person) => online.contact(person).await,
        Err(problem) => Err(problem),
    };
    online.stop().await;
    say(format_args!("You and {} are contacts now. Next: ratatosk chat", describe(&result?)));
    Ok(())
}

fn read_invitation() -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_INVITATION).read_to_string(&mut text);
    read.map_err(|error| Problem::new(format!("cannot read the invitation: {error}"), "give it as an argument"))?;
    Ok(text)
}

/// Reads an invitation that somebody has pasted.
fn parse_invitation(text: &str) -> Result<Invitation, Problem> {
    let help =
        "copy the whole link that `ratatosk invite` has shown, in quotes: a shell takes # and & for something else";
    Invitation::parse(text).map_err(|error| Problem::new(error.to_string(), help))
}

fn list(place: &Place) -> Result<(), Problem> {
    let node = place.open()?;
    let contacts = node.contacts()?;
    if contacts.is_empty() {
        say("You have no contacts yet. Next: ratatosk invite, or ratatosk accept LINK.");
    }
    for contact in contacts {
        let devices = contact.endpoints.len();
        let devices = if devices == 1 { "1 device".to_owned() } else { format!("{devices} devices") };
        say(format_args!("{}, {devices}, person {}", describe(&contact), contact.person));
    }
    Ok(())
}

fn forget_keys(options: &ForgetKeys) -> Result<(), Problem> {
    let node = options.place.open()?;
    let contact = chat::find(&node.contacts()?, &options.contact)?;
    node.forget_keys(contact.person)?;
    say(format_args!("No key of {} is trusted any more; what they have said stays.", describe(&contact)));
    say("Next: pair again, and make sure that it is them: whoever comes with that e-mail address is taken for them.");
    Ok(())
}

/// A line on standard output. Whoever does not read it any more, as in `ratatosk contacts | head`, misses nothing.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A contact in one line, safe to be shown.
fn describe(contact: &Contact) -> String {
    let email = text::line(&contact.email);
    match &contact.name {
        Some(name) => format!("{} <{email}>", text::name(name)),
        None => format!("<{email}>"),
    }
}
