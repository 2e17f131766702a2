//! The third part of the demo: Anna's node gets an AI, and Ben, who is paired with Anna, asks it over the relay.
//!
//! The same commands that people type, each printed with what it says.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Lines, Process};

/// The short name of the AI.
const AGENT: &str = "smol";
/// What Ben asks.
const QUESTION: &str = "What is a squirrel? Answer in one sentence.";
/// How long Ben waits until the AI is among his contacts.
const INTRODUCED: Duration = Duration::from_secs(60);

/// Lets a person ask an AI that another person's node hosts.
///
/// # Errors
///
/// A sentence.
pub(super) fn ask(program: &Path, folder: &Path, url: &str, model: &Path) -> Result<(), String> {
    // What an earlier run has left.
    let _ = fs::remove_dir_all(folder);
    let (anna, ben) = (Person::new("Anna", program, folder, url)?, Person::new("Ben", program, folder, url)?);
    println!("── an AI at Anna's node: the commands that she types");
    let (serving_anna, serving_ben) = (anna.serve()?, ben.serve()?);
    anna.run(&["model", "import", path(model)?, "--name", "smollm2", "--in-place"])?;
    anna.run(&["agent", "create", AGENT, "--model", "smollm2", "--title", "Smol", "--preset", "precise"])?;

    println!("\n── Ben pairs with Anna alone");
    let link = anna.output(&["invite", "--no-wait"])?;
    let link = link.lines().find(|line| line.contains("#")).ok_or("the invitation has no link")?.trim();
    ben.output(&["accept", link])?;
    let start = Instant::now();
    println!("   among Ben's contacts: {}", ben.wait_for_ai()?);
    println!("   {:.1?} after pairing: Anna's node has introduced it, with its own keys\n", start.elapsed());

    println!("── Ben asks, over the relay: ratatosk chat Smol --say \"{QUESTION}\" --wait");
    let start = Instant::now();
    let answer = ben.stream(&["chat", "Smol", "--say", QUESTION, "--wait", "--stream"])?;
    println!("   the answer, signed with the AI's own keys and verified at Ben, after {:.1?}:", start.elapsed());
    answer.lines().for_each(|line| println!("   Smol  {line}"));
    println!();
    serving_ben.stop("Ben's node")?;
    serving_anna.stop("Anna's node")
}

fn path(file: &Path) -> Result<&str, String> {
    file.to_str().ok_or_else(|| format!("{} has a name that is not UTF-8", file.display()))
}

/// Somebody with a node.
struct Person {
    program: PathBuf,
    folder: PathBuf,
}

impl Person {
    /// Somebody with a new node at this CommServer.
    fn new(name: &'static str, program: &Path, folder: &Path, url: &str) -> Result<Self, String> {
        let person = Self { program: program.to_owned(), folder: folder.join(name) };
        let email = format!("{}@example.test", name.to_lowercase());
        person.output(&["init", "--email", &email, "--name", name, "--relay", url, "--without-passphrase"])?;
        Ok(person)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("RATATOSK_DIR", &self.folder);
        command.env("RATATOSK_LOG", env::var("RATATOSK_LOG").unwrap_or_else(|_| "error".to_owned()));
        for variable in ["RATATOSK_KEY_FILE", "RATATOSK_RELAY"] {
            command.env_remove(variable);
        }
        command
    }

    /// What a command says on standard output.
    fn output(&self, arguments: &[&str]) -> Result<String, String> {
        let line = arguments.join(" ");
        let output = self.command(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("`ratatosk {line}` cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("`ratatosk {line}`: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command and shows it with what it says.
    fn run(&self, arguments: &[&str]) -> Result<(), String> {
        println!("   $ ratatosk {}", arguments.join(" "));
        self.output(arguments)?.lines().for_each(|line| println!("   {line}"));
        Ok(())
    }

    /// Runs a command whose standard error is for whoever looks on; gives its standard output.
    fn stream(&self, arguments: &[&str]) -> Result<String, String> {
        let command = self.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let output = command.and_then(std::process::Child::wait_with_output);
        let output = output.map_err(|error| format!("`ratatosk chat` cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("`ratatosk chat` ended with {}", output.status));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts the node, and waits until it can be reached.
    fn serve(&self) -> Result<Serving, String> {
        let (process, lines) = Process::start(self.command(&["serve"]).stdin(Stdio::null()))?;
        while !lines.next("the node")?.contains("The CommServer has us") {}
        Ok(Serving { process, lines })
    }

    /// Waits until an AI is among the contacts; says which.
    fn wait_for_ai(&self) -> Result<String, String> {
        let end = Instant::now() + INTRODUCED;
        loop {
            let contacts = self.output(&["contacts", "--json"])?;
            let contacts: Value = serde_json::from_str(&contacts).map_err(|error| format!("the contacts: {error}"))?;
            let ai = contacts.as_array().and_then(|all| all.iter().find(|contact| !contact["ai"].is_null()));
            if let Some(ai) = ai {
                return Ok(format!("{} <{}>", ai["name"].as_str().unwrap_or("?"), ai["email"].as_str().unwrap_or("?")));
            }
            if Instant::now() > end {
                return Err(format!("Anna's AI is not among Ben's contacts after {} s", INTRODUCED.as_secs()));
            }
        }
    }
}

/// A node that runs.
struct Serving {
    process: Process,
    lines: Lines,
}

impl Serving {
    /// Asks it to stop, as a service manager would, and waits until it has.
    fn stop(self, name: &str) -> Result<(), String> {
        let pid = self.process.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        asked.map_err(|error| format!("{name} cannot be stopped: {error}"))?;
        self.process.end(name, &self.lines)
    }
}
