//! Where a peer with an identity lives: a folder that is kept, or one that goes with it.

use std::path::{Path, PathBuf};

use ratatosk_node::model::{HomeError, ModelError, NewPerson, Node, Protection};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;

/// The folder. Dropping it removes what is not to be kept.
pub(super) struct Folder {
    path: PathBuf,
    is_kept: bool,
}

impl Folder {
    /// The folder that was named, or a temporary one.
    pub(super) fn new(named: Option<&Path>, keep: bool) -> Self {
        match named {
            Some(path) => Self { path: path.to_owned(), is_kept: true },
            None => {
                let name = format!("ratatosk-peer-{}", hex::encode(array::<8>(os_entropy().as_mut())));
                Self { path: std::env::temp_dir().join(name), is_kept: keep }
            }
        }
    }

    /// The node in it, made if there is none.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or that it is somebody else's, for a person.
    pub(super) fn open(&self, person: &NewPerson) -> Result<Node, String> {
        let protection = Protection::KeyFile(None);
        let node = match Node::open(&self.path, &protection) {
            Err(ModelError::Home(HomeError::Missing(_))) => Node::create(&self.path, person, &protection),
            opened => opened,
        };
        let node = node.map_err(|error| error.to_string())?;
        let email = &node.me().identity.email;
        if *email != person.email {
            return Err(format!("{} belongs to {email:?}, not to {:?}", self.path.display(), person.email));
        }
        Ok(node)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.path.display(), "the peer's folder cannot be removed");
        }
    }
}
