//! CHUM on one connection: the machine of `ratatosk-chum` works on threads that may wait for the disk, while messages come
//! and go here.
//!
//! What comes in is always taken, also while nothing of ours gets away, so that two peers that send a lot to each other do not
//! wait for each other. What goes out is made when the last of it is on its way, so that a peer that does not read costs no
//! memory.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_chum::{Chum, Event, Fault, Input, Output, Settings};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::message::Payload;
use tokio::time::{Instant, sleep_until};

use super::drafts::{Mailbox, may_show};
use super::news::{ConnectionInfo, News};
use super::shared::Shared;
use super::wire::{Over, Wire};
use crate::model::{Change, Library};

/// Messages and bytes that wait for a thread at most; then the peer has to wait.
const WAITING: usize = 256;
const WAITING_BYTES: usize = 1024 * 1024;

/// Bytes that are made at a time.
const BATCH_BYTES: usize = 256 * 1024;

/// Things that happened that are told at a time.
const BATCH_EVENTS: usize = 64;

/// What a peer is told when our storage fails.
const STORAGE: &str = "Error: The storage failed";

/// Runs until the connection ends or `over` says that it has to. Says how it is to be closed, if it is still there.
pub(super) async fn run(
    shared: &Arc<Shared>,
    wire: &mut Wire,
    info: ConnectionInfo,
    drafts: &Mailbox,
    over: impl Future<Output = CloseRequest>,
) -> Option<CloseRequest> {
    let library = shared.node.library(info.remote_person, info.remote_instance);
    let work = Work { chum: Chum::new(settings(wire), Instant::now().into_std()), library };
    Exchange { shared, wire, info, drafts, inputs: Vec::new(), input_bytes: 0, roots_changed: false }
        .run(work, over)
        .await
}

/// Only a reference has to be waited for before the first request, and none is in this process.
fn settings(wire: &Wire) -> Settings {
    let usual = Settings::default();
    if wire.is_local() { Settings { settle: Duration::ZERO, ..usual } } else { usual }
}

struct Exchange<'a> {
    shared: &'a Arc<Shared>,
    wire: &'a mut Wire,
    info: ConnectionInfo,
    drafts: &'a Mailbox,
    inputs: Vec<Input>,
    input_bytes: usize,
    /// What we share may have changed since the machine was told so.
    roots_changed: bool,
}

/// What travels to a thread and back.
struct Work {
    chum: Chum,
    library: Library,
}

/// What came of one go.
#[derive(Default)]
struct Done {
    messages: Vec<Payload>,
    events: Vec<Event>,
    changes: Vec<Change>,
    end: Option<End>,
    /// There may be more to be made.
    more: bool,
}

enum End {
    Fault(Fault),
    Storage(String),
}

