//! `ratatosk agent`: the AIs of this node.

use clap::{Args, Subcommand, ValueEnum};
use ratatosk_node::api::types::{Agent, Audience, EditAgent, NewAgent, Preset};
use ratatosk_node::client::Client;

use super::attach::with;
use super::folder::{Listing, Place};
use super::problem::Problem;
use super::status::agent_state;
use super::topics::quoted;
use super::{print_json, say, text};

/// Bytes of a personality that is read from a file.
const MAX_PERSONALITY: u64 = 64 * 1024;

#[derive(Subcommand)]
pub(crate) enum Tool {
    /// Makes an AI, with an identity and keys of its own: it is a contact from then on
    Create(Create),
    /// Changes an AI; what is not named stays
    Edit(Edit),
    /// Lists the AIs
    List(Listing),
    /// Shows an AI
    Show(Show),
    /// Removes an AI and its keys: nobody can ever speak in its name again; what it has said stays
    Remove(Named),
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Place,
    /// Its short name: lower-case letters, digits and hyphens
    name: String,
    /// The model it is made of: ratatosk model list
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The name that people see [default: the short name]
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Only you can talk to it, and nobody else hears of it
    #[arg(long)]
    owner_only: bool,
}

#[derive(Args)]
pub(crate) struct Edit {
    #[command(flatten)]
    place: Place,
    /// Its short name, or its title if no other has that
    name: String,
    /// The model it is made of
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The name that people see
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    settings: Settings,
    /// Who may talk to it
    #[arg(long, value_name = "WHO")]
    audience: Option<AudienceName>,
    /// Whether it answers
    #[arg(long, value_name = "YES-OR-NO", action = clap::ArgAction::Set)]
    active: Option<bool>,
}

#[derive(Args)]
struct Settings {
    /// What it is told about itself; @FILE reads it from a file
    #[arg(long, value_name = "TEXT")]
    personality: Option<String>,
    /// How its words are chosen
    #[arg(long, value_name = "PRESET")]
    preset: Option<PresetName>,
    /// Instead of the preset's: 0 takes the likeliest word always, 2 nearly any
    #[arg(long, value_name = "0..2")]
    temperature: Option<f64>,
    /// The longest answer
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<u32>,
    /// How much of a conversation it has in mind; more needs more memory
    #[arg(long, value_name = "TOKENS")]
    context: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PresetName {
    /// The likely words
    Precise,
    /// Between the two
    Balanced,
    /// The surprising words as well
    Creative,
}

#[derive(Clone, Copy, ValueEnum)]
enum AudienceName {
    /// You and all of your contacts
    Contacts,
    /// You alone
    Owner,
}

#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    place: Place,
    /// Its short name, or its title if no other has that
    name: String,
}

#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    named: Named,
    /// For programs: JSON, as the API has it
    #[arg(long)]
    json: bool,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Precise => Self::Precise,
            PresetName::Balanced => Self::Balanced,
            PresetName::Creative => Self::Creative,
        }
    }
}

/// Does what was asked for.
///
/// # Errors
///
/// What is wrong with the settings or the node.
pub(super) async fn run(tool: &Tool) -> Result<(), Problem> {
    match tool {
        Tool::Create(options) => create(options).await,
        Tool::Edit(options) => edit(options).await,
        Tool::List(options) => list(options).await,
        Tool::Show(options) => show(options).await,
        Tool::Remove(options) => remove(options).await,
    }
}

async fn create(options: &Create) -> Result<(), Problem> {
    let settings = &options.settings;
    let wish = NewAgent {
        name: options.title.clone().unwrap_or_else(|| options.name.clone()),
        slug: Some(options.name.clone()),
        model: options.model.clone(),
        personality: settings.personality()?,
        preset: settings.preset.map(Preset::from).unwrap_or_default(),
        temperature: settings.temperature,
        max_tokens: settings.max_tokens,
        context: settings.context,
        audience: if options.owner_only { Audience::Owner } else { Audience::Contacts },
    };
    let agent = with(&options.place, async |client: &Client| Ok(client.create_agent(&wish).await?)).await?;
    lines(&agent).iter().for_each(say);
    if agent.audience == Audience::Contacts {
        say(
            "Your contacts meet it when they are connected, as an AI of yours; --owner-only would keep it to yourself.",
        );
    }
    say(format_args!("Next: ratatosk chat {}", quoted(&agent.slug)));
    Ok(())
}

