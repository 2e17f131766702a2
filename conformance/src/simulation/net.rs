//! The virtual network: carries pieces between the ends of connections, late, in order, or never.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ratatosk_protocol::message::{CONNECTION_HANDOVER, CommunicationRequest, PING, Payload};

use super::frames::{CLOSE, Cut, Cutter, TEXT};
use super::hosts::Slot;
use super::pipe::{Ending, Link, LinkId, Millis, Piece, Reader, Way};
use super::plan::Crash;
use super::stream::{PeerStream, RelayStream};
use super::talk::EndId;
use super::watch::Standing;
use super::world::{Event, World};

/// After so long without an answer an operating system gives a connection up: the relay's TCP keepalive begins after 60 s and
/// asks nine times, 15 s apart.
const KEEPALIVE: Millis = 195_000;

/// A TCP connection, and what the network knows of it.
pub(super) struct Cable {
    pub(super) link: Arc<Link>,
    pub(super) end: EndId,
    pub(super) host: usize,
    /// Nothing passes any more in that direction.
    pub(super) dead: [bool; 2],
    /// The end of that direction gets lost.
    pub(super) loses_end: [bool; 2],
    cutter: Option<Cutter>,
    relay_is_there: bool,
}

/// The commands whose texts begin so; the first bytes are enough to tell them apart.
const SUCCESS: &[u8] = br#"{"command":"authentication_success""#;

