//! `conformance peer`: any implementations behind the peer control interface.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatosk_conformance::client::black_box::hostile_scripts;
use ratatosk_conformance::client::script::Script;
use ratatosk_conformance::client::{self, Subprocess};
use ratatosk_conformance::peer::known::Known as Lists;
use ratatosk_conformance::peer::scenarios::pair_scripts;
use ratatosk_conformance::peer::table::{Places, rows};
use ratatosk_conformance::peer::{self, Implementation, Launch, Options, Relay, Via};
use ratatosk_conformance::person::{self, Partners};
use ratatosk_conformance::report::{Implementation as Known, Outcome, Subject};

use super::output::{Output, Run, Show};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A shell command that starts a peer behind the control interface, or the name of one that this program knows
    /// (`--list`).
    #[arg(long, value_name = "COMMAND", required_unless_present = "list")]
    a: Option<String>,
    /// The other one. Without it only the hostile partner plays with the first.
    #[arg(long, value_name = "COMMAND", requires = "a")]
    b: Option<String>,
    /// What the first is called in reports and in the lists of what is known.
    #[arg(long, value_name = "NAME", requires = "a")]
    name_a: Option<String>,
    /// The same for the other one.
    #[arg(long, value_name = "NAME", requires = "b")]
    name_b: Option<String>,
    /// The CommServer between them, ws://host:port. Without it one is started for the run: the program `commserver` beside
    /// this one.
    #[arg(long, value_name = "URL")]
    via: Option<String>,
    /// Only scenarios whose id begins so, such as `fragments/` or `d2/`.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// Compare with the known deviations in this file instead of those that this program knows.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Leave out the hostile partner.
    #[arg(long, requires = "b")]
    no_hostile: bool,
    /// Leave out persons: connections only, phases 1 to 5.
    #[arg(long)]
    no_persons: bool,
    /// How many scenarios run side by side.
    #[arg(long, value_name = "N", default_value_t = 8)]
    jobs: usize,
    /// Seconds that is waited for something that is due.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    patience: u64,
    /// Show what the peers say on standard error.
    #[arg(long)]
    logs: bool,
    /// The folder of the adapters for implementations that this program knows.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))]
    peers: PathBuf,
    /// Say which implementations this program knows, and which of them are there.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    output: Output,
}

/// Whether everything came as it should.
pub(crate) async fn run(arguments: Arguments) -> Result<bool, String> {
    let programs = folder_of_programs()?;
    let places = Places { programs: &programs, peers: &arguments.peers };
    let Some(a) = &arguments.a else { return list(places) };
    let a = implementation(a, arguments.name_a.as_deref(), "a", places)?;
    let b = arguments.b.as_deref().map(|b| implementation(b, arguments.name_b.as_deref(), "b", places)).transpose()?;
    let known = match &arguments.known {
        Some(file) => {
            let json = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Some(Known::parse(&json).map_err(|error| error.to_string())?)
        }
        None => known(&a, b.as_ref())?,
    };

    let mut scripts = pair_scripts().map_err(|(file, error)| format!("{file}: {error}"))?;
    scripts.retain(|script| script.id.starts_with(&arguments.only));
    let mut hostile = hostile_scripts().map_err(|(file, error)| format!("{file}: {error}"))?;
    hostile.retain(|script| script.id.starts_with(&arguments.only) && !arguments.no_hostile);
    let mut talks = person::scenarios::pair_scripts().map_err(|(file, error)| format!("{file}: {error}"))?;
    talks.retain(|script| script.id.starts_with(&arguments.only) && !arguments.no_persons);
    let mut intruders = person::scenarios::hostile_scripts().map_err(|(file, error)| format!("{file}: {error}"))?;
    let hostile_persons = !arguments.no_hostile && !arguments.no_persons;
    intruders.retain(|script| script.id.starts_with(&arguments.only) && hostile_persons);
    let alone = hostile.len() + intruders.len();
    let total = if b.is_some() { (scripts.len() + talks.len() + alone) * 2 } else { alone };
    if total == 0 {
        return Err("no scenario has such an id".to_owned());
    }
    // It ends with this function.
    let mut relay = None;
    let via = match &arguments.via {
        Some(url) => Via::Given(url.clone()),
        // A hostile partner is its own CommServer.
        None if intruders.is_empty() && (b.is_none() || scripts.is_empty() && talks.is_empty()) => {
            Via::Given(String::new())
        }
        None => {
            let program = programs.join("commserver");
            if !program.exists() {
                return Err(format!("{} is not there: cargo build -p ratatosk-relay, or --via URL", program.display()));
            }
            let url = relay.insert(Relay::start(&program).await?).url().to_owned();
            Via::Own { url, program }
        }
    };
    let options = Options {
        via,
        patience: Duration::from_secs(arguments.patience),
        jobs: arguments.jobs,
        launch: Launch { logs: arguments.logs },
    };
    let subject = |it: &Implementation| Subject { name: it.name.clone(), version: None };
    let subjects = std::iter::once(&a).chain(&b).map(subject).collect();
    let run = Run { suite: "peer", subjects, known: known.as_ref(), total };
    let partners = Partners::find(places).map_err(|error| error.to_string())?;
    let play = async |show: Show<'_>| {
        let mut outcomes = Vec::new();
        if let Some(b) = &b {
            outcomes.extend(play_pair((&scripts, &talks), &a, b, &options, show).await);
        }
        let suffixes = if b.is_some() { ["/a", "/b"] } else { ["", ""] };
        for (implementation, suffix) in std::iter::once(&a).chain(&b).zip(suffixes) {
            outcomes.extend(play_hostile(&hostile, implementation, suffix, &options, show).await);
            outcomes.extend(partners.play(&intruders, implementation, suffix, &options, &mut *show).await);
        }
        outcomes
    };
    arguments.output.told(run, play).await
}