type Going<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Exchange<'_> {
    async fn run(mut self, work: Work, over: impl Future<Output = CloseRequest>) -> Option<CloseRequest> {
        tokio::pin!(over);
        let mut changes = self.shared.changes.subscribe();
        let mut idle = Some(work);
        let mut step: Option<Going<(Work, Done)>> = None;
        let mut sending: Option<Going<Result<(), Over>>> = None;
        let mut more = true;
        let close = loop {
            let has_work = !self.inputs.is_empty() || self.roots_changed || (more && sending.is_none());
            if has_work && let Some(work) = idle.take() {
                let mut inputs = std::mem::take(&mut self.inputs);
                inputs.extend(std::mem::take(&mut self.roots_changed).then_some(Input::RootsChanged));
                self.input_bytes = 0;
                step = Some(self.begin(work, inputs, sending.is_none()));
            }
            let timeout = idle.as_ref().and_then(|work| work.chum.poll_timeout()).map(Instant::from_std);
            let may_read = self.inputs.len() < WAITING && self.input_bytes < WAITING_BYTES;
            tokio::select! {
                (work, done) = going(&mut step) => {
                    step = None;
                    idle = Some(work);
                    if let Some(close) = self.tell(&done).await {
                        break Some(close);
                    }
                    more = done.more;
                    if !done.messages.is_empty() {
                        sending = Some(self.send(done.messages));
                    }
                }
                sent = going(&mut sending) => {
                    sending = None;
                    if sent.is_err() {
                        break None;
                    }
                }
                message = self.wire.recv(), if may_read => match message {
                    Some(message) => self.received(message),
                    None => break None,
                },
                Ok(()) = changes.changed(), if !self.roots_changed => self.roots_changed = true,
                drafts = self.drafts.take(), if self.inputs.len() < WAITING => {
                    self.inputs.extend(drafts.into_iter().map(Input::Draft));
                }
                () = until(timeout) => self.inputs.push(Input::Timeout),
                close = &mut over => break Some(close),
            }
        };
        // What a thread has begun it ends, and what it has stored is told.
        if let Some(step) = step {
            let (work, done) = step.await;
            idle = Some(work);
            self.tell(&done).await;
        }
        // Files that were on their way are removed from the disk with it, and that may take a while.
        self.shared.blocking.run(move || drop(idle)).await;
        close
    }

    fn received(&mut self, message: Payload) {
        self.shared.transcript.received(self.info.id, &message);
        self.input_bytes += message.len();
        self.inputs.push(Input::Message(message));
    }

    fn begin(&self, work: Work, inputs: Vec<Input>, may_send: bool) -> Going<(Work, Done)> {
        let blocking = self.shared.blocking.clone();
        let step = move || {
            let mut work = work;
            let done = work.step(inputs, may_send);
            (work, done)
        };
        Box::pin(async move { blocking.run(step).await })
    }

    fn send(&self, messages: Vec<Payload>) -> Going<Result<(), Over>> {
        let (sender, shared, id) = (self.wire.sender(), self.shared.clone(), self.info.id);
        Box::pin(async move {
            for message in messages {
                shared.transcript.sent(id, &message);
                sender.send(message).await?;
            }
            Ok(())
        })
    }

    /// Tells what happened. Says how to close, if it is over.
    async fn tell(&self, done: &Done) -> Option<CloseRequest> {
        for event in &done.events {
            match event {
                Event::Refused { root, refusal } => {
                    let kind = root.one_type();
                    tracing::warn!(connection = self.info.id, kind, refusal = ?refusal.to_string(), "something of a contact was refused");
                }
                Event::Delivered { id, .. } => {
                    self.shared.tell(News::Delivered { person: self.info.remote_person, id: *id }).await;
                }
                Event::Draft(draft) => {
                    let (person, draft) = (self.info.remote_person, draft.clone());
                    if may_show(self.shared.node.person(), person, &draft.topic) {
                        self.shared.tell(News::Draft { person, draft }).await;
                    }
                }
                event => tracing::debug!(connection = self.info.id, ?event, "chum"),
            }
        }
        if !done.changes.is_empty() {
            // What came from one contact may be shared with others.
            self.shared.changed();
        }
        if done.changes.iter().any(|change| matches!(change, Change::Profile(_))) {
            // It may name other devices.
            self.shared.contacts_changed();
        }
        for change in &done.changes {
            self.shared.tell(News::Changed(change.clone())).await;
        }
        match &done.end {
            None => None,
            Some(End::Fault(fault)) => {
                tracing::debug!(connection = self.info.id, %fault, "the peer is given up");
                Some(CloseRequest::because(fault.to_string()))
            }
            Some(End::Storage(error)) => {
                tracing::error!(connection = self.info.id, error, "the storage failed");
                self.shared.tell(News::Trouble { place: "storage", text: error.clone() }).await;
                Some(CloseRequest::because(STORAGE))
            }
        }
    }
}

impl Work {
    /// Takes what came in, and makes what is to go out, if it may.
    fn step(&mut self, inputs: Vec<Input>, may_send: bool) -> Done {
        let mut done = Done::default();
        if let Err(error) = self.take(inputs).and_then(|()| self.make(may_send, &mut done)) {
            done.end = Some(End::Storage(error.to_string()));
        }
        done.changes = self.library.take_changes();
        done
    }

    fn take(&mut self, inputs: Vec<Input>) -> Result<(), LibraryError> {
        for input in inputs {
            self.chum.handle(input, &mut self.library, now())?;
        }
        Ok(())
    }

    fn make(&mut self, may_send: bool, done: &mut Done) -> Result<(), LibraryError> {
        done.more = true;
        if !may_send {
            return Ok(());
        }
        let mut bytes = 0;
        while bytes < BATCH_BYTES && done.events.len() < BATCH_EVENTS {
            match self.chum.poll_output(&mut self.library, now())? {
                Some(Output::Send(message)) => {
                    bytes += message.len();
                    done.messages.push(message);
                }
                Some(Output::Event(event)) => done.events.push(event),
                Some(Output::Close(fault)) => {
                    done.end = Some(End::Fault(fault));
                    return Ok(());
                }
                None => {
                    done.more = false;
                    break;
                }
            }
        }
        Ok(())
    }
}

type LibraryError = <Library as ratatosk_chum::Library>::Error;

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Waits for something that is under way, if there is anything.
async fn going<T>(something: &mut Option<Going<T>>) -> T {
    match something {
        Some(something) => something.await,
        None => pending().await,
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}
