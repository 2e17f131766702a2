//! What becomes of the peer's answers.

use std::time::Instant;

use bytes::Bytes;

use super::round::Sorting;
use super::wire::Want;
use super::{Importer, Phase};
use crate::event::Event;
use crate::fault::{Fault, Refusal};
use crate::library::Library;
use crate::message::{Answer, BinaryFrame, Message, PROTOCOL_VERSION};
use crate::root::Root;
use crate::settings::Settings;

impl Importer {
    /// Takes an answer.
    pub(crate) fn answer<L: Library>(
        &mut self,
        message: Message,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        let (id, is_part) = match &message {
            Message::Data { id, .. } | Message::Error { id, .. } => (*id, false),
            Message::StreamEnd { id } | Message::StreamError { id } => (*id, false),
            Message::Chunk { id, .. } => (*id, true),
            Message::Request { .. } | Message::WriteStreamError { .. } => return Ok(Ok(())),
        };
        let want = if is_part { self.wire.part(id, now) } else { self.wire.answer(id, now) };
        let Some(want) = want else { return Ok(self.odd(settings)) };
        match (want, message) {
            (Want::Nobody, _) => Ok(Ok(())),
            (Want::Slot(number), Message::Chunk { chunk, .. }) => {
                self.part(number, chunk.as_bytes(), true, library, settings, now)
            }
            (Want::Slot(number), message) => self.slot(number, message, library, settings, now),
            (_, Message::Chunk { .. }) => Ok(self.odd(settings)),
            (want, Message::Data { data, .. }) => self.data(want, data, library, settings, now),
            (want, Message::Error { error, .. }) => {
                if want == Want::Version && error.is_unknown_service() {
                    if let Phase::Version { again, .. } = &mut self.phase {
                        *again = now + settings.version_retry;
                    }
                    return Ok(Ok(()));
                }
                self.failed(want, Refusal::Remote(error), library, settings, now)
            }
            (want, _) => self.failed(want, Refusal::WrongKind, library, settings, now),
        }
    }

    /// Takes a part of a BLOB.
    pub(crate) fn binary<L: Library>(
        &mut self,
        message: Bytes,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        // What a reference on Node sends in place of a part.
        if message.is_empty() {
            return Ok(Ok(()));
        }
        let Some(frame) = BinaryFrame::parse(message) else { return Ok(self.odd(settings)) };
        match self.wire.part(frame.id, now) {
            Some(Want::Slot(number)) => self.part(number, &frame.data, false, library, settings, now),
            Some(Want::Nobody) => Ok(Ok(())),
            _ => Ok(self.odd(settings)),
        }
    }

    fn part<L: Library>(
        &mut self,
        number: u64,
        part: &[u8],
        is_text: bool,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        let is_taken = match self.with_fetch(settings, now) {
            Some((fetch, mut context)) => fetch.part(number, part, is_text, library, &mut context)?,
            None => false,
        };
        Ok(if is_taken { Ok(()) } else { self.odd(settings) })
    }

    /// The last answer for something in a list: a text, an error, the end of a stream.
    fn slot<L: Library>(
        &mut self,
        number: u64,
        message: Message,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        let Some((fetch, mut context)) = self.with_fetch(settings, now) else { return Ok(Ok(())) };
        if fetch.is_download(number) {
            let is_well = matches!(message, Message::StreamEnd { .. });
            fetch.end(number, is_well, library, &mut context)?;
            return Ok(Ok(()));
        }
        match message {
            Message::Data { data, .. } => self.data(Want::Slot(number), data, library, settings, now),
            Message::Error { error, .. } => {
                self.failed(Want::Slot(number), Refusal::Remote(error), library, settings, now)
            }
            _ => self.failed(Want::Slot(number), Refusal::WrongKind, library, settings, now),
        }
    }

    fn data<L: Library>(
        &mut self,
        want: Want,
        data: Answer,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        match want {
            Want::Version => {
                if data != Answer::Number(PROTOCOL_VERSION) {
                    return Ok(Err(Fault::Version));
                }
                if matches!(self.phase, Phase::Version { .. }) {
                    self.events.push_back(Event::Started);
                    self.phase = Phase::Rest { until: now };
                }
                Ok(Ok(()))
            }
            Want::Roots => Ok(self.roots(data, settings, now)),
            Want::Nobody => Ok(Ok(())),
            Want::Children | Want::Slot(_) | Want::Root => {
                let Some((fetch, mut context)) = self.with_fetch(settings, now) else { return Ok(Ok(())) };
                match fetch.answer(want, data, &mut context) {
                    Ok(()) => Ok(Ok(())),
                    Err(refusal) => self.failed(want, refusal, library, settings, now),
                }
            }
        }
    }

    fn roots(&mut self, data: Answer, settings: &Settings, now: Instant) -> Result<(), Fault> {
        let Answer::Text(json) = data else { return Err(Fault::Roots) };
        if self.last_list.as_ref() == Some(&json) {
            self.finish_round(now, settings);
            return Ok(());
        }
        let roots = Root::read_list(&json, settings.max_roots).map_err(|_| Fault::Roots)?;
        self.last_list = Some(json);
        self.phase = Phase::Sorting(Sorting::new(roots));
        Ok(())
    }

    /// A request failed: with that the root, or the connection.
    fn failed<L: Library>(
        &mut self,
        want: Want,
        refusal: Refusal,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<Result<(), Fault>, L::Error> {
        match want {
            Want::Version => Ok(Err(Fault::Version)),
            Want::Roots => Ok(Err(Fault::NoRoots)),
            Want::Nobody => Ok(Ok(())),
            Want::Children | Want::Slot(_) | Want::Root => {
                self.refuse(refusal, library, settings, now)?;
                Ok(Ok(()))
            }
        }
    }

    /// The root that is being fetched cannot be taken. Others go on.
    fn refuse<L: Library>(
        &mut self,
        refusal: Refusal,
        library: &mut L,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), L::Error> {
        if let Some((fetch, mut context)) = self.with_fetch(settings, now) {
            fetch.abandon(library, &mut context)?;
        }
        if let Phase::Working { tasks, .. } = &mut self.phase
            && let Some(task) = tasks.front_mut()
            && let Some(fetch) = task.fetch.take()
        {
            self.refused.add(&fetch.root, now, settings);
            self.events.push_back(Event::Refused { root: fetch.root, refusal });
        }
        Ok(())
    }
}
