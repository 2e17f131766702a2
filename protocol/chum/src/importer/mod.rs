//! The peer's things for us: asks what it shares, and fetches what is new.

mod answers;
mod download;
mod evidence;
mod fetch;
mod round;
mod shown;
mod verify;
mod wire;

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use ratatosk_objects::BlobHash;
use ratatosk_protocol::message::Payload;

use self::fetch::{Fetch, Fetched};
use self::round::{Held, Refused, RootKey, Sorting, Task};
use self::verify::Checked;
use self::wire::{Want, Wire};
use crate::draft::Draft;
use crate::event::Event;
use crate::fault::{Fault, Refusal};
use crate::library::{Imported, Item, Library};
use crate::message::Service;
use crate::root::Root;
use crate::settings::Settings;

/// What the parts of the importer share during one call.
struct Context<'a> {
    wire: &'a mut Wire,
    settings: &'a Settings,
    missing: &'a mut HashSet<BlobHash>,
    events: &'a mut VecDeque<Event>,
    now: Instant,
    budget: usize,
}

enum Phase {
    /// Asks for the version until there is an answer.
    Version { tries: u32, again: Instant },
    /// Nothing to do until then.
    Rest { until: Instant },
    /// Waits for the list of roots.
    Asked,
    /// Looks which roots are new.
    Sorting(Sorting),
    /// Fetches them.
    Working { tasks: VecDeque<Task>, settled: HashSet<RootKey> },
}

/// What becomes of an answer, or of the time that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It waits.
    Waiting,
    /// It has more to do at once.
    Busy,
}

/// The importer's side of a connection.
pub(crate) struct Importer {
    wire: Wire,
    phase: Phase,
    missing: HashSet<BlobHash>,
    events: VecDeque<Event>,
    settled: HashSet<RootKey>,
    refused: Refused,
    /// The list that was last worked through, if all of it is settled.
    last_list: Option<String>,
    last_asked: Option<Instant>,
    is_pushed: bool,
    was_synchronised: bool,
    imported: usize,
    odd: u32,
}

impl Importer {
    /// Begins when `synchronisation` has come.
    pub(crate) fn new(settings: &Settings, now: Instant) -> Self {
        Self {
            wire: Wire::new(now),
            phase: Phase::Version { tries: 0, again: now + settings.settle },
            missing: HashSet::new(),
            events: VecDeque::new(),
            settled: HashSet::new(),
            refused: Refused::default(),
            last_list: None,
            last_asked: None,
            is_pushed: false,
            was_synchronised: false,
            imported: 0,
            odd: 0,
        }
    }

    /// What is to be sent.
    pub(crate) fn outbox(&mut self) -> &mut VecDeque<Payload> {
        &mut self.wire.outbox
    }

    /// What happened.
    pub(crate) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The peer says that there is something new.
    pub(crate) fn pushed(&mut self) {
        self.is_pushed = true;
    }

    /// Tells the peer that there is something new; the number of that request.
    pub(crate) fn push(&mut self) -> i64 {
        self.wire.tell(Service::NewRoot, &[])
    }

    /// Sends a piece of a draft; the number of that request. Not before both sides speak the same version.
    pub(crate) fn draft(&mut self, draft: &Draft) -> i64 {
        self.wire.draft(draft)
    }

    /// Whether both sides speak the same version.
    pub(crate) fn is_started(&self) -> bool {
        !matches!(self.phase, Phase::Version { .. })
    }

    /// Whether a list may come, which may be longer than other messages.
    pub(crate) fn expects_list(&self) -> bool {
        self.wire.expects_list()
    }

    /// When something is to be done without a message.
    pub(crate) fn timeout(&self, settings: &Settings) -> Option<Instant> {
        let own = match &self.phase {
            Phase::Version { again, .. } => Some(*again),
            Phase::Rest { until } => Some(self.due(*until, settings)),
            _ => None,
        };
        own.into_iter().chain(self.deadline(settings)).min()
    }

    /// While the version is asked for, the tries are the deadline.
    fn deadline(&self, settings: &Settings) -> Option<Instant> {
        if matches!(self.phase, Phase::Version { .. }) { None } else { self.wire.deadline(settings) }
    }

    /// When to ask for the roots: at the end of the rest, or soon if there is something new.
    fn due(&self, until: Instant, settings: &Settings) -> Instant {
        match self.last_asked {
            Some(asked) if self.is_pushed => until.min(asked + settings.min_poll_interval),
            _ => until,
        }
    }

    /// Counts a message that means nothing.
    pub(crate) fn odd(&mut self, settings: &Settings) -> Result<(), Fault> {
        self.odd += 1;
        if self.odd > settings.max_odd { Err(Fault::Odd) } else { Ok(()) }
    }

