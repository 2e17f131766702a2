//! `ratatosk contacts`, `accept` and `forget-keys`: whom we know.

use std::io::Read;
use std::time::Duration;

use clap::Args;
use ratatosk_node::api::types::{Agent, Contact, Event, Me};
use ratatosk_node::client::{Client, ClientError, Events};
use ratatosk_node::daemon::Purpose;
use ratatosk_pairing::Invitation;
use tokio::time::{Instant, timeout_at};

use super::attach::{Attached, with};
use super::folder::{Listing, Place};
use super::names::{describe, find, is_removed};
use super::problem::Problem;
use super::{print_json, say, text};

/// Bytes of an invitation on standard input.
const MAX_INVITATION: u64 = 64 * 1024;

/// How long a new contact may take to say their name, and how long nothing more has to come after that.
const INTRODUCTION: Duration = Duration::from_secs(4);
const QUIET: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct Accept {
    #[command(flatten)]
    place: Place,
    /// The invitation, as a link or as JSON; - reads it from standard input
    invitation: String,
}

#[derive(Args)]
pub(crate) struct ForgetKeys {
    #[command(flatten)]
    place: Place,
    /// Whose: the name or the e-mail address
    contact: String,
}

/// Accepts an invitation.
///
/// # Errors
///
/// Why nobody became a contact.
pub(super) async fn accept(options: &Accept) -> Result<(), Problem> {
    let text = match options.invitation.as_str() {
        "-" => read_invitation()?,
        text => text.to_owned(),
    };
    let invitation = parse_invitation(&text)?;
    // Whoever has no CommServer yet is where the inviter is.
    let attached = Attached::open_at(&options.place, Purpose::Talk, Some(invitation.url.clone())).await?;
    let accepted = accepted(&attached.client, &invitation).await;
    attached.close().await;
    say(format_args!("You and {} are contacts now. Next: ratatosk chat", accepted?));
    Ok(())
}

async fn accepted(client: &Client, invitation: &Invitation) -> Result<String, Problem> {
    let mut events = client.events().await?;
    let contact = accept_with(client, &invitation.to_url()).await?;
    let contact = introduced(client, &mut events, contact).await?;
    described(client, &contact).await
}

/// Gives a new contact the time to say their name, and whom they bring along: a command that left at once would know them by
/// their address alone until the next one.
///
/// # Errors
///
/// What the daemon says.
pub(super) async fn introduced(client: &Client, events: &mut Events, contact: Contact) -> Result<Contact, Problem> {
    let (mut contact, last) = (contact, Instant::now() + INTRODUCTION);
    let mut end = last;
    loop {
        if contact.name.is_some() {
            end = last.min(Instant::now() + QUIET);
        }
        let Ok(event) = timeout_at(end, events.next()).await else { return Ok(contact) };
        if matches!(event?, Event::Contact(_) | Event::Paired(_) | Event::Lagged { .. }) {
            let known = client.contacts().await?.into_iter().find(|one| one.person == contact.person);
            contact = known.unwrap_or(contact);
        }
    }
}

/// Accepts an invitation, in words for people.
///
/// # Errors
///
/// Why nobody became a contact.
pub(super) async fn accept_with(client: &Client, link: &str) -> Result<Contact, Problem> {
    client.accept(link).await.map_err(|error| {
        let said = error.to_string();
        let ClientError::Refused { .. } = error else { return error.into() };
        // What both ends say then (`spec/one.md §2`).
        let help = if said.contains("EP-KEYMISSMATCH") {
            "one of you has begun anew; the other one knows the keys of before: `ratatosk forget-keys`, then pair again"
        } else {
            "an invitation is good once, and for a short time: ask for a new one"
        };
        if said.contains("this invitation") {
            return Problem::from(error).or_help(help);
        }
        Problem::new(format!("this invitation led to nothing: {}", text::line(&said)), help)
    })
}

fn read_invitation() -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_INVITATION).read_to_string(&mut text);
    read.map_err(|error| Problem::new(format!("cannot read the invitation: {error}"), "give it as an argument"))?;
    Ok(text)
}

/// Reads an invitation that somebody has pasted.
///
/// # Errors
///
/// That it is none.
pub(super) fn parse_invitation(text: &str) -> Result<Invitation, Problem> {
    let help =
        "copy the whole link that `ratatosk invite` has shown, in quotes: a shell takes # and & for something else";
    Invitation::parse(text).map_err(|error| Problem::new(text::line(&error.to_string()), help))
}

/// Lists everybody.
///
/// # Errors
///
/// What is wrong with the node.
pub(super) async fn contacts(options: &Listing) -> Result<(), Problem> {
    let (contacts, agents, me) = with(&options.place, async |client: &Client| {
        Ok((client.contacts().await?, client.agents().await?, client.status().await?.me))
    })
    .await?;
    if options.json {
        return print_json(&contacts);
    }
    if contacts.is_empty() {
        say("You have no contacts yet. Next: ratatosk invite, or ratatosk accept LINK.");
    }
    for contact in &contacts {
        say(line(contact, &contacts, &agents, &me));
    }
    Ok(())
}

fn line(contact: &Contact, contacts: &[Contact], agents: &[Agent], me: &Me) -> String {
    let devices = if contact.devices == 1 { "1 device".to_owned() } else { format!("{} devices", contact.devices) };
    let state = match contact.connected {
        _ if is_removed(&contact.person, contact.ai.as_ref(), agents) => "removed",
        true => "connected",
        false => "not connected",
    };
    let trust = if contact.trusted { "" } else { ", no trusted key: pair again" };
    let person = text::line(&contact.person);
    format!("{}, {state}, {devices}{trust}, person {person}", describe(contact, contacts, me))
}

/// A contact in one line, with whose AI it is if it is one.
///
/// # Errors
///
/// What the daemon says.
pub(super) async fn described(client: &Client, contact: &Contact) -> Result<String, Problem> {
    Ok(describe(contact, &client.contacts().await?, &client.status().await?.me))
}

/// Trusts the keys of somebody no longer.
///
/// # Errors
///
/// Whom that could mean, or what is wrong with the node.
pub(super) async fn forget_keys(options: &ForgetKeys) -> Result<(), Problem> {
    let name = with(&options.place, async |client: &Client| {
        let contact = find(&client.contacts().await?, &options.contact)?;
        if let Some(ai) = contact.ai.as_ref().filter(|ai| ai.own) {
            let what = format!("{} is an AI of yours: your node itself says which keys it has", text::line(&ai.slug));
            return Err(Problem::new(what, "`ratatosk agent remove` ends it and its keys"));
        }
        client.forget_keys(&contact.person).await?;
        described(client, &contact).await
    })
    .await?;
    say(format_args!("No key of {name} is trusted any more; what they have said stays."));
    say("Next: pair again, and make sure that it is them: whoever comes with that e-mail address is taken for them.");
    Ok(())
}
