//! `ratatosk topics`: the conversations, and how the AIs in them behave.

use clap::{Args, Subcommand, ValueEnum};
use ratatosk_node::api::types::{EditTopic, Mode, NewMessage, NewTopic, Topic};
use ratatosk_node::client::Client;

use super::attach::with;
use super::folder::{Listing, Place};
use super::names::{find, find_topic, title};
use super::problem::Problem;
use super::{print_json, say, text};

#[derive(Subcommand)]
pub(crate) enum Tool {
    /// Lists the conversations
    List(Listing),
    /// Begins a conversation of several: people, AIs, or both
    Create(Create),
    /// Says which AIs answer in a conversation: for everybody in it
    Mode(ModeOptions),
    /// Says how urgent answers of your AIs in a conversation are: on this node alone
    Priority(Priority),
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Place,
    /// What it is called
    name: String,
    /// Who takes part: a name or an e-mail address; once for each
    #[arg(long = "with", value_name = "CONTACT", required = true)]
    people: Vec<String>,
}

#[derive(Args)]
pub(crate) struct ModeOptions {
    #[command(flatten)]
    place: Place,
    /// The conversation: its name, or the beginning of its id
    topic: String,
    /// Who answers
    mode: ModeName,
    /// How many messages of AIs may follow each other
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=32))]
    hops: Option<u8>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeName {
    /// No AI
    Off,
    /// Those that are mentioned, as @name
    Mention,
    /// One after the other, one to each message of a person
    RoundRobin,
    /// Every one, to people and to each other
    Free,
}

#[derive(Args)]
pub(crate) struct Priority {
    #[command(flatten)]
    place: Place,
    /// The conversation: its name, the other one's name, or the beginning of its id
    topic: String,
    /// 1 to 10, which comes first
    #[arg(value_parser = clap::value_parser!(u8).range(1..=10))]
    priority: u8,
}

/// Does what was asked for.
///
/// # Errors
///
/// What is wrong with the node, or whom and what could be meant.
pub(super) async fn run(tool: &Tool) -> Result<(), Problem> {
    match tool {
        Tool::List(options) => list(options).await,
        Tool::Create(options) => create(options).await,
        Tool::Mode(options) => mode(options).await,
        Tool::Priority(options) => priority(options).await,
    }
}

async fn list(options: &Listing) -> Result<(), Problem> {
    let (topics, contacts) =
        with(&options.place, async |client: &Client| Ok((client.topics().await?, client.contacts().await?))).await?;
    if options.json {
        return print_json(&topics);
    }
    if topics.is_empty() {
        say("There are no conversations yet. Next: ratatosk chat NAME, or ratatosk topics create NAME --with NAME");
    }
    for topic in &topics {
        let id = text::line(topic.id.get(..12).unwrap_or(&topic.id));
        say(format_args!("{id}  {}{}", title(topic, &contacts), behaviour(topic)));
    }
    Ok(())
}

/// How AIs behave in it, if there are any.
pub(super) fn behaviour(topic: &Topic) -> String {
    if !topic.participants.iter().any(|one| one.ai.is_some()) {
        return String::new();
    }
    let priority = if topic.priority == 5 { String::new() } else { format!(", priority {}", topic.priority) };
    if topic.one_to_one {
        return priority;
    }
    format!(", {}, {} hops{priority}", mode_name(topic.rules.mode), topic.rules.hops)
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "no AI answers",
        Mode::Mention => "AIs answer when mentioned",
        Mode::RoundRobin => "AIs take turns",
        Mode::Free => "every AI answers",
    }
}

async fn create(options: &Create) -> Result<(), Problem> {
    let line = with(&options.place, async |client: &Client| {
        let contacts = client.contacts().await?;
        let people: Result<Vec<String>, Problem> =
            options.people.iter().map(|name| find(&contacts, name).map(|contact| contact.person)).collect();
        let topic = client.create_topic(&NewTopic { name: Some(options.name.clone()), people: people? }).await?;
        Ok(title(&topic, &contacts))
    })
    .await?;
    say(format_args!("There is a conversation now: {line}."));
    say(format_args!(
        "Next: ratatosk chat {}; AIs in it answer when they are mentioned, as @name",
        quoted(&options.name)
    ));
    Ok(())
}

async fn mode(options: &ModeOptions) -> Result<(), Problem> {
    let (mode, name) = match options.mode {
        ModeName::Off => (Mode::Off, "off"),
        ModeName::Mention => (Mode::Mention, "mention"),
        ModeName::RoundRobin => (Mode::RoundRobin, "round-robin"),
        ModeName::Free => (Mode::Free, "free"),
    };
    let line = with(&options.place, async |client: &Client| {
        let contacts = client.contacts().await?;
        let topic = find_topic(&client.topics().await?, &contacts, &options.topic)?;
        if topic.one_to_one {
            let what = "that is a conversation of two: an AI in it always answers";
            return Err(Problem::new(what, "modes are for conversations of several: ratatosk topics create"));
        }
        let hops = options.hops.map(|hops| format!(" hops {hops}")).unwrap_or_default();
        // It is a message like any other one, so that all nodes agree.
        let message = NewMessage { text: format!("/ai {name}{hops}"), attachments: Vec::new() };
        client.say(&topic.id, &message).await?;
        Ok(title(&topic, &contacts))
    })
    .await?;
    say(format_args!("In {line}: {} from now on. Everybody in it can see and change that.", mode_name(mode)));
    Ok(())
}

async fn priority(options: &Priority) -> Result<(), Problem> {
    let line = with(&options.place, async |client: &Client| {
        let contacts = client.contacts().await?;
        let topic = find_topic(&client.topics().await?, &contacts, &options.topic)?;
        client.edit_topic(&topic.id, &EditTopic { priority: options.priority }).await?;
        Ok(title(&topic, &contacts))
    })
    .await?;
    say(format_args!("Answers of your AIs in {line} have priority {} of 10.", options.priority));
    Ok(())
}

/// A name as a shell takes it for one word.
pub(super) fn quoted(name: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_.@".contains(character);
    let name = text::line(name);
    if !name.is_empty() && name.chars().all(plain) { name } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_is_one_word_for_a_shell() {
        assert_eq!(["Smol", "us three", "it's", ""].map(quoted), ["Smol", "'us three'", "'it'\\''s'", "''"]);
    }
}
