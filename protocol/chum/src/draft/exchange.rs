//! Drafts of both sides of one connection.

use std::collections::{BTreeMap, VecDeque};

use super::inbox::Inbox;
use super::{Draft, MAX_PIECE, Outbox};
use crate::event::Event;
use crate::settings::Settings;

#[derive(Default)]
pub(crate) struct Drafts {
    outbox: Outbox,
    /// The topics of which a piece is under way, by the numbers of the requests.
    open: BTreeMap<i64, String>,
    /// The peer does not know the service, or does not want more of it.
    is_silent: bool,
    inbox: Inbox,
    events: VecDeque<Event>,
}

impl Drafts {
    /// Something of ours, for the peer.
    pub(crate) fn push(&mut self, draft: Draft) {
        if !self.is_silent {
            self.outbox.push(draft);
        }
    }

    /// The next piece to send; [`Self::sent`] has to follow.
    pub(crate) fn next(&mut self) -> Option<Draft> {
        let open = &self.open;
        self.outbox.take(MAX_PIECE, |topic| open.values().any(|busy| busy == topic))
    }

    /// A piece of this topic is under way.
    pub(crate) fn sent(&mut self, id: i64, topic: String) {
        self.open.insert(id, topic);
    }

    /// The peer answers a request. Gives whether it was one for a draft.
    pub(crate) fn answered(&mut self, id: i64, is_well: bool) -> bool {
        let was_open = self.open.remove(&id).is_some();
        if was_open && !is_well {
            self.is_silent = true;
            self.outbox.clear();
        }
        was_open
    }

    /// A piece of the peer's. Gives whether it is one that may be.
    pub(crate) fn received(&mut self, draft: Option<Draft>, settings: &Settings) -> bool {
        let Some(draft) = draft else { return false };
        match self.inbox.take(&draft, settings.max_draft) {
            Ok(true) => self.events.push_back(Event::Draft(draft)),
            Ok(false) => {}
            Err(_) => return false,
        }
        true
    }

    pub(crate) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
