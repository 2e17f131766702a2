//! Both roles on one connection.

use std::collections::VecDeque;
use std::time::Instant;

use ratatosk_protocol::message::Payload;

use crate::draft::Drafts;
use crate::event::{Event, Input, Output};
use crate::exporter::{Exporter, Next};
use crate::fault::Fault;
use crate::importer::{Importer, Step};
use crate::library::Library;
use crate::message::{Message, SYNCHRONISATION, Service, parse, read_draft};
use crate::settings::Settings;

/// Requests that may wait to be sent, beside twice the window.
const UNSENT: usize = 64;

/// A message that says that we have something new, on its way.
#[derive(Default)]
struct Push {
    /// The number of the request that was not answered yet.
    open: Option<i64>,
    /// The generation of our roots that the peer was last told of.
    told: Option<u64>,
    /// Roots may have changed while one was on its way.
    again: bool,
}

/// CHUM on one connection, after phase 6: pure, driven by messages and time.
///
/// Whoever drives it hands over what comes in by [`Self::handle`], then takes everything out by [`Self::poll_output`], and calls
/// [`Input::Timeout`] when [`Self::poll_timeout`] has come. What is not taken out is not made: a peer that does not read keeps a
/// bounded number of requests waiting, and BLOBs are read piece by piece.
pub struct Chum {
    settings: Settings,
    outbox: VecDeque<Payload>,
    importer: Option<Importer>,
    exporter: Exporter,
    push: Push,
    drafts: Drafts,
    start_by: Instant,
    /// There is something to do that needs no message.
    resume: Option<Instant>,
    fault: Option<Fault>,
    is_over: bool,
}

impl Chum {
    /// Begins: `synchronisation` is the first thing to be sent.
    #[must_use]
    pub fn new(settings: Settings, now: Instant) -> Self {
        Self {
            start_by: now + settings.start_deadline,
            settings,
            outbox: VecDeque::from([Payload::text(SYNCHRONISATION)]),
            importer: None,
            exporter: Exporter::default(),
            push: Push::default(),
            drafts: Drafts::default(),
            resume: None,
            fault: None,
            is_over: false,
        }
    }

    /// Takes what comes in.
    ///
    /// # Errors
    ///
    /// The storage is broken; the connection should be dropped.
    pub fn handle<L: Library>(&mut self, input: Input, library: &mut L, now: Instant) -> Result<(), L::Error> {
        if self.is_over || self.fault.is_some() {
            return Ok(());
        }
        self.resume = None;
        if let Err(fault) = self.take(input, library, now)? {
            self.fault = Some(fault);
            return Ok(());
        }
        let Some(importer) = &mut self.importer else {
            if self.start_by <= now {
                self.fault = Some(Fault::Silence);
            }
            return Ok(());
        };
        // A request follows an answer, and an honest answer follows a request that was sent.
        if importer.outbox().len() > self.settings.window.saturating_mul(2).saturating_add(UNSENT) {
            self.fault = Some(Fault::Unasked);
            return Ok(());
        }
        match importer.advance(library, &self.settings, now)? {
            Ok(Step::Waiting) => {}
            Ok(Step::Busy) => self.resume = Some(now),
            Err(fault) => self.fault = Some(fault),
        }
        Ok(())
    }

    fn take<L: Library>(&mut self, input: Input, library: &mut L, now: Instant) -> Result<Result<(), Fault>, L::Error> {
        if let Input::Draft(draft) = input {
            self.drafts.push(draft);
            return Ok(Ok(()));
        }
        let Some(importer) = &mut self.importer else {
            return Ok(match input {
                Input::Message(Payload::Text(text)) if text == SYNCHRONISATION => {
                    self.importer = Some(Importer::new(&self.settings, now));
                    Ok(())
                }
                Input::Message(_) => Err(Fault::NoSynchronisation),
                Input::Timeout | Input::RootsChanged | Input::Draft(_) => Ok(()),
            });
        };
        match input {
            Input::Timeout | Input::Draft(_) => Ok(Ok(())),
            Input::RootsChanged => {
                self.announce(library)?;
                Ok(Ok(()))
            }
            Input::Message(Payload::Binary(bytes)) => importer.binary(bytes, library, &self.settings, now),
            Input::Message(Payload::Text(text)) => {
                let max =
                    if importer.expects_list() { self.settings.max_list_message } else { self.settings.max_message };
                if text.len() > max {
                    return Ok(Err(Fault::TooLong));
                }
                match parse(&text) {
                    Ok(Message::Request { id, service, .. }) if Service::of(service) == Some(Service::Draft) => {
                        let taken = self.drafts.received(read_draft(&text).ok(), &self.settings);
                        Ok(self.exporter.draft(id, taken, &self.settings))
                    }
                    Ok(message) => self.message(message, library, now),
                    Err(_) => Ok(importer.odd(&self.settings)),
                }
            }
        }
    }

