//! Fetching one root: its list of children, each that is not stored, dependencies first, and the root last.
//!
//! Requests go out ahead of the answers; objects are verified and stored in the order of the list, whatever order the answers come
//! in. What an object needs is therefore stored, or in the batch that is about to be, when its turn comes.

use std::collections::{HashSet, VecDeque};

use ratatosk_objects::{BlobHash, Reference};

use super::Context;
use super::download::{Download, Ended};
use super::evidence::Evidence;
use super::shown::Found;
use super::verify::{self, Checked};
use super::wire::Want;
use crate::children;
use crate::event::Event;
use crate::fault::Refusal;
use crate::library::{Item, Library};
use crate::message::{Answer, Service, UNDEFINED};
use crate::root::Root;

/// BLOBs that are asked for at a time.
const MAX_DOWNLOADS: usize = 4;

/// How many hashes are remembered as stored; others are looked up.
const MAX_RECENT: usize = 1 << 16;

enum Stage {
    /// Waits for the list.
    Children,
    /// Fetches what stands in it.
    Items,
    /// Waits for the root.
    Asked,
    /// Has it.
    Here(String),
    /// Looks for what it needs.
    Root(Arrived),
}

/// An object that is what its hash says, and what of its references was not looked at yet.
struct Arrived {
    asked: Reference,
    checked: Checked,
    open: Vec<Reference>,
}

impl Arrived {
    fn check(asked: Reference, text: &str, max: usize) -> Result<Self, Refusal> {
        let checked = verify::check(asked, text, max)?;
        let open = checked.microdata.references();
        Ok(Self { asked, checked, open })
    }
}

struct Slot {
    asked: Reference,
    state: State,
}

enum State {
    Waiting,
    Text(String),
    Download(Download),
    /// A BLOB is stored, or is not to be had.
    Settled,
}

/// What came of it.
pub(super) enum Fetched {
    /// It waits for answers.
    Waiting,
    /// It has more to do at once, but was long enough at it.
    Busy,
    /// Everything below the root is stored; this is the root, verified.
    Done(Box<Checked>),
    /// It cannot be taken.
    Refused(Refusal),
}

