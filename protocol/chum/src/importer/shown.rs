//! What the peer may see of us anyway.
//!
//! To know a hash is not to have what lies behind it. If it were, a peer could post a message that refers to something of ours that
//! was never shared with it: we have it, so the message would be complete, and from then on it would belong to what we show to
//! everybody who may see that message. So whatever somebody gives us may refer to what they sent on this occasion, and to what is
//! below the versions that they share with us already. The reference looks only whether it is stored.

use std::collections::{HashSet, VecDeque};

use ratatosk_objects::{IdHash, Reference};

use super::verify;
use crate::closure::references;
use crate::library::Library;
use crate::root::Root;

/// The most that is looked at; what lies further down has to be sent. It is as much as 50,000 messages.
const MAX_SEEN: usize = 1 << 18;

/// How far a search came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Yes,
    /// It is not there, or too far down.
    No,
    /// It was long enough at it.
    NotYet,
}

/// What both sides have of one id: all its versions, since who gives some may see the others, and what is below them. The latter is
/// walked through from the newest to the oldest, as far as somebody had to look.
pub(super) struct Shown {
    id: Option<IdHash>,
    queue: VecDeque<Reference>,
    seen: HashSet<Reference>,
}

impl Shown {
    /// Begins where both sides share something: at what we show them of the same id, and at the last version that both had.
    pub(super) fn of<L: Library>(library: &L, root: &Root) -> Result<Self, L::Error> {
        let mut shown = Self { id: root.id().copied(), queue: VecDeque::new(), seen: HashSet::new() };
        let Some(id) = root.id() else { return Ok(shown) };
        // Which version they have is what they say; that it is one is checked.
        if let Some(known) = library.known(id)?.map(Reference::Object)
            && shown.is_version(library, &known)?
        {
            shown.enter(known);
        }
        for ours in library.roots()?.iter().filter(|ours| ours.id() == Some(id)) {
            shown.enter(ours.object().map_or(Reference::Id(*id), |hash| Reference::Object(*hash)));
        }
        Ok(shown)
    }

    fn enter(&mut self, reference: Reference) {
        if self.seen.insert(reference) {
            self.queue.push_back(reference);
        }
    }

    /// Looks for something, going on with the walk if it was not met yet.
    pub(super) fn find<L: Library>(
        &mut self,
        sought: &Reference,
        library: &L,
        budget: &mut usize,
    ) -> Result<Found, L::Error> {
        if !self.seen.contains(sought) && self.is_version(library, sought)? {
            return Ok(Found::Yes);
        }
        while !self.seen.contains(sought) {
            if self.seen.len() > MAX_SEEN {
                return Ok(Found::No);
            }
            let Some(next) = self.queue.pop_front() else { return Ok(Found::No) };
            if *budget == 0 {
                self.queue.push_front(next);
                return Ok(Found::NotYet);
            }
            *budget -= 1;
            references(library, &next)?.into_iter().flatten().for_each(|below| self.enter(below));
        }
        Ok(Found::Yes)
    }

    /// Whether this is a version of that id, or a node of one.
    fn is_version<L: Library>(&self, library: &L, reference: &Reference) -> Result<bool, L::Error> {
        let Reference::Object(hash) = reference else { return Ok(false) };
        let mut object = library.object(hash)?;
        if let Some((data, _)) = object.as_ref().and_then(verify::node) {
            object = library.object(&data)?;
        }
        let id = object.as_ref().and_then(verify::id_of);
        Ok(id.is_some() && id == self.id)
    }
}
