//! `conformance vectors`: asks a codec in any language, over its standard input and output; or is one.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use ratatosk_conformance::report::{Outcome, Subject, escape};
use ratatosk_conformance::vectors::{
    Codec, CodecError, Judge, Known, Pipe, Ratatosk, VectorFile, implementation, run as run_vectors, serve,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::output::{Output, Run, Show};

/// Outcomes that wait to be shown.
const WAITING: usize = 64;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").args(["codec", "serve", "list"]).required(true))]
pub(crate) struct Args {
    /// The shell command of a codec to check: it reads an operation a line, and writes an answer a line.
    #[arg(long, value_name = "COMMAND")]
    codec: Option<String>,
    /// Be a codec: answer operations with this project's own.
    #[arg(long)]
    serve: bool,
    /// Print the ids of all cases.
    #[arg(long)]
    list: bool,
    /// With `--list`: print as well what is asked in each case and what this project's own codec answers.
    #[arg(long, requires = "list")]
    steps: bool,
    /// Only cases whose id begins so, such as `padding/` or `box/hex/`.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// Seconds that a codec has for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Skip what the codec answers with `unsupported`; otherwise that fails.
    #[arg(long)]
    partial: bool,
    /// Compare with what is known of this codec, word for word: `ratatosk`. Without, answers that deviate as this
    /// project's own do are allowed, and not due.
    #[arg(long, value_name = "NAME", conflicts_with = "known", value_parser = ["ratatosk"])]
    implementation: Option<String>,
    /// Compare with the known answers in this file, word for word.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Checks a codec, or is one; whether everything came as it should.
///
/// # Errors
///
/// If nothing could be tried.
pub(crate) async fn run(args: Args) -> Result<bool, String> {
    if args.serve {
        let served = serve(&mut Ratatosk::default(), &mut std::io::stdin().lock(), &mut std::io::stdout().lock());
        return served.map(|()| true).map_err(|error| error.to_string());
    }
    let files = VectorFile::all().map_err(|error| error.to_string())?;
    let total = files.iter().flat_map(VectorFile::ids).filter(|id| id.starts_with(&args.only)).count();
    if total == 0 {
        return Err("no case has such an id".to_owned());
    }
    match &args.codec {
        Some(command) => {
            let command = command.clone();
            check(args, command, files, total).await
        }
        None => list(&args, &files).map(|()| true),
    }
}

async fn check(args: Args, command: String, files: Vec<VectorFile>, total: usize) -> Result<bool, String> {
    let allowed = allowed(&args)?;
    let known = implementation(&allowed);
    let exact = args.implementation.is_some() || args.known.is_some();
    let known = if exact { known } else { known.lenient() };
    let judge = Judge { allowed, partial: args.partial };
    let (patience, only) = (Duration::from_secs(args.patience), args.only);
    // It waits for a process, which no task may do.
    let starting = tokio::task::spawn_blocking(move || Pipe::start(&command, patience));
    let mut codec = starting
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("the codec does not answer to its first line: {}", escape(&error.to_string())))?;
    let name = args.implementation.unwrap_or_else(|| "codec".to_owned());
    let run = Run { suite: "vectors", subjects: vec![Subject { name, version: None }], known: Some(&known), total };
    let mut broken = None;
    let play = async |show: Show<'_>| {
        let (sender, mut receiver) = mpsc::channel::<Outcome>(WAITING);
        let running = tokio::task::spawn_blocking(move || {
            let wanted = |id: &str| id.starts_with(&only);
            // Nobody is left to take an outcome only when the program ends.
            run_vectors(&files, &wanted, &judge, &mut codec, &mut |outcome| drop(sender.blocking_send(outcome)))
        });
        let mut outcomes = Vec::new();
        while let Some(outcome) = receiver.recv().await {
            show(&outcome);
            outcomes.push(outcome);
        }
        broken = match running.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        outcomes
    };
    let told = args.output.told(run, play).await?;
    broken.map_or(Ok(told), Err)
}

/// The answers that a codec may give beside the recorded ones.
fn allowed(args: &Args) -> Result<Known, String> {
    let Some(file) = &args.known else { return Known::ratatosk().map_err(|error| error.to_string()) };
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let known = text.and_then(|text| Known::parse(&text).map_err(|error| error.to_string()));
    known.map_err(|error| format!("{}: {error}", file.display()))
}

/// Prints cases, and with `--steps` what is said in them.
fn list(args: &Args, files: &[VectorFile]) -> Result<(), String> {
    if !args.steps {
        let ids = files.iter().flat_map(VectorFile::ids).filter(|id| id.starts_with(&args.only));
        ids.for_each(|id| println!("{id}"));
        return Ok(());
    }
    let said = RefCell::new(String::new());
    let mut codec = Overheard { codec: Ratatosk::default(), said: &said };
    let wanted = |id: &str| id.starts_with(&args.only);
    let played = run_vectors(files, &wanted, &Judge::default(), &mut codec, &mut |outcome| {
        print!("{}\n{}", outcome.id, said.take());
        for difference in outcome.result.iter().flat_map(|observation| &observation.differences) {
            println!("  recorded in {}: {}", difference.client, difference.expected);
        }
    });
    played.map_err(|error| error.to_string())
}

/// This project's codec; what is asked and answered is noted down.
struct Overheard<'a> {
    codec: Ratatosk,
    said: &'a RefCell<String>,
}

impl Codec for Overheard<'_> {
    fn reset(&mut self) {
        self.codec.reset();
    }

    fn answer(&mut self, op: &Value) -> Result<Value, CodecError> {
        let answer = self.codec.answer(op)?;
        self.said.borrow_mut().push_str(&format!("  > {op}\n  < {answer}\n"));
        Ok(answer)
    }
}
