//! What machines tell, and what is made of it.

use std::time::Instant;

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Cause, Closed, Event as Told};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::plugin::Origin;
use ratatosk_protocol::spare::{SpareId, SparePool};

use super::pipe::Millis;
use super::record::Owner;
use super::stage::Stage;
use super::talk::{self, EndId};
use super::world::{Event, World};

/// Bytes that may wait in a machine before its application waits, as in the protocol's driver.
const SEND_LIMIT: usize = 256 * 1024;

/// How often a slow reader gets something.
const DRIP: Millis = 100;

/// The beginnings of the reasons that are no complaint about what somebody has sent.
const PEACEFUL: &[&str] = &[
    "Terminate called: ",
    "Close called.",
    "Close called: bye ",
    "Close called: No listening connection for the specified publicKey.",
    // A spare has missed its pong while somebody waited for it.
    "Close called: This connection is closed. It will never be opened again.",
];

impl World<'_> {
    /// Lets an end do whatever it can do at the moment.
    pub(super) fn wake(&mut self, id: EndId) {
        if self.records[id].wake_at.is_some_and(|at| at <= self.now) {
            self.records[id].wake_at = None;
        }
        loop {
            let now = self.instant();
            let Some(end) = &mut self.ends[id] else { return };
            let events = end.turn(now, self.meddler);
            let broken = end.broken.take();
            let is_quiet = events.is_empty();
            for event in events {
                self.hear(id, event);
            }
            if let Some(problem) = broken {
                self.fail(format!("end {id}: {problem}"));
            }
            if !self.speak(id) && is_quiet {
                break;
            }
        }
        let Some(end) = &self.ends[id] else { return };
        if end.is_gone() {
            self.ends[id] = None;
            return;
        }
        let due = end.poll_timeout().map(|at| self.millis(at));
        let speaks = self.talks[id].due().filter(|_| self.can_speak(id)).map(|at| at.max(self.now + 1));
        if let Some(at) = [due, speaks].into_iter().flatten().min()
            && self.records[id].wake_at.is_none_or(|known| known > at)
        {
            // What is due already is not told again and again.
            let at = at.max(self.now + 1);
            self.records[id].wake_at = Some(at);
            self.at(at, Event::Wake(id));
        }
    }

    fn can_speak(&self, id: EndId) -> bool {
        let end = self.ends[id].as_ref();
        end.is_some_and(|end| end.machine.is_established() && !end.machine.is_closing())
    }

    /// Says what is due. Whether there was something.
    fn speak(&mut self, id: EndId) -> bool {
        if !self.can_speak(id) {
            return false;
        }
        let (now, instant) = (self.now, self.instant());
        let Some(end) = &mut self.ends[id] else { return false };
        let mut has_spoken = false;
        while end.machine.transmit_bytes() < SEND_LIMIT
            && let Some(message) = self.talks[id].next(id, now)
        {
            if end.machine.send(instant, message.clone()).is_err() {
                return true;
            }
            self.talks[id].said(&message);
            has_spoken = true;
        }
        if self.talks[id].is_over(now) {
            let reason = self.talks[id].bye(id);
            end.machine.close(instant, CloseRequest::because(reason));
            has_spoken = true;
        }
        has_spoken
    }

    fn hear(&mut self, id: EndId, event: Told) {
        let now = self.now;
        if !matches!(event, Told::Message(_)) {
            self.say(|| format!("end {id}: {}", describe(&event)));
        }
        let record = &mut self.records[id];
        let owner = record.owner;
        let result = match event {
            Told::PhaseEntered(phase) => record.enter(phase, now),
            Told::PhaseExited { phase, outcome, .. } => record.leave(phase, outcome),
            Told::SpareOpened => {
                record.spare_since = Some(now);
                self.pool(id, SparePool::opened);
                Ok(())
            }
            Told::SpareHandedOver => {
                record.resume(now);
                self.pool(id, |pool, _, spare| pool.handed_over(spare));
                Ok(())
            }
            Told::HandoverComplete => {
                self.pool(id, |pool, _, spare| pool.handover_complete(spare));
                Ok(())
            }
            Told::PairingRequested { target, .. } if target != record.wanted => {
                Err("it is asked for a key that is not its own".to_owned())
            }
            Told::Established { local, remote } => {
                record.established = true;
                let is_wanted = if matches!(owner, Owner::Spare { .. }) { local } else { remote } == record.wanted;
                self.begin_talk(id, (local, remote));
                if let Owner::Spare { listener, spare } = owner {
                    self.spare_is_over(listener, spare, id);
                } else {
                    self.tally.established += 1;
                }
                if is_wanted { Ok(()) } else { Err("it is established with somebody else".to_owned()) }
            }
            Told::Message(message) => {
                self.tally.messages += 1;
                self.tally.bytes += message.len() as u64;
                talk::hear(&mut self.talks, id, &message)
            }
            Told::Closed(closed) => self.closed(id, owner, &closed),
            _ => Ok(()),
        };
        if let Err(problem) = result {
            self.fail(format!("end {id}: {problem}"));
        }
    }

    fn begin_talk(&mut self, id: EndId, keys: (PublicKey, PublicKey)) {
        let mut draw = self.chance.branch(id as u64);
        self.talks[id].begin(keys, self.now, &mut draw, (self.plan.messages, self.plan.largest));
        match self.stage {
            // Late for the calm.
            Stage::Quiet => self.talks[id].hurry(self.now),
            Stage::Probing { drains } => {
                // The peer has said all that it will say by then.
                let long = self.now + 35_000;
                let is_probe = matches!(self.records[id].owner, Owner::Probe { .. });
                self.talks[id].bye_at = (is_probe && !drains).then_some(long);
            }
            _ => {}
        }
    }

    fn pool(&mut self, id: EndId, tell: impl FnOnce(&mut SparePool, Instant, SpareId)) {
        let Owner::Spare { listener, spare } = self.records[id].owner else { return };
        let now = self.instant();
        if self.listeners[listener].ends.get(&spare) == Some(&id) {
            tell(&mut self.listeners[listener].pool, now, spare);
            self.act(listener);
        }
    }

    fn closed(&mut self, id: EndId, owner: Owner, closed: &Closed) -> Result<(), String> {
        self.records[id].close()?;
        let error = &closed.error;
        if closed.origin == Origin::Remote && talk::hear_bye(&self.talks, id, &closed.reason)? {
            self.tally.goodbyes += 1;
        } else if !matches!(error.cause, Cause::ClosedHere { .. }) {
            self.tally.failed += 1;
        }
        match &error.cause {
            Cause::PhaseTimeout(_) | Cause::TotalTimeout | Cause::Silence { .. } => self.tally.timeouts += 1,
            cause if cause.is_no_listener() => self.tally.no_listener += 1,
            Cause::ClosedByPeer(None) | Cause::ClosedHere { .. } | Cause::Io(_) => {}
            Cause::ClosedByPeer(Some(frame)) => {
                let is_peaceful = frame.reason.is_empty() || PEACEFUL.iter().any(|text| frame.reason.starts_with(text));
                if !is_peaceful {
                    return Err(format!("the other end complains: {}", crate::report::escape(&frame.reason)));
                }
            }
            // Nobody here sends anything wrong, and nothing is changed on its way.
            cause => return Err(format!("something came that nobody sends: {cause}")),
        }
        match owner {
            Owner::Spare { listener, spare } => self.spare_is_over(listener, spare, id),
            Owner::Slot(slot) => self.slot_is_over(slot, id, error),
            Owner::Probe { listener } if !self.records[id].established => {
                return Err(format!("listener {listener} cannot be reached although all is well: {error}"));
            }
            Owner::Probe { .. } => {}
        }
        Ok(())
    }

    /// A slow reader gets a little, until it is slow no more.
    pub(super) fn drip(&mut self, id: EndId) {
        let Some((until, rate)) = self.records[id].slow else { return };
        let is_slow = until > self.now && self.stage.has_trouble();
        let Some(stream) = self.ends[id].as_mut().and_then(|end| end.stream()) else { return };
        let share = rate / usize::try_from(1000 / DRIP).unwrap_or(1);
        stream.allowance = is_slow.then_some(share);
        if is_slow {
            self.after(DRIP, Event::Drip(id));
        } else {
            self.records[id].slow = None;
        }
        self.wake(id);
    }
}

fn describe(event: &Told) -> String {
    match event {
        Told::PhaseEntered(phase) => format!("enters {phase}"),
        Told::PhaseExited { phase, outcome, duration } => {
            format!("leaves {phase} after {} ms: {}", duration.as_millis(), outcome.name())
        }
        Told::SpareOpened => "is registered".to_owned(),
        Told::SpareHandedOver => "is handed over".to_owned(),
        Told::PairingRequested { source, .. } => format!("is asked for by #{}", source.fingerprint()),
        Told::HandoverComplete => "has answered".to_owned(),
        Told::Established { remote, .. } => format!("is established with #{}", remote.fingerprint()),
        Told::Closed(closed) => format!("is over: {}", closed.error),
        other => format!("{other:?}"),
    }
}