    fn with_fetch<'a>(&'a mut self, settings: &'a Settings, now: Instant) -> Option<(&'a mut Fetch, Context<'a>)> {
        let Self { wire, phase, missing, events, .. } = self;
        let Phase::Working { tasks, .. } = phase else { return None };
        let fetch = tasks.front_mut()?.fetch.as_mut()?;
        Some((fetch, Context { wire, settings, missing, events, now, budget: settings.step }))
    }

    /// Does what can be done now.
    pub(crate) fn advance<L: Library>(
        &mut self,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<Step, Fault>, L::Error> {
        if self.deadline(settings).is_some_and(|deadline| deadline <= now) {
            return Ok(Err(Fault::Silence));
        }
        let mut budget = settings.step;
        loop {
            match &mut self.phase {
                Phase::Version { tries, again } => {
                    if *again > now {
                        return Ok(Ok(Step::Waiting));
                    }
                    if *tries >= settings.version_tries {
                        return Ok(Err(Fault::Silence));
                    }
                    *tries += 1;
                    *again = now + settings.version_silence;
                    self.wire.ask(Service::Version, &[], Want::Version, now);
                }
                Phase::Rest { until } => {
                    let until = *until;
                    if self.due(until, settings) > now {
                        return Ok(Ok(Step::Waiting));
                    }
                    self.is_pushed = false;
                    self.last_asked = Some(now);
                    self.wire.ask(Service::Roots, &[], Want::Roots, now);
                    self.phase = Phase::Asked;
                }
                Phase::Asked => return Ok(Ok(Step::Waiting)),
                Phase::Sorting(sorting) => {
                    if !sorting.step(library, &self.settled, &self.refused, now, &mut budget)? {
                        return Ok(Ok(Step::Busy));
                    }
                    let Phase::Sorting(sorting) = std::mem::replace(&mut self.phase, Phase::Asked) else {
                        return Ok(Ok(Step::Waiting));
                    };
                    let (tasks, settled) = sorting.finish();
                    self.phase = Phase::Working { tasks, settled };
                }
                Phase::Working { .. } => match self.work(library, settings, now)? {
                    Some(step) => return Ok(Ok(step)),
                    None => self.finish_round(now, settings),
                },
            }
        }
    }

    /// Works at the tasks; none when all are done.
    fn work<L: Library>(
        &mut self,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Option<Step>, L::Error> {
        let Self { wire, phase, missing, events, .. } = self;
        let mut context = Context { wire, settings, missing, events, now, budget: settings.step };
        loop {
            let Phase::Working { tasks, settled } = &mut *phase else { return Ok(None) };
            let Some(task) = tasks.front_mut() else { return Ok(None) };
            let Some(fetch) = &mut task.fetch else {
                match task.left.pop() {
                    // The one before brought it along.
                    Some(root) if library.is_taken(&root)? => {
                        settled.insert(round::key(&root));
                    }
                    Some(root) => task.fetch = Some(Fetch::start(root, library, &mut context)?),
                    None => {
                        let Some(task) = tasks.pop_front() else { return Ok(None) };
                        let event = take_over(library, &task, settled, &mut self.refused, (now, settings))?;
                        self.imported += usize::from(matches!(event, Some(Event::Imported { .. })));
                        context.events.extend(event);
                    }
                }
                continue;
            };
            match fetch.advance(library, &mut context)? {
                Fetched::Waiting => return Ok(Some(Step::Waiting)),
                Fetched::Busy => return Ok(Some(Step::Busy)),
                Fetched::Done(checked) => {
                    let depth = verify::node(&checked.microdata).map_or(0, |(_, depth)| depth);
                    task.objects += fetch.objects;
                    task.bytes = task.bytes.saturating_add(fetch.bytes);
                    let Checked { microdata, id_object } = *checked;
                    task.held.push(Held { root: fetch.root.clone(), microdata, id_object, depth });
                    task.fetch = None;
                }
                Fetched::Refused(refusal) => {
                    fetch.abandon(library, &mut context)?;
                    self.refused.add(&fetch.root, now, settings);
                    context.events.push_back(Event::Refused { root: fetch.root.clone(), refusal });
                    task.fetch = None;
                }
            }
        }
    }

    fn finish_round(&mut self, now: Instant, settings: &Settings) {
        if let Phase::Working { settled, .. } = &mut self.phase {
            self.settled = std::mem::take(settled);
            if !self.refused.is_empty() {
                // The same list is worth a second look, when the time for that has come.
                self.last_list = None;
            }
        }
        let first = !std::mem::replace(&mut self.was_synchronised, true);
        let imported = std::mem::take(&mut self.imported);
        if first || imported > 0 {
            self.events.push_back(Event::Synchronised { first, imported });
        }
        self.phase = Phase::Rest { until: now + settings.poll_interval };
    }

    /// Requests that the peer owes an answer to.
    pub(crate) fn owed(&self) -> usize {
        self.wire.owed()
    }
}

/// Everything of a task is fetched: stores it, and takes it over.
fn take_over<L: Library>(
    library: &mut L,
    task: &Task,
    settled: &mut HashSet<RootKey>,
    refused: &mut Refused,
    (now, settings): (Instant, &Settings),
) -> Result<Option<Event>, L::Error> {
    let Some(at) = round::deepest(&task.held) else { return Ok(None) };
    let Some(root) = task.held.get(at).map(|held| held.root.clone()) else { return Ok(None) };
    let mut items = Vec::with_capacity(2 * task.held.len());
    for held in &task.held {
        items.extend(held.id_object.clone().and_then(|id_object| Some(Item::Id(id_object.id_hash()?, id_object))));
        items.push(match &held.root {
            Root::Id { id, .. } => Item::Id(*id, held.microdata.clone()),
            _ => Item::Object(held.microdata.hash(), held.microdata.clone()),
        });
    }
    if let Imported::Refused(reason) = library.import(&items, &root)? {
        task.held.iter().for_each(|held| refused.add(&held.root, now, settings));
        return Ok(Some(Event::Refused { root, refusal: Refusal::Merge(reason) }));
    }
    for held in &task.held {
        settled.insert(round::key(&held.root));
        refused.remove(&held.root);
    }
    round::has(library, &root)?;
    Ok(Some(Event::Imported { root, objects: task.objects, bytes: task.bytes }))
}