/// A root on its way.
pub(super) struct Fetch {
    pub(super) root: Root,
    stage: Stage,
    /// What was not looked at yet, the next one last.
    list: Vec<Reference>,
    slots: VecDeque<Slot>,
    /// The number of the first slot.
    first: u64,
    /// Bytes of answers that wait for others.
    held: usize,
    /// What is looked at.
    arrived: Option<Arrived>,
    evidence: Evidence,
    batch: Vec<Item>,
    batch_bytes: usize,
    /// What was asked for, or stored, a moment ago.
    recent: HashSet<Reference>,
    /// Objects fetched.
    pub(super) objects: usize,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl Fetch {
    /// Asks for the list of a root.
    pub(super) fn start<L: Library>(root: Root, library: &L, context: &mut Context<'_>) -> Result<Self, L::Error> {
        let fetch = Self {
            evidence: Evidence::new(library, &root)?,
            root,
            stage: Stage::Children,
            list: Vec::new(),
            slots: VecDeque::new(),
            first: 0,
            held: 0,
            arrived: None,
            batch: Vec::new(),
            batch_bytes: 0,
            recent: HashSet::new(),
            objects: 0,
            bytes: 0,
        };
        fetch.ask_list(context);
        Ok(fetch)
    }

    fn ask_list(&self, context: &mut Context<'_>) {
        let service = if matches!(self.root, Root::Id { .. }) { Service::IdChildren } else { Service::ObjectChildren };
        context.wire.ask(service, &[&hex(&self.target())], Want::Children, context.now);
    }

    /// Begins anew, and this time lets the peer send whatever it has not shown to have. With a new list: one that was cut down lacks
    /// what that needs.
    fn restart<L: Library>(&mut self, library: &mut L, context: &mut Context<'_>) -> Result<(), L::Error> {
        self.abandon(library, context)?;
        self.first += self.slots.len() as u64;
        self.slots.clear();
        self.held = 0;
        self.arrived = None;
        self.list.clear();
        self.recent.clear();
        self.stage = Stage::Children;
        self.ask_list(context);
        Ok(())
    }

    fn target(&self) -> Reference {
        match &self.root {
            Root::Id { id, .. } => Reference::Id(*id),
            Root::Unversioned { hash, .. } | Root::Versioned { hash, .. } => Reference::Object(*hash),
            Root::VersionNode { node, .. } => Reference::Object(*node),
        }
    }

    /// Takes an answer to one of its requests.
    pub(super) fn answer(&mut self, want: Want, answer: Answer, context: &mut Context<'_>) -> Result<(), Refusal> {
        let Answer::Text(text) = answer else { return Err(Refusal::WrongKind) };
        match want {
            Want::Children if matches!(self.stage, Stage::Children) => {
                self.list = children::read(&text, context.settings.max_children)?;
                self.stage = Stage::Items;
            }
            Want::Root => self.stage = Stage::Here(text),
            Want::Slot(number) => {
                let Some(slot) = self.slot(number) else { return Ok(()) };
                if !matches!(slot.state, State::Waiting) {
                    return Err(Refusal::WrongKind);
                }
                let length = text.len();
                slot.state = State::Text(text);
                self.held += length;
                if self.held > context.settings.window_bytes.saturating_add(4 * context.settings.max_message) {
                    return Err(Refusal::HeldBack);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn slot(&mut self, number: u64) -> Option<&mut Slot> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(at)
    }

    /// Whether this slot is a BLOB.
    pub(super) fn is_download(&mut self, number: u64) -> bool {
        self.slot(number).is_some_and(|slot| matches!(slot.state, State::Download(_)))
    }

    /// Takes a part of a BLOB. False: there is no such stream.
    pub(super) fn part<L: Library>(
        &mut self,
        number: u64,
        part: &[u8],
        is_text: bool,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<bool, L::Error> {
        let max = context.settings.max_blob;
        let Some(slot) = self.slot(number) else { return Ok(false) };
        let State::Download(download) = &mut slot.state else { return Ok(false) };
        let fits = download.is_text == is_text;
        if !fits || !download.part(library, part, max)? {
            if !fits {
                download.discard(library)?;
            }
            let (request, hash) = (download.request, download.hash);
            slot.state = State::Settled;
            context.wire.stop_stream(request);
            context.missing(hash);
        }
        Ok(true)
    }

    /// A stream ended, well or not.
    pub(super) fn end<L: Library>(
        &mut self,
        number: u64,
        is_well: bool,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<(), L::Error> {
        let Some(slot) = self.slot(number) else { return Ok(()) };
        let State::Download(download) = &mut slot.state else { return Ok(()) };
        let ended = if is_well {
            download.end(library)?
        } else {
            download.discard(library)?;
            Ended::Wrong
        };
        let hash = download.hash;
        slot.state = match ended {
            Ended::Empty if !download.is_text => {
                let request =
                    context.wire.ask(Service::Blob, &[&hash.to_string(), "utf8"], Want::Slot(number), context.now);
                State::Download(Download::new(request, hash, true))
            }
            Ended::Stored => State::Settled,
            Ended::Empty | Ended::Wrong => {
                context.missing(hash);
                State::Settled
            }
        };
        if ended == Ended::Stored {
            self.evidence.sent(Reference::Blob(hash));
        }
        Ok(())
    }

    /// Does what can be done now.
    pub(super) fn advance<L: Library>(
        &mut self,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Fetched, L::Error> {
        loop {
            let went = match &mut self.stage {
                Stage::Children | Stage::Asked => return Ok(Fetched::Waiting),
                Stage::Items => self.settle(library, context)?,
                Stage::Here(text) => {
                    let text = std::mem::take(text);
                    let arrived = Arrived::check(self.target(), &text, context.settings.max_message);
                    arrived.map(|arrived| {
                        self.stage = Stage::Root(arrived);
                        true
                    })
                }
                Stage::Root(Arrived { asked, open, .. }) => self.evidence.covers(*asked, open, library, context)?,
            };
            match went {
                Ok(true) => {}
                Ok(false) => return Ok(Fetched::Busy),
                Err(Refusal::Unproven { .. }) if self.evidence.be_strict() => {
                    self.restart(library, context)?;
                    continue;
                }
                Err(refusal) => return Ok(Fetched::Refused(refusal)),
            }
            match &self.stage {
                Stage::Items => {
                    if !self.ask_ahead(library, context)? {
                        return Ok(Fetched::Busy);
                    }
                    if !self.slots.is_empty() {
                        return Ok(Fetched::Waiting);
                    }
                    // Everything below the root is stored: now the peer may be asked for the root itself, from which it knows that.
                    self.flush(library)?;
                    let service =
                        if matches!(self.root, Root::Id { .. }) { Service::IdObject } else { Service::Object };
                    let hash = hex(&self.target());
                    context.wire.ask(service, &[&hash], Want::Root, context.now);
                    self.stage = Stage::Asked;
                }
                Stage::Root(arrived) if arrived.open.is_empty() => return self.root_is_here(library),
                _ => {}
            }
        }
    }

    /// Asks for what comes next. False: it was long enough at it.
    fn ask_ahead<L: Library>(&mut self, library: &mut L, context: &mut Context<'_>) -> Result<bool, L::Error> {
        let settings = context.settings;
        while self.slots.is_empty()
            || (self.slots.len() < settings.window && self.held + self.batch_bytes < settings.window_bytes)
        {
            let Some(next) = self.list.last().copied() else { return Ok(true) };
            let blob = match next {
                Reference::Blob(hash) => Some((hash, false)),
                Reference::Clob(hash) => Some((BlobHash::from_bytes(*hash.as_bytes()), true)),
                _ => None,
            };
            // The same bytes may be listed as a BLOB and as a CLOB: they come once.
            if blob.is_some_and(|(hash, _)| self.downloads().any(|download| download.hash == hash)) {
                self.list.pop();
                continue;
            }
            if blob.is_some() && self.downloads().count() >= MAX_DOWNLOADS {
                return Ok(true);
            }
            if context.budget == 0 {
                return Ok(false);
            }
            self.list.pop();
            if self.recent.contains(&next) || blob.is_some_and(|(hash, _)| context.missing.contains(&hash)) {
                continue;
            }
            context.budget -= 1;
            self.remember(next);
            if library.contains(&next)? {
                match self.evidence.suffices(&next, library, &mut context.budget)? {
                    Found::Yes => continue,
                    Found::No => {}
                    Found::NotYet => {
                        self.recent.remove(&next);
                        self.list.push(next);
                        return Ok(false);
                    }
                }
            }
            let want = Want::Slot(self.first + self.slots.len() as u64);
            let hash = hex(&next);
            let state = match blob {
                Some((blob, is_text)) => {
                    let encoding = if is_text { "utf8" } else { UNDEFINED };
                    let request = context.wire.ask(Service::Blob, &[&hash, encoding], want, context.now);
                    State::Download(Download::new(request, blob, is_text))
                }
                None => {
                    let service = if matches!(next, Reference::Id(_)) { Service::IdObject } else { Service::Object };
                    context.wire.ask(service, &[&hash], want, context.now);
                    State::Waiting
                }
            };
            self.slots.push_back(Slot { asked: next, state });
        }
        Ok(true)
    }

    fn downloads(&self) -> impl Iterator<Item = &Download> {
        self.slots
            .iter()
            .filter_map(|slot| if let State::Download(download) = &slot.state { Some(download) } else { None })
    }

    fn remember(&mut self, reference: Reference) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.clear();
        }
        self.recent.insert(reference);
    }

    /// Verifies what has come, as far as nothing before it is missing. False: it was long enough at it.
    fn settle<L: Library>(
        &mut self,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Result<bool, Refusal>, L::Error> {
        loop {
            if let Some(Arrived { asked, checked, mut open }) = self.arrived.take() {
                match self.evidence.covers(asked, &mut open, library, context)? {
                    Ok(true) => self.keep(asked, checked),
                    Ok(false) => {
                        self.arrived = Some(Arrived { asked, checked, open });
                        return Ok(Ok(false));
                    }
                    Err(refusal) => return Ok(Err(refusal)),
                }
                if self.batch.len() >= context.settings.batch || self.batch_bytes >= context.settings.batch_bytes {
                    self.flush(library)?;
                }
            }
            let is_here = |slot: &mut Slot| matches!(slot.state, State::Text(_) | State::Settled);
            let Some(slot) = self.slots.pop_front_if(is_here) else { return Ok(Ok(true)) };
            self.first += 1;
            let State::Text(text) = slot.state else { continue };
            self.held = self.held.saturating_sub(text.len());
            match Arrived::check(slot.asked, &text, context.settings.max_message) {
                Ok(arrived) => self.arrived = Some(arrived),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    fn keep(&mut self, asked: Reference, checked: Checked) {
        let Checked { microdata, id_object } = checked;
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(microdata.as_str().len() as u64);
        self.batch_bytes += microdata.as_str().len();
        let id_item = id_object.and_then(|id_object| Some(Item::Id(id_object.id_hash()?, id_object)));
        let item = match asked {
            Reference::Object(hash) => Some(Item::Object(hash, microdata)),
            Reference::Id(id) => Some(Item::Id(id, microdata)),
            Reference::Blob(_) | Reference::Clob(_) => None,
        };
        for item in id_item.into_iter().chain(item) {
            self.evidence.sent(item.reference());
            self.batch.push(item);
        }
    }

    fn flush<L: Library>(&mut self, library: &mut L) -> Result<(), L::Error> {
        if !self.batch.is_empty() {
            library.commit(&self.batch)?;
            self.batch.clear();
            self.batch_bytes = 0;
        }
        Ok(())
    }

    /// The root has come, and everything that it needs is there.
    fn root_is_here<L: Library>(&mut self, library: &mut L) -> Result<Fetched, L::Error> {
        let Stage::Root(Arrived { checked, .. }) = std::mem::replace(&mut self.stage, Stage::Asked) else {
            return Ok(Fetched::Waiting);
        };
        let data = match verify::node(&checked.microdata) {
            Some((data, _)) if matches!(self.root, Root::VersionNode { .. }) => library.object(&data)?,
            _ => None,
        };
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(checked.microdata.as_str().len() as u64);
        Ok(match verify::check_root(&self.root, &checked, data.as_ref()) {
            Ok(()) => Fetched::Done(Box::new(checked)),
            Err(refusal) => Fetched::Refused(refusal),
        })
    }

    /// Gives up. What is verified stays stored; streams are stopped.
    pub(super) fn abandon<L: Library>(&mut self, library: &mut L, context: &mut Context<'_>) -> Result<(), L::Error> {
        self.flush(library)?;
        for download in self.downloads() {
            download.discard(library)?;
            context.wire.stop_stream(download.request);
        }
        context.wire.abandon();
        Ok(())
    }
}

impl Context<'_> {
    /// Whether this is a BLOB that is not to be had.
    pub(super) fn lacks(&self, reference: &Reference) -> bool {
        matches!(reference, Reference::Blob(_) | Reference::Clob(_))
            && self.missing.contains(&BlobHash::from_bytes(*reference.hash_bytes()))
    }

    /// Notes a BLOB that is not to be had; what refers to it is stored without it.
    fn missing(&mut self, hash: BlobHash) {
        if self.missing.len() >= self.settings.max_refused {
            self.missing.clear();
        }
        self.missing.insert(hash);
        self.events.push_back(Event::BlobMissing(hash));
    }
}

fn hex(reference: &Reference) -> String {
    let mut text = String::with_capacity(64);
    crate::list::push_hex(&mut text, reference.hash_bytes());
    text
}
