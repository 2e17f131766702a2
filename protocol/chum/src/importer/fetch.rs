//! Fetching one root: its list of children, each that is not stored, dependencies first, and the root last.
//!
//! Requests go out ahead of the answers; objects are verified and stored in the order of the list, whatever order the answers come
//! in. What an object needs is therefore stored, or in the batch that is about to be, when its turn comes.

use std::collections::{HashSet, VecDeque};

use ratatosk_objects::{BlobHash, Microdata, Reference};

use super::Context;
use super::download::{Download, Ended};
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
    batch: Vec<Item>,
    in_batch: HashSet<Reference>,
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
    pub(super) fn start(root: Root, context: &mut Context<'_>) -> Self {
        let (service, hash) = match &root {
            Root::Id { id, .. } => (Service::IdChildren, id.to_string()),
            Root::Unversioned { hash, .. } | Root::Versioned { hash, .. } => {
                (Service::ObjectChildren, hash.to_string())
            }
            Root::VersionNode { node, .. } => (Service::ObjectChildren, node.to_string()),
        };
        context.wire.ask(service, &[&hash], Want::Children, context.now);
        Self {
            root,
            stage: Stage::Children,
            list: Vec::new(),
            slots: VecDeque::new(),
            first: 0,
            held: 0,
            batch: Vec::new(),
            in_batch: HashSet::new(),
            batch_bytes: 0,
            recent: HashSet::new(),
            objects: 0,
            bytes: 0,
        }
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
        Ok(())
    }

    /// Does what can be done now.
    pub(super) fn advance<L: Library>(
        &mut self,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Fetched, L::Error> {
        loop {
            match &self.stage {
                Stage::Children | Stage::Asked => return Ok(Fetched::Waiting),
                Stage::Items => {
                    if let Err(refusal) = self.settle(library, context)? {
                        return Ok(Fetched::Refused(refusal));
                    }
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
                Stage::Here(text) => {
                    let text = text.clone();
                    return Ok(match self.root_arrived(&text, library, context)? {
                        Ok(checked) => Fetched::Done(Box::new(checked)),
                        Err(refusal) => Fetched::Refused(refusal),
                    });
                }
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
            if blob.is_some() && self.downloads() >= MAX_DOWNLOADS {
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
                continue;
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

    fn downloads(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot.state, State::Download(_))).count()
    }

    fn remember(&mut self, reference: Reference) {
        if self.recent.len() >= MAX_RECENT {
            self.recent.clear();
        }
        self.recent.insert(reference);
    }

    /// Verifies what has come, as far as nothing before it is missing.
    fn settle<L: Library>(
        &mut self,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Result<(), Refusal>, L::Error> {
        while let Some(slot) = self.slots.front()
            && matches!(slot.state, State::Text(_) | State::Settled)
        {
            let Some(slot) = self.slots.pop_front() else { break };
            self.first += 1;
            let State::Text(text) = slot.state else { continue };
            self.held = self.held.saturating_sub(text.len());
            let checked = match verify::check(slot.asked, &text, context.settings.max_message) {
                Ok(checked) => checked,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = self.needs(slot.asked, &checked.microdata, library, context)? {
                return Ok(Err(refusal));
            }
            self.keep(slot.asked, checked);
            if self.batch.len() >= context.settings.batch || self.batch_bytes >= context.settings.batch_bytes {
                self.flush(library)?;
            }
        }
        Ok(Ok(()))
    }

    /// Whether everything that an object refers to is there.
    fn needs<L: Library>(
        &self,
        child: Reference,
        microdata: &Microdata,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Result<(), Refusal>, L::Error> {
        for reference in microdata.references() {
            let blob = BlobHash::from_bytes(*reference.hash_bytes());
            let is_missing_blob =
                matches!(reference, Reference::Blob(_) | Reference::Clob(_)) && context.missing.contains(&blob);
            let is_there = is_missing_blob || self.in_batch.contains(&reference) || library.contains(&reference)?;
            if !is_there {
                return Ok(Err(Refusal::Dependency { child, missing: reference }));
            }
        }
        Ok(Ok(()))
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
            self.in_batch.insert(item.reference());
            self.batch.push(item);
        }
    }

    fn flush<L: Library>(&mut self, library: &mut L) -> Result<(), L::Error> {
        if !self.batch.is_empty() {
            library.commit(&self.batch)?;
            self.batch.clear();
            self.in_batch.clear();
            self.batch_bytes = 0;
        }
        Ok(())
    }

    fn root_arrived<L: Library>(
        &mut self,
        text: &str,
        library: &mut L,
        context: &mut Context<'_>,
    ) -> Result<Result<Checked, Refusal>, L::Error> {
        let target = self.target();
        let checked = match verify::check(target, text, context.settings.max_message) {
            Ok(checked) => checked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = self.needs(target, &checked.microdata, library, context)? {
            return Ok(Err(refusal));
        }
        let data = match verify::node(&checked.microdata) {
            Some((data, _)) if matches!(self.root, Root::VersionNode { .. }) => library.object(&data)?,
            _ => None,
        };
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        Ok(verify::check_root(&self.root, &checked, data.as_ref()).map(|()| checked))
    }

    /// Gives up. What is verified stays stored; streams are stopped.
    pub(super) fn abandon<L: Library>(&mut self, library: &mut L, context: &mut Context<'_>) -> Result<(), L::Error> {
        self.flush(library)?;
        for slot in &self.slots {
            if let State::Download(download) = &slot.state {
                download.discard(library)?;
                context.wire.stop_stream(download.request);
            }
        }
        context.wire.abandon();
        Ok(())
    }
}

impl Context<'_> {
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
