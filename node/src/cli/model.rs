//! `ratatosk model`: the models that AIs of this node can be made of.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ratatosk_node::api::types::{ImportModel, Model};
use ratatosk_node::client::Client;

use super::attach::with;
use super::folder::{Listing, Place};
use super::problem::Problem;
use super::progress::watched;
use super::topics::quoted;
use super::units::{bytes, parameters};
use super::{print_json, say, text};

#[derive(Subcommand)]
pub(crate) enum Tool {
    /// Makes a model of a GGUF file, after a look at whether it is one that works
    Import(Import),
    /// Lists the models
    List(Listing),
    /// Shows a model
    Show(Show),
    /// Removes a model; a file that was used where it lies stays there
    Remove(Named),
}

#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    place: Place,
    /// The GGUF file
    path: PathBuf,
    /// What it shall be called [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// Copy the file into the folder of your node: so it is unless you say otherwise
    #[arg(long, conflicts_with = "in_place")]
    copy: bool,
    /// Use the file where it lies, and do not copy it
    #[arg(long)]
    in_place: bool,
}

#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    place: Place,
    /// The name of the model
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

/// Does what was asked for.
///
/// # Errors
///
/// What is wrong with the file, the model or the node.
pub(super) async fn run(tool: &Tool) -> Result<(), Problem> {
    match tool {
        Tool::Import(options) => import(options).await,
        Tool::List(options) => list(options).await,
        Tool::Show(options) => show(options).await,
        Tool::Remove(options) => remove(options).await,
    }
}

async fn import(options: &Import) -> Result<(), Problem> {
    let path = std::path::absolute(&options.path).and_then(std::fs::canonicalize).map_err(|error| {
        let what = format!("cannot find {}: {error}", text::line(&options.path.to_string_lossy()));
        Problem::new(what, "name the GGUF file of a model")
    })?;
    let path = path.to_str().ok_or_else(|| {
        let what = format!("the name of {} is no text", text::line(&path.to_string_lossy()));
        Problem::new(what, "give the file and its folders names in Unicode")
    })?;
    let wish =
        ImportModel { path: path.to_owned(), name: options.name.clone(), link: options.in_place && !options.copy };
    let model = with(&options.place, async |client: &Client| watched(client, client.import_model(&wish)).await).await?;
    lines(&model).iter().for_each(say);
    if !model.chat {
        say("It has no chat template: it can go on with a text, and does not know how to converse.");
    }
    say(format_args!("Next: ratatosk agent create NAME --model {}", quoted(&model.name)));
    Ok(())
}

async fn list(options: &Listing) -> Result<(), Problem> {
    let models = with(&options.place, async |client: &Client| Ok(client.models().await?)).await?;
    if options.json {
        return print_json(&models);
    }
    if models.is_empty() {
        say("There are no models yet. Next: ratatosk model import FILE.gguf");
    }
    for model in &models {
        let used =
            if model.agents.is_empty() { String::new() } else { format!(", used by {}", list_of(&model.agents)) };
        say(format_args!("{}, {}{used}", text::line(&model.name), brief(model)));
        if let Some(problem) = &model.problem {
            say(format_args!("  problem: {}", text::line(problem)));
        }
    }
    Ok(())
}

async fn show(options: &Show) -> Result<(), Problem> {
    let model =
        with(&options.named.place, async |client: &Client| Ok(client.model(&options.named.name).await?)).await?;
    if options.json {
        return print_json(&model);
    }
    lines(&model).iter().for_each(say);
    Ok(())
}

async fn remove(options: &Named) -> Result<(), Problem> {
    with(&options.place, async |client: &Client| Ok(client.remove_model(&options.name).await?)).await?;
    say(format_args!("The model {} is removed.", text::line(&options.name)));
    Ok(())
}

fn brief(model: &Model) -> String {
    let parts = [
        Some(text::line(&model.architecture)),
        model.parameters.map(parameters),
        model.quantisation.as_deref().map(text::line),
        Some(bytes(model.size)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn lines(model: &Model) -> Vec<String> {
    let title = model.title.as_deref().map(|title| format!(" ({})", text::line(title))).unwrap_or_default();
    let mut lines = vec![format!("{}{title}: {}", text::line(&model.name), brief(model))];
    let mut add = |what: &str, value: Option<String>| lines.extend(value.map(|value| format!("  {what:<9} {value}")));
    add("file", Some(text::line(&model.path)));
    add("sha256", Some(text::line(&model.sha256)));
    add("context", model.context.map(|tokens| format!("{tokens} tokens at most")));
    add("chat", Some(if model.chat { "yes, with a template of its own" } else { "no template" }.to_owned()));
    add("memory", model.memory.map(|size| format!("about {}", bytes(size))));
    add("AIs", (!model.agents.is_empty()).then(|| list_of(&model.agents)));
    add("problem", model.problem.as_deref().map(text::line));
    lines
}

fn list_of(names: &[String]) -> String {
    names.iter().map(|name| text::line(name)).collect::<Vec<_>>().join(", ")
}
