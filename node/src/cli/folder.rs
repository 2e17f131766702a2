//! The folder of a node on the command line: where it is, what opens it, and the CommServer that it uses.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::BaseStrategy;
use ratatosk_node::model::home::Cost;
use ratatosk_node::model::{Home, Node, Protected, Protection};
use ratatosk_protocol::driver::check_url;
use zeroize::Zeroizing;

use super::problem::Problem;

/// What to do without a terminal: for a new node, one that is there, and a backup.
const NEW: &str = "a passphrase is typed at a terminal; for a machine that starts by itself: init --without-passphrase";
const UNLOCK: &str = "run `ratatosk serve` at a terminal and leave it running: the other commands then ask for nothing";
const BACKUP: &str = "a passphrase is typed at a terminal; or name a file that has it: --passphrase-file FILE";

/// Where a node lives.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The folder of your node [default: the data folder of your system]
    #[arg(long, env = "RATATOSK_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The key file that opens it, if that lies elsewhere
    #[arg(long, env = "RATATOSK_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The CommServer, ws:// or wss:// [default: the one that was named last]
    #[arg(long, env = "RATATOSK_RELAY", value_name = "URL")]
    relay: Option<String>,
}

/// What is there in a node.
#[derive(Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(super) place: Place,
    /// For programs: JSON, as the API has it
    #[arg(long)]
    pub(super) json: bool,
}

impl Place {
    /// The folder.
    ///
    /// # Errors
    ///
    /// If the system has no place for such folders.
    pub(super) fn dir(&self) -> Result<PathBuf, Problem> {
        if let Some(dir) = &self.dir {
            // What is told of it should mean the same wherever one is.
            return std::path::absolute(dir).map_err(|error| {
                Problem::new(format!("cannot use the folder {}: {error}", dir.display()), "name another one with --dir")
            });
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            Problem::new(format!("cannot find your home folder: {error}"), "name a folder with --dir")
        })?;
        Ok(base.data_dir().join("ratatosk"))
    }

    /// The key file, if one was named.
    pub(super) fn key_file(&self) -> Option<PathBuf> {
        self.key_file.clone()
    }

    /// The CommServer that was named now, if one was.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub(super) fn named_relay(&self) -> Result<Option<String>, Problem> {
        let help = "a CommServer's address is like ws://host:8000 or wss://host";
        let check = |relay: &String| check_url(relay).map_err(|error| Problem::new(error.to_string(), help));
        self.relay.as_ref().map(check).transpose()?;
        Ok(self.relay.clone())
    }

    /// Opens the node; asks for its passphrase if it has one.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub(super) fn open(&self) -> Result<Node, Problem> {
        Ok(Node::open(&self.dir()?, &self.protection()?)?)
    }

    /// Whether nobody has to be asked for anything.
    pub(super) fn opens_by_itself(&self) -> bool {
        let protected = self.dir().ok().and_then(|dir| Home::protected(&dir).ok());
        protected == Some(Protected::ByKeyFile)
    }

    /// What opens the node; asks for its passphrase if it has one.
    ///
    /// # Errors
    ///
    /// If there is no node, or nobody to ask.
    pub(super) fn protection(&self) -> Result<Protection, Problem> {
        Ok(match Home::protected(&self.dir()?)? {
            Protected::ByKeyFile => Protection::KeyFile(self.key_file.clone()),
            Protected::ByOwner => {
                let help = "name the folder of the person whose AI it is, with --dir";
                return Err(Problem::new("this is the folder of an AI; it is opened with that of its owner", help));
            }
            Protected::ByPassphrase => Protection::Passphrase(ask("Passphrase: ", UNLOCK)?, Cost::STANDARD),
        })
    }
}

/// A passphrase for a new home, asked for twice.
///
/// # Errors
///
/// If there is nobody to ask, or what was typed differs.
pub(super) fn new_passphrase() -> Result<Zeroizing<String>, Problem> {
    let first = ask("A passphrase that protects your keys: ", NEW)?;
    if first.is_empty() {
        return Err(Problem::new("the passphrase is empty", "type one, or use --without-passphrase"));
    }
    if *ask("The same again: ", NEW)? != *first {
        return Err(Problem::new("the two differ", "nothing was made; try again"));
    }
    Ok(first)
}

/// The passphrase of a backup: from a file, or asked for; twice if it is a new one.
///
/// # Errors
///
/// If there is none.
pub(super) fn backup_passphrase(file: Option<&Path>, is_new: bool) -> Result<Zeroizing<String>, Problem> {
    let Some(file) = file else {
        let first = ask("The passphrase of the backup: ", BACKUP)?;
        if is_new && *ask("The same again: ", BACKUP)? != *first {
            return Err(Problem::new("the two differ", "nothing was made; try again"));
        }
        return Ok(first);
    };
    let read = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        let what = format!("cannot read the passphrase from {}: {error}", file.display());
        Problem::new(what, "name a text file that only you can read")
    })?;
    Ok(Zeroizing::new(read.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks at the terminal; `help` says what to do where there is none.
fn ask(question: &str, help: &str) -> Result<Zeroizing<String>, Problem> {
    if !std::io::stdin().is_terminal() {
        return Err(Problem::new("there is no terminal to ask for the passphrase", help));
    }
    let mut terminal = std::io::stderr();
    // A question that nobody sees can still be answered.
    let _ = write!(terminal, "{question}").and_then(|()| terminal.flush());
    let answer = rpassword::read_password().map(Zeroizing::new);
    answer.map_err(|error| Problem::new(format!("cannot read the passphrase: {error}"), help))
}