/// Connections and persons at the same time: both wait for real intervals.
async fn play_pair(
    (connections, persons): (&[peer::script::Script], &[person::script::Script]),
    a: &Implementation,
    b: &Implementation,
    options: &Options,
    show: Show<'_>,
) -> Vec<Outcome> {
    let show = RefCell::new(show);
    let report = |outcome: &Outcome| show.borrow_mut()(outcome);
    let half = Options { jobs: options.jobs.div_ceil(2), ..options.clone() };
    let one = peer::run(connections, a, b, if persons.is_empty() { options } else { &half }, report);
    let other = person::run(persons, a, b, if connections.is_empty() { options } else { &half }, report);
    let (mut outcomes, others) = tokio::join!(one, other);
    outcomes.extend(others);
    outcomes
}

/// Before the hostile partner. Ids get a suffix that says who was.
async fn play_hostile(
    scripts: &[Script],
    implementation: &Implementation,
    suffix: &str,
    options: &Options,
    show: Show<'_>,
) -> Vec<Outcome> {
    let process = Subprocess { implementation: implementation.clone(), launch: options.launch.clone() };
    let (patience, jobs) = (options.patience, options.jobs);
    let options = client::Options { patience, jobs, process: Some(process), ..client::Options::default() };
    let with_suffix = |outcome: &Outcome| Outcome { id: format!("{}{suffix}", outcome.id), ..outcome.clone() };
    let outcomes = client::run(scripts, &options, |outcome| show(&with_suffix(outcome))).await;
    outcomes.iter().map(with_suffix).collect()
}

/// A known name, or a command.
fn implementation(command: &str, name: Option<&str>, role: &str, places: Places<'_>) -> Result<Implementation, String> {
    let rows = rows().map_err(|error| error.to_string())?;
    let found = rows.iter().find(|row| row.name == command).map(|row| row.find(places));
    let mut found = match found {
        Some(found) => found.map_err(|missing| missing.to_string())?,
        None => Implementation { name: role.to_owned(), known: name.map(str::to_owned), command: command.to_owned() },
    };
    if let Some(name) = name {
        name.clone_into(&mut found.name);
    }
    Ok(found)
}

fn known(
    a: &Implementation,
    b: Option<&Implementation>,
) -> Result<Option<ratatosk_conformance::report::Implementation>, String> {
    let lists = Lists::load().map_err(|error| error.to_string())?;
    let Some(name) = &a.known else { return Ok(None) };
    let known = match b {
        None => lists.alone(name),
        Some(b) => match &b.known {
            Some(other) => lists.pair(name, other),
            None => return Ok(None),
        },
    };
    known.map_err(|error| error.to_string())
}

fn list(places: Places<'_>) -> Result<bool, String> {
    for row in rows().map_err(|error| error.to_string())? {
        match row.find(places) {
            Ok(found) => println!("{:<16} {}", row.name, found.command),
            Err(missing) => println!("{:<16} {missing}", row.name),
        }
    }
    Ok(true)
}

/// Where this program lies, and the project's others with it.
fn folder_of_programs() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    program.parent().map(Path::to_owned).ok_or_else(|| "this program lies nowhere".to_owned())
}
