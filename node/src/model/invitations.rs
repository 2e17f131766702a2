//! Open invitations, so that a restart neither ends them nor makes used ones good again (`spec/one.md §3`).

use std::time::Duration;

use ratatosk_objects::PersonId;
use ratatosk_pairing::book::Open;
use ratatosk_pairing::{Identity, InvitationBook, Token};
use ratatosk_store::SettingKey;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::contacts::Added;
use super::node::Node;

const INVITATIONS: SettingKey<String> = SettingKey::new("invitations");

/// An open invitation in the store. Whoever can read the store can read everything else as well.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    token: String,
    person: PersonId,
    expires: u64,
}

impl Node {
    /// The book of invitations, with those that were open when it was kept and have not expired.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn invitations(&self, life: Duration, capacity: usize) -> Result<InvitationBook, ModelError> {
        let text = self.store.read(|view| view.setting(&INVITATIONS))?;
        let kept: Vec<Kept> = match text {
            Some(text) => serde_json::from_str(&text).map_err(|_| ModelError::Setting("the list of invitations"))?,
            None => Vec::new(),
        };
        let open = kept.into_iter().filter_map(|Kept { token, person, expires }| {
            Some(Open { token: Token::of_invitation(token)?, person, expires })
        });
        Ok(InvitationBook::new(life, capacity).with_open(open, self.now()))
    }

    /// Keeps the book: to be called whenever an invitation was made, used or taken back.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn keep_invitations(&self, book: &InvitationBook) -> Result<(), ModelError> {
        let text = written(book)?;
        Ok(self.store.transaction(|tx| tx.set_setting(&INVITATIONS, &text))?)
    }

    /// [`Node::add_contact`] together with [`Node::keep_invitations`]: whoever took an invitation is a contact and the invitation
    /// is used, or neither, also if the power fails.
    ///
    /// # Errors
    ///
    /// As [`Node::add_contact`].
    pub fn add_invited(&self, identity: &Identity, book: &InvitationBook) -> Result<Added, ModelError> {
        let text = written(book)?;
        self.change(|tx| {
            tx.set_setting(&INVITATIONS, &text)?;
            self.add(tx, identity)
        })
    }
}

/// A book as it is kept.
fn written(book: &InvitationBook) -> Result<String, ModelError> {
    let kept: Vec<_> = book
        .open()
        .map(|open| Kept { token: open.token.expose().to_owned(), person: open.person, expires: open.expires })
        .collect();
    serde_json::to_string(&kept).map_err(|_| ModelError::Setting("the list of invitations"))
}
