//! `ratatosk check`: whether everything that belongs to a node is there, and what nothing needs any more.

use clap::Args;
use ratatosk_node::model::{ModelError, Node};

use super::folder::Place;
use super::problem::Problem;
use super::say;
use super::text;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Also remove what nothing needs any more
    #[arg(long)]
    remove_garbage: bool,
}

/// Checks, and says what it finds.
///
/// # Errors
///
/// If something is wrong with the node, or it cannot be checked.
pub(super) fn run(options: &Options) -> Result<(), Problem> {
    let node = options.place.open()?;
    let problems = node.integrity()?;
    for problem in &problems {
        say(text::line(&problem.to_string()));
    }
    if problems.is_empty() {
        say("Everything is there, and as it was written.");
        return garbage(&node, options.remove_garbage);
    }
    let found = if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    Err(Problem::new(format!("{found} found"), "keep a copy of the folder before you change anything in it"))
}

fn garbage(node: &Node, remove: bool) -> Result<(), Problem> {
    let (store, ignore) = (node.store(), |_| ());
    let found = if remove { store.remove_garbage(ignore) } else { store.find_garbage(ignore) };
    let garbage = found.map_err(ModelError::from)?;
    let objects = garbage.objects + garbage.id_objects;
    let all =
        format!("{objects} objects and {} files ({} bytes) that nothing needs any more", garbage.blobs, garbage.bytes);
    match (objects + garbage.blobs, remove) {
        (0, _) => say("There is no garbage."),
        (_, true) => say(format_args!("Removed: {all}.")),
        (_, false) => say(format_args!("There are {all}; --remove-garbage removes them.")),
    }
    Ok(())
}
