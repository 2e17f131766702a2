//! Backups of the node of a daemon, while it goes on.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Core, Failure, Kind, blocking};
use crate::api::types::{BackupDone, Event, NewBackup, Progress};
use crate::backup::{self, BackupError, Source};
use crate::model::home::Cost;

/// Makes one.
///
/// # Errors
///
/// Why there is none.
pub(crate) async fn make(core: &Arc<Core>, new: NewBackup) -> Result<BackupDone, Failure> {
    // No AI comes or goes meanwhile, and there is one backup at a time.
    let _turn = core.fleet.turn().await;
    let NewBackup { path, passphrase, models } = new;
    let passphrase = Zeroizing::new(passphrase);
    let nodes = core.fleet.nodes();
    let source = Source {
        dir: core.node.dir().to_owned(),
        store: core.node.store().clone(),
        agents: nodes.iter().map(|(slug, node)| (slug.clone(), node.store().clone())).collect(),
        models,
    };
    let (hub, stopping) = (core.hub.clone(), core.stopping());
    blocking(move || {
        let mut told = 0;
        let made = backup::make(&source, &PathBuf::from(&path), &passphrase, Cost::STANDARD, &mut |progress| {
            // A hundred times at most.
            let step = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(100);
            if step > told {
                told = step;
                let (done, total) = (progress.done, Some(progress.total));
                hub.tell(Event::Progress(Progress { what: "backup".to_owned(), done, total }));
            }
            !*stopping.borrow()
        })?;
        // As long as their stores are in use the AIs are not to be removed.
        drop(nodes);
        Ok(BackupDone { path, size: made.size, files: made.files, left_out: made.left_out })
    })
    .await
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let kind = match error {
            BackupError::Model(error) => return error.into(),
            BackupError::Exists(_) | BackupError::NotEmpty(_) => Kind::Conflict,
            BackupError::Passphrase | BackupError::Io { .. } => Kind::Invalid,
            BackupError::Stopped => Kind::Unavailable,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string(), error.help())
    }
}