async fn edit(options: &Edit) -> Result<(), Problem> {
    let settings = &options.settings;
    let wish = EditAgent {
        name: options.title.clone(),
        model: options.model.clone(),
        personality: settings.personality()?,
        preset: settings.preset.map(Preset::from),
        temperature: settings.temperature,
        max_tokens: settings.max_tokens,
        context: settings.context,
        audience: options.audience.map(|audience| match audience {
            AudienceName::Contacts => Audience::Contacts,
            AudienceName::Owner => Audience::Owner,
        }),
        active: options.active,
    };
    if wish == EditAgent::default() {
        return Err(Problem::new(
            "nothing was named that is to be changed",
            "ratatosk agent edit --help shows what can be",
        ));
    }
    let agent = with(&options.place, async |client: &Client| {
        Ok(client.edit_agent(&meant(client, &options.name).await?, &wish).await?)
    })
    .await?;
    lines(&agent).iter().for_each(say);
    Ok(())
}

async fn list(options: &Listing) -> Result<(), Problem> {
    let agents = with(&options.place, async |client: &Client| Ok(client.agents().await?)).await?;
    if options.json {
        return print_json(&agents);
    }
    if agents.is_empty() {
        say("There are no AIs yet. Next: ratatosk agent create NAME --model MODEL");
    }
    for agent in &agents {
        say(heading(agent));
    }
    Ok(())
}

async fn show(options: &Show) -> Result<(), Problem> {
    let agent = with(&options.named.place, async |client: &Client| {
        Ok(client.agent(&meant(client, &options.named.name).await?).await?)
    })
    .await?;
    if options.json {
        return print_json(&agent);
    }
    lines(&agent).iter().for_each(say);
    Ok(())
}

async fn remove(options: &Named) -> Result<(), Problem> {
    let name = with(&options.place, async |client: &Client| {
        let name = meant(client, &options.name).await?;
        client.remove_agent(&name).await?;
        Ok(name)
    })
    .await?;
    say(format_args!("{} is removed, and its keys with it. What it has said stays.", text::line(&name)));
    Ok(())
}

/// The short name of an AI that somebody calls by that, or by the name that people see, if only one has it. Other names are given
/// back as they are: the node says that there is none.
async fn meant(client: &Client, name: &str) -> Result<String, Problem> {
    let agents = client.agents().await?;
    let mut titled = agents.iter().filter(|agent| agent.name.to_lowercase() == name.trim().to_lowercase());
    Ok(match (agents.iter().any(|agent| agent.slug == name), titled.next(), titled.next()) {
        (false, Some(only), None) => only.slug.clone(),
        _ => name.to_owned(),
    })
}

impl Settings {
    /// What it is told about itself.
    fn personality(&self) -> Result<Option<String>, Problem> {
        let Some(text) = &self.personality else { return Ok(None) };
        let Some(path) = text.strip_prefix('@') else { return Ok(Some(text.clone())) };
        let problem = |what: String| {
            let what = format!("cannot read the personality from {}: {what}", text::line(path));
            Problem::new(what, "name a text file of 64 KiB at most")
        };
        let mut read = String::new();
        let file = std::fs::File::open(path).map_err(|error| problem(error.to_string()))?;
        let length = std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_PERSONALITY + 1), &mut read);
        match length {
            Ok(length) if length as u64 > MAX_PERSONALITY => Err(problem("it is too long".to_owned())),
            Ok(_) => Ok(Some(read.trim_end().to_owned())),
            Err(error) => Err(problem(error.to_string())),
        }
    }
}

fn heading(agent: &Agent) -> String {
    let (name, slug, model) = (text::name(&agent.name), text::line(&agent.slug), text::line(&agent.model));
    let who = match agent.audience {
        Audience::Contacts => "",
        Audience::Owner => ", for you alone",
    };
    let problem = agent.problem.as_deref().map(|problem| format!(": {}", text::line(problem))).unwrap_or_default();
    format!("{name} ({slug}), model {model}{who}, {}{problem}", agent_state(agent.state))
}

fn lines(agent: &Agent) -> Vec<String> {
    let mut lines = vec![heading(agent)];
    let mut add = |what: &str, value: String| lines.push(format!("  {what:<11} {value}"));
    add("person", text::line(&agent.person));
    let preset = match agent.preset {
        Preset::Precise => "precise",
        Preset::Balanced => "balanced",
        Preset::Creative => "creative",
    };
    let temperature = agent.temperature.map(|value| format!(", temperature {value}")).unwrap_or_default();
    add("words", format!("{preset}{temperature}"));
    let context = agent.context.map(|tokens| format!("{tokens} tokens")).unwrap_or_else(|| "as configured".to_owned());
    add("answers", format!("{} tokens at most, context {context}", agent.max_tokens));
    for (index, line) in text::lines(&agent.personality).enumerate() {
        add(if index == 0 { "personality" } else { "" }, line);
    }
    lines
}
