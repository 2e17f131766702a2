//! What a peer has shown to have, while a root is fetched from it.

use std::collections::HashSet;

use ratatosk_objects::{BlobHash, Reference};

use super::Context;
use super::shown::{Found, Shown};
use crate::fault::Refusal;
use crate::library::Library;
use crate::root::Root;

/// How far the walk goes at first for what is only listed: enough to see that both sides share nothing yet.
const FIRST_LOOK: usize = 32;

/// What it sent, and what it may see of us.
pub(super) struct Evidence {
    sent: HashSet<Reference>,
    shown: Shown,
    first_look: usize,
    is_strict: bool,
}

impl Evidence {
    pub(super) fn new<L: Library>(library: &L, root: &Root) -> Result<Self, L::Error> {
        let shown = Shown::of(library, root)?;
        Ok(Self { sent: HashSet::new(), shown, first_look: FIRST_LOOK, is_strict: false })
    }

    /// It sent this.
    pub(super) fn sent(&mut self, reference: Reference) {
        self.sent.insert(bytes(reference));
    }

    /// From now on everything that is listed is asked for, unless it was sent or may be seen. False: that is so already.
    pub(super) fn be_strict(&mut self) -> bool {
        !std::mem::replace(&mut self.is_strict, true)
    }

    /// Whether something that is stored need not be asked for. As a rule that is so of everything, in long lists above all: only what
    /// new objects refer to has to be shown, and is looked for when they are there.
    pub(super) fn suffices<L: Library>(
        &mut self,
        listed: &Reference,
        library: &L,
        budget: &mut usize,
    ) -> Result<Found, L::Error> {
        if self.sent.contains(&bytes(*listed)) {
            return Ok(Found::Yes);
        }
        if self.is_strict {
            return self.shown.find(listed, library, budget);
        }
        if self.first_look == 0 {
            return Ok(Found::Yes);
        }
        Ok(match self.shown.find(listed, library, &mut self.first_look)? {
            Found::NotYet => Found::Yes,
            found => found,
        })
    }

    /// Whether everything that an object refers to is there, and may be. `open` is what was not looked at yet; false: it was long
    /// enough at it.
    pub(super) fn covers<L: Library>(
        &mut self,
        child: Reference,
        open: &mut Vec<Reference>,
        library: &L,
        context: &mut Context<'_>,
    ) -> Result<Result<bool, Refusal>, L::Error> {
        while let Some(missing) = open.last().copied() {
            let is_sent = self.sent.contains(&bytes(missing));
            if !is_sent && library.contains(&missing)? {
                match self.shown.find(&missing, library, &mut context.budget)? {
                    Found::Yes => {}
                    Found::No => return Ok(Err(Refusal::Unproven { child, missing })),
                    Found::NotYet => return Ok(Ok(false)),
                }
            } else if !is_sent && !context.lacks(&missing) {
                return Ok(Err(Refusal::Dependency { child, missing }));
            }
            open.pop();
        }
        Ok(Ok(true))
    }
}

/// A BLOB and a CLOB are the same bytes.
fn bytes(reference: Reference) -> Reference {
    match reference {
        Reference::Clob(hash) => Reference::Blob(BlobHash::from_bytes(*hash.as_bytes())),
        reference => reference,
    }
}
