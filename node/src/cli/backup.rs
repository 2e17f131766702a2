//! `ratatosk backup` and `restore`: all of a node in one file, encrypted.

use std::path::PathBuf;

use clap::Args;
use ratatosk_node::api::types::NewBackup;
use ratatosk_node::client::Client;

use super::attach::with;
use super::folder::{self, Place};
use super::problem::Problem;
use super::progress::{show_percent, watched};
use super::units::bytes;
use super::{say, text};

#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file that is to be made
    file: PathBuf,
    /// Put the files of the models in as well: they are large, and can be imported again
    #[arg(long)]
    models: bool,
    /// A file with the passphrase, for a machine that does it by itself; without, it is asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Makes a backup.
///
/// # Errors
///
/// Why there is none.
pub(super) async fn backup(options: &Backup) -> Result<(), Problem> {
    let path = std::path::absolute(&options.file).map_err(|error| {
        Problem::new(format!("cannot use {}: {error}", options.file.display()), "name another file")
    })?;
    let path = path
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("the name of {} is no text", path.display()), "name another file"))?;
    let passphrase = folder::backup_passphrase(options.passphrase_file.as_deref(), true)?;
    let wish = NewBackup { path, passphrase: passphrase.to_string(), models: options.models };
    let done = with(&options.place, async |client: &Client| watched(client, client.backup(&wish)).await).await?;
    say(format_args!("All of your node is in {}: {} files, {}.", text::line(&done.path), done.files, bytes(done.size)));
    if !done.left_out.is_empty() {
        let left_out: Vec<String> = done.left_out.iter().map(|what| text::line(what)).collect();
        say(format_args!("Not in it: {}. --models puts the files of models in.", left_out.join(", ")));
    }
    say("Keep it and its passphrase apart: whoever has both is you. Next, when it is needed: ratatosk restore FILE");
    Ok(())
}

#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    place: Place,
    /// The backup
    file: PathBuf,
    /// A file with the passphrase, for a machine that does it by itself; without, it is asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Makes a node of a backup, in an empty folder.
///
/// # Errors
///
/// Why there is none; then nothing is left of it.
pub(super) async fn restore(options: &Restore) -> Result<(), Problem> {
    let dir = options.place.dir()?;
    let passphrase = folder::backup_passphrase(options.passphrase_file.as_deref(), false)?;
    let (file, there) = (options.file.clone(), dir.clone());
    let restoring = move || {
        let mut told = 0;
        ratatosk_node::backup::restore(&file, &passphrase, &there, &mut |progress| {
            let percent = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(100);
            if percent > told {
                told = percent;
                show_percent(percent);
            }
            true
        })
    };
    let restored = tokio::task::spawn_blocking(restoring).await;
    let restored = restored
        .map_err(|error| Problem::new(format!("the restoring broke: {error}"), "nothing is left of it; try again"))??;
    say(format_args!("The node of {} is in {}: {} files.", text::line(&restored.email), dir.display(), restored.files));
    if !restored.left_out.is_empty() {
        let left_out: Vec<String> = restored.left_out.iter().map(|what| text::line(what)).collect();
        say(format_args!("Not in the backup: {}.", left_out.join(", ")));
    }
    say("It has the keys of the node that was backed up: never run both. Next: ratatosk serve");
    Ok(())
}