impl World<'_> {
    /// The time that a piece takes.
    pub(super) fn latency(&mut self) -> Millis {
        let (low, high) = self.plan.latency;
        let usual = self.chance.between(low, high);
        if self.plan.spikes > 0 && self.chance.percent(self.plan.spikes) {
            self.tally.spikes += 1;
            return usual + self.chance.between(200, 3000);
        }
        usual
    }

    /// Somebody dials the relay.
    pub(super) fn dial(&mut self, end: EndId) {
        self.tally.dialled += 1;
        let host = self.records[end].host;
        let open = self.hosts[host].held.iter().copied().max().unwrap_or(0);
        let at = (self.now + self.latency()).max(open);
        self.at(at, Event::Knock(end));
    }

    /// The dialled connection reaches the relay's machine.
    pub(super) fn knock(&mut self, end: EndId) {
        let is_waiting = self.ends[end].as_ref().is_some_and(|end| end.is_dialling());
        if !is_waiting {
            return;
        }
        let host = self.records[end].host;
        let open = self.hosts[host].held.iter().copied().max().unwrap_or(0);
        if open > self.now || (self.now < self.relay_up_at && self.relay_machine_is_down()) {
            // Lost, and sent again.
            let again = self.chance.between(500, 1500);
            return self.after(again, Event::Knock(end));
        }
        let Some(relay) = &self.relay else { return self.refuse(end) };
        let id = self.links.len();
        let (low, high) = self.plan.window;
        let window = usize::try_from(self.chance.between(low, high)).unwrap_or(4096);
        let link = Link::new(id, window, &self.bell);
        let address = IpAddr::from(Ipv4Addr::new(127, 0, 1, u8::try_from(host).unwrap_or(0)));
        if !relay.connect(RelayStream(Arc::clone(&link)), address) {
            return self.refuse(end);
        }
        let stream = PeerStream { link: Arc::clone(&link), allowance: None };
        let [dead, loses_end] = [[false; 2]; 2];
        let cutter = Some(Cutter::default());
        self.links.push(Some(Cable { link, end, host, dead, loses_end, cutter, relay_is_there: true }));
        self.records[end].link = Some(id);
        self.watch.accepted(id, self.records[end].wanted, self.now);
        self.say(|| format!("end {end} is connected as connection {id}"));
        if let Some(end) = &mut self.ends[end] {
            end.connected(stream);
        }
        self.wake(end);
    }

    fn refuse(&mut self, id: EndId) {
        self.tally.refused += 1;
        let now = self.instant();
        if let Some(end) = &mut self.ends[id] {
            end.refused(now, "connection refused");
        }
        self.wake(id);
    }

    /// Takes what was written at either end, and puts it on its way.
    pub(super) fn carry(&mut self, id: LinkId) {
        let Some(cable) = &self.links[id] else { return };
        let (link, end, host) = (Arc::clone(&cable.link), cable.end, cable.host);
        self.listen(id);
        let mut wires = link.clean();
        let relay_left = wires.up.reader != Reader::There;
        for way in Way::BOTH {
            let Some(cable) = &self.links[id] else { return };
            let (is_dead, loses_end) = (cable.dead[way as usize], cable.loses_end[way as usize]);
            let pipe = wires.way(way);
            let bytes = std::mem::take(&mut pipe.waiting);
            let held = self.hosts[host].held[way as usize];
            if !bytes.is_empty() && !is_dead {
                let due = (self.now + self.latency()).max(pipe.last_due).max(held);
                pipe.depart(due, Piece::Bytes(bytes));
                self.at(due, Event::Arrive(id, way == Way::Up));
            }
            if let Some(ending) = pipe.ending.take()
                && !std::mem::replace(&mut pipe.ended, true)
            {
                let is_told = !is_dead && !loses_end && self.meddler.ends(way.into());
                if is_told {
                    let due = (self.now + self.latency()).max(pipe.last_due).max(held);
                    pipe.depart(due, Piece::End(ending));
                    self.at(due, Event::Arrive(id, way == Way::Up));
                } else if !is_dead {
                    self.say(|| format!("the end of connection {id} gets lost ({way:?})"));
                }
            }
        }
        let is_over = relay_left && wires.down.reader != Reader::There;
        drop(wires);
        if relay_left
            && let Some(cable) = &mut self.links[id]
            && std::mem::take(&mut cable.relay_is_there)
        {
            self.watch.gone(id);
        }
        if is_over {
            self.links[id] = None;
        } else if self.ends[end].is_some() {
            // There may be room to write again.
            self.wake(end);
        }
    }

    /// Hears what the relay says, until it is none of the network's business any more.
    fn listen(&mut self, id: LinkId) {
        let Some(cable) = &mut self.links[id] else { return };
        let Some(mut cutter) = cable.cutter.take() else { return };
        let link = Arc::clone(&cable.link);
        let mut wires = link.wires();
        let written = std::mem::take(&mut wires.down.waiting);
        if written.is_empty() {
            cable.cutter = Some(cutter);
            return;
        }
        let mut passed = Vec::with_capacity(written.len());
        for cut in cutter.feed(written) {
            let was_paired = self.watch.standing(id) == Some(Standing::Paired);
            self.overhear(id, &cut);
            if was_paired && cut.opcode != Some(CLOSE) && self.meddler.wants_frames() {
                self.meddler.relayed(cut.bytes).into_iter().for_each(|frame| passed.extend(frame));
            } else {
                passed.extend(cut.bytes);
            }
        }
        let standing = self.watch.standing(id);
        let goes_on = matches!(standing, Some(Standing::New | Standing::Spare { .. })) || self.meddler.wants_frames();
        if goes_on {
            if let Some(cable) = &mut self.links[id] {
                cable.cutter = Some(cutter);
            }
        } else {
            passed.extend(cutter.into_rest());
        }
        wires.down.waiting = passed;
    }

    fn overhear(&mut self, id: LinkId, cut: &Cut) {
        let text = cut.payload();
        match cut.opcode {
            None => {}
            Some(CLOSE) => self.watch.closing(id),
            Some(TEXT) if text.starts_with(SUCCESS) => {
                self.tally.registered += 1;
                self.watch.registered(id, self.now);
            }
            Some(TEXT) if text == PING.as_bytes() => self.watch.pinged(id, self.now),
            Some(TEXT) if text == CONNECTION_HANDOVER.as_bytes() => {
                self.tally.handed_over += 1;
                if self.meddler.takes_the_oldest() {
                    self.swap_peers(id);
                }
                self.watch.handed_over(id, self.now);
            }
            Some(TEXT) if self.watch.standing(id) == Some(Standing::Paired) => self.overhear_request(text),
            // A challenge.
            Some(TEXT) if text.starts_with(br#"{"command":"authentication_request""#) => {}
            Some(_) => self.watch.paired(id),
        }
    }

    /// The peers of two spares of one key change places: what the relay says to the one, the other hears.
    fn swap_peers(&mut self, id: LinkId) {
        let Some(other) = self.watch.sibling(id) else { return };
        let (Some(one), Some(two)) = (&self.links[id], &self.links[other]) else { return };
        let ((end, link), (other_end, other_link)) =
            ((one.end, Arc::clone(&one.link)), (two.end, Arc::clone(&two.link)));
        for (end, id, link) in [(end, other, other_link), (other_end, id, link)] {
            if let Some(stream) = self.ends[end].as_mut().and_then(|end| end.stream()) {
                stream.link = link;
            }
            self.records[end].link = Some(id);
            if let Some(cable) = &mut self.links[id] {
                cable.end = end;
            }
        }
        self.watch.swap(id, other);
    }

    /// The relay tells a listener who asks for it: that connector has its partner.
    fn overhear_request(&mut self, text: &[u8]) {
        let text = Payload::text(String::from_utf8_lossy(text));
        let Ok(request) = CommunicationRequest::parse(&text) else { return };
        let of_source = self.slots.iter().filter(|slot| *slot.key().public() == request.source);
        let links: Vec<_> = of_source.filter_map(Slot::end).filter_map(|end| self.records[end].link).collect();
        for link in links {
            self.watch.paired(link);
        }
    }

    /// Pieces arrive.
    pub(super) fn arrive(&mut self, id: LinkId, way: Way) {
        let Some(cable) = &self.links[id] else { return };
        let (link, end, host, is_dead) = (Arc::clone(&cable.link), cable.end, cable.host, cable.dead[way as usize]);
        let held = self.hosts[host].held[way as usize];
        if held > self.now {
            let later = held + self.latency();
            return self.at(later, Event::Arrive(id, way == Way::Up));
        }
        let mut wires = link.wires();
        let mut has_arrived = false;
        while let Some(piece) = wires.way(way).land(self.now) {
            if is_dead {
                continue;
            }
            match wires.way(way).reader {
                Reader::There => {
                    has_arrived = true;
                    if way == Way::Up {
                        match piece {
                            Piece::Bytes(_) => self.watch.heard(id, self.now),
                            Piece::End(_) => self.watch.left(id, self.now),
                        }
                    }
                    wires.way(way).arrive(piece);
                }
                Reader::DownUntil(until) if until > self.now => {}
                // Who is not there any more answers with a reset.
                Reader::Gone | Reader::DownUntil(_) => {
                    let back = wires.way(way.back());
                    if matches!(piece, Piece::Bytes(_)) && back.reader == Reader::There {
                        back.ended = false;
                        back.end(Ending::Reset);
                        link.touch(&mut wires);
                    }
                }
            }
        }
        // Room in the window.
        if let Some(waker) = wires.way(way).wake_writer.take() {
            waker.wake();
        }
        drop(wires);
        // Something to read, or room to write.
        if self.ends[end].is_some() && (has_arrived || way == Way::Up) {
            self.wake(end);
        }
    }

    /// A box in the network resets a connection: both sides hear it.
    pub(super) fn reset(&mut self, id: LinkId) {
        let Some(cable) = &self.links[id] else { return };
        let link = Arc::clone(&cable.link);
        let end = cable.end;
        let mut wires = link.wires();
        for way in Way::BOTH {
            let is_there = wires.way(way).reader == Reader::There;
            if is_there {
                wires.way(way).arrive(Piece::End(Ending::Reset));
            }
        }
        drop(wires);
        self.watch.left(id, self.now);
        if let Some(cable) = &mut self.links[id] {
            cable.dead = [true; 2];
        }
        self.wake(end);
    }

    /// Nothing passes any more; the operating systems find out at last.
    pub(super) fn forget_link(&mut self, id: LinkId, ways: [bool; 2]) {
        let Some(cable) = &mut self.links[id] else { return };
        for way in Way::BOTH {
            cable.dead[way as usize] |= ways[way as usize];
        }
        self.after(KEEPALIVE, Event::GiveUp(id));
    }

    pub(super) fn give_up(&mut self, id: LinkId) {
        let is_there = self.links[id].is_some();
        if is_there && self.meddler.ends(Way::Up.into()) {
            self.say(|| format!("connection {id} is given up by the operating systems"));
            self.reset(id);
        }
    }

    /// The program at one end of a connection is gone, in a way that is not its own wish. `way` is the direction that it
    /// reads.
    pub(super) fn cut_off(&mut self, id: LinkId, way: Way, crash: Crash, back: Millis) {
        let Some(cable) = &self.links[id] else { return };
        let link = Arc::clone(&cable.link);
        let mut wires = link.wires();
        let pipe = wires.way(way);
        let has_unread = !pipe.arrived.is_empty();
        pipe.arrived.clear();
        match crash {
            // Whatever its tasks would still say while they are taken down, the system has closed the connection already.
            Crash::Process if pipe.reader == Reader::There => {
                pipe.reader = Reader::Gone;
                wires.way(way.back()).end(if has_unread { Ending::Reset } else { Ending::Fin });
            }
            Crash::Process => {}
            Crash::Machine => {
                pipe.reader = Reader::DownUntil(back);
                let silent = wires.way(way.back());
                silent.waiting.clear();
                (silent.ending, silent.ended) = (None, true);
            }
        }
        link.touch(&mut wires);
        drop(wires);
        if crash == Crash::Machine {
            self.after(KEEPALIVE, Event::GiveUp(id));
        }
    }
}
