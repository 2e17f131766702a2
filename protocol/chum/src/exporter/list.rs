//! Making a list of children, a bounded number of reads at a time.

use ratatosk_objects::{IdHash, Reference};

use super::announced::{Announced, List};
use super::denied::Denied;
use crate::children::{self, ENTRY_LEN};
use crate::closure::{Walk, Walked};
use crate::difference::Difference;
use crate::library::Library;
use crate::message::answer_data;
use crate::settings::Settings;

/// A list on its way.
pub(super) struct Job {
    id: i64,
    root: Reference,
    version_of: Option<IdHash>,
    stage: Stage,
    max: usize,
}

enum Stage {
    /// Looks for what is new since the peer had all of an older version.
    Compare(Difference),
    /// Lists.
    Walk { walk: Walk, is_cut: bool },
}

pub(super) enum Progress {
    /// The answer.
    Answer(String),
    /// Not yet.
    More,
}

impl Job {
    /// A list for `root`, cut down to what is new if the peer is known to have an older version. Whoever asks for the same list again
    /// could do nothing with it: then we were wrong about what it has.
    pub(super) fn new<L: Library>(
        library: &mut L,
        announced: &mut Announced,
        id: i64,
        root: Reference,
        max: usize,
    ) -> Result<Self, L::Error> {
        let version_of = if let Reference::Object(node) = root { announced.version_of(&node) } else { None };
        let mut known = None;
        if let Some(of) = version_of {
            known = library.known(&of)?.map(Reference::Object);
            let was_cut = announced.take(&root).is_some_and(|list| list.edge.is_some());
            if known.is_some() && (was_cut || known == Some(root)) {
                library.set_known(&of, None)?;
                known = None;
            }
        }
        let stage = match known {
            Some(known) => Stage::Compare(Difference::new(root, known, max)),
            None => Stage::whole(root, max),
        };
        Ok(Self { id, root, version_of, stage, max })
    }

    /// Goes on.
    pub(super) fn step<L: Library>(
        &mut self,
        library: &L,
        budget: &mut usize,
        announced: &mut Announced,
        settings: &Settings,
    ) -> Result<Progress, L::Error> {
        let walked = match &mut self.stage {
            Stage::Compare(difference) => difference.step(library, budget)?,
            Stage::Walk { walk, .. } => walk.step(library, budget)?,
        };
        if walked == Walked::More {
            return Ok(Progress::More);
        }
        // From here on the stage is used up.
        let stage = std::mem::replace(&mut self.stage, Stage::whole(self.root, self.max));
        let (walk, is_cut) = match (stage, walked) {
            (Stage::Compare(difference), Walked::Done) => {
                self.stage =
                    Stage::Walk { walk: Walk::new(self.root, Some(difference.into_new()), self.max), is_cut: true };
                return Ok(Progress::More);
            }
            // What the peer has is not here any more, or too much is new: then all of it.
            (Stage::Compare(_), _) => return Ok(Progress::More),
            (Stage::Walk { walk, is_cut }, Walked::Done) => (walk, is_cut),
            (Stage::Walk { .. }, Walked::TooLong) => return Ok(Progress::Answer(Denied::too_long().answer(self.id))),
            (Stage::Walk { .. }, _) => return Ok(Progress::Answer(Denied::incomplete().answer(self.id))),
        };
        let (list, edge) = walk.into_list();
        if list.len().saturating_mul(ENTRY_LEN) > settings.max_list_message {
            return Ok(Progress::Answer(Denied::too_long().answer(self.id)));
        }
        let answer = answer_data(self.id, children::write(list.iter()));
        announced.list(
            List::new(self.root, self.version_of, &list, is_cut.then_some(edge.as_slice())),
            settings.max_announced,
        );
        Ok(Progress::Answer(answer))
    }
}

impl Stage {
    fn whole(root: Reference, max: usize) -> Self {
        Self::Walk { walk: Walk::new(root, None, max), is_cut: false }
    }
}