    fn message<L: Library>(
        &mut self,
        message: Message,
        library: &mut L,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        let Some(importer) = &mut self.importer else { return Ok(Ok(())) };
        match message {
            Message::Request { id, service, arguments } => {
                if Service::of(service) == Some(Service::NewRoot) {
                    importer.pushed();
                }
                Ok(self.exporter.request(id, service, arguments, &self.settings))
            }
            Message::WriteStreamError { id } => {
                self.exporter.stop_stream(id, &mut self.outbox);
                Ok(Ok(()))
            }
            Message::Data { id, .. } | Message::Error { id, .. } if self.push.open == Some(id) => {
                self.push.open = None;
                if std::mem::take(&mut self.push.again) {
                    self.announce(library)?;
                }
                Ok(Ok(()))
            }
            Message::Data { id, .. } if self.drafts.answered(id, true) => Ok(Ok(())),
            // Whoever does not know the service, or has enough of it, is shown nothing more.
            Message::Error { id, .. } | Message::StreamEnd { id } | Message::StreamError { id }
                if self.drafts.answered(id, false) =>
            {
                Ok(Ok(()))
            }
            answer => importer.answer(answer, library, &self.settings, now),
        }
    }

    /// Tells the peer that there is something new, unless it knows.
    fn announce<L: Library>(&mut self, library: &L) -> Result<(), L::Error> {
        let (Some(importer), Some(asked)) = (&mut self.importer, self.exporter.told()) else { return Ok(()) };
        if self.push.open.is_some() {
            self.push.again = true;
            return Ok(());
        }
        let generation = library.generation()?;
        if generation != asked && self.push.told != Some(generation) {
            self.push.told = Some(generation);
            self.push.open = Some(importer.push());
        }
        Ok(())
    }

    /// The next thing to do, until there is none.
    ///
    /// # Errors
    ///
    /// The storage is broken; the connection should be dropped.
    pub fn poll_output<L: Library>(&mut self, library: &mut L, now: Instant) -> Result<Option<Output>, L::Error> {
        if self.is_over {
            return Ok(None);
        }
        if let Some(event) = self.event() {
            return Ok(Some(Output::Event(event)));
        }
        if let Some(fault) = self.fault.take() {
            self.is_over = true;
            return Ok(Some(Output::Close(fault)));
        }
        let own = self.outbox.pop_front();
        if let Some(message) = own.or_else(|| self.importer.as_mut().and_then(|importer| importer.outbox().pop_front()))
        {
            return Ok(Some(Output::Send(message)));
        }
        match self.exporter.next(library, &self.settings)? {
            Next::Send(message) => return Ok(Some(Output::Send(message))),
            Next::Busy => self.resume = Some(now),
            Next::Idle => {
                if let Some(message) = self.draft() {
                    return Ok(Some(Output::Send(message)));
                }
            }
        }
        Ok(self.event().map(Output::Event))
    }

    /// A piece of a draft, for a moment when there is nothing else to send.
    fn draft(&mut self) -> Option<Payload> {
        let importer = self.importer.as_mut().filter(|importer| importer.is_started())?;
        let draft = self.drafts.next()?;
        let id = importer.draft(&draft);
        self.drafts.sent(id, draft.topic);
        importer.outbox().pop_front()
    }

    fn event(&mut self) -> Option<Event> {
        self.drafts
            .event()
            .or_else(|| self.exporter.event())
            .or_else(|| self.importer.as_mut().and_then(Importer::event))
    }

    /// When to call with [`Input::Timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let importer = match &self.importer {
            Some(importer) => importer.timeout(&self.settings),
            None => Some(self.start_by),
        };
        importer.into_iter().chain(self.resume).min()
    }

    /// Requests that the peer owes an answer to.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.importer.as_ref().map_or(0, Importer::owed)
    }
}
