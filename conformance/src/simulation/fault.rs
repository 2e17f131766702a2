//! Makes things go wrong.

use super::pipe::{LinkId, Millis, Way};
use super::plan::{Crash, Fault};
use super::talk::EndId;
use super::world::{Event, World};

impl World<'_> {
    pub(super) fn fault(&mut self, number: usize) {
        if !self.stage.has_trouble() {
            return;
        }
        match self.plan.faults[number].1 {
            Fault::RelayCrash { crash, down } => self.crash_relay(crash, down),
            Fault::ListenerCrash { crash, down } => {
                self.tally.listener_crashes += 1;
                let host = self.chance.index(self.listeners.len());
                self.crash(host, crash, down);
            }
            Fault::ConnectorCrash { crash, down } => {
                self.tally.connector_crashes += 1;
                let host = self.listeners.len() + self.chance.index(self.hosts.len() - self.listeners.len());
                self.crash(host, crash, down);
            }
            Fault::ListenerStop { down } => {
                let number = self.chance.index(self.listeners.len());
                if self.listeners[number].running {
                    self.tally.stops += 1;
                    self.stop_listener(number);
                    self.after(down, Event::Return(number));
                }
            }
            Fault::Partition { time } => {
                self.tally.partitions += 1;
                self.hold(&Way::BOTH, time);
            }
            Fault::OneWay { way, time } => {
                self.tally.one_way += 1;
                self.hold(&[way], time);
            }
            Fault::Reset => {
                let Some(id) = self.some_link() else { return };
                self.tally.resets += 1;
                self.say(|| format!("connection {id} is reset by the network"));
                self.reset(id);
            }
            Fault::HalfOpen => {
                let Some(id) = self.some_link() else { return };
                self.tally.half_open += 1;
                self.say(|| format!("connection {id} is forgotten by the network"));
                self.forget_link(id, [true; 2]);
            }
            Fault::LostClose { way } => {
                let Some(id) = self.some_link() else { return };
                self.tally.lost_closes += 1;
                self.say(|| format!("the next end of connection {id} will get lost ({way:?})"));
                if let Some(cable) = &mut self.links[id] {
                    cable.loses_end[way as usize] = true;
                }
                // Whoever is left alone with it finds out.
                self.forget_link(id, [false; 2]);
            }
            Fault::SlowReader { time, rate } => {
                let Some(id) = self.some_end() else { return };
                self.tally.slow_readers += 1;
                self.say(|| format!("end {id} reads {rate} bytes a second"));
                self.records[id].slow = Some((self.now + time, rate));
                self.drip(id);
            }
        }
    }

    fn some_link(&mut self) -> Option<LinkId> {
        let all: Vec<_> = (0..self.links.len()).filter(|id| self.links[*id].is_some()).collect();
        (!all.is_empty()).then(|| all[self.chance.index(all.len())])
    }

    fn some_end(&mut self) -> Option<EndId> {
        let all: Vec<_> = (0..self.ends.len()).filter(|id| self.ends[*id].is_some()).collect();
        (!all.is_empty()).then(|| all[self.chance.index(all.len())])
    }

    fn hold(&mut self, ways: &[Way], time: Millis) {
        let host = self.chance.index(self.hosts.len());
        self.say(|| format!("machine {host} is cut off for {time} ms ({ways:?})"));
        for way in ways {
            let held = &mut self.hosts[host].held[*way as usize];
            *held = (*held).max(self.now + time);
        }
    }

    fn crash(&mut self, host: usize, crash: Crash, down: Millis) {
        let until = self.hosts[host].down_until.max(self.now + down);
        self.say(|| format!("machine {host} crashes ({crash:?}) for {down} ms"));
        self.hosts[host].down_until = until;
        self.crash_host(host);
        for id in 0..self.ends.len() {
            if self.records[id].host != host || self.ends[id].is_none() {
                continue;
            }
            if let Some(link) = self.records[id].link {
                self.cut_off(link, Way::Down, crash, until);
            }
            // Its phases end with it, untold.
            self.ends[id] = None;
        }
        self.at(until, Event::Return(host));
    }

    pub(super) fn host_returns(&mut self, host: usize) {
        if self.hosts[host].down_until > self.now {
            return;
        }
        for number in 0..self.listeners.len() {
            if self.listeners[number].host == host {
                self.start_listener(number);
            }
        }
        for number in 0..self.slots.len() {
            if self.slots[number].host == host {
                let pause = self.chance.below(1000);
                self.after(pause, Event::Slot(number));
            }
        }
    }

    fn crash_relay(&mut self, crash: Crash, down: Millis) {
        let Some(relay) = self.relay.take() else { return };
        self.tally.relay_crashes += 1;
        self.say(|| format!("the relay crashes ({crash:?}) for {down} ms"));
        self.relay_up_at = self.now + down;
        self.relay_machine_crashed = crash == Crash::Machine;
        for id in 0..self.links.len() {
            if self.links[id].is_some() {
                self.cut_off(id, Way::Up, crash, self.relay_up_at);
            }
        }
        self.watch.forget();
        drop(relay);
        self.at(self.relay_up_at, Event::RelayReturns);
    }

    /// Whether nobody is there to refuse a connection to the relay.
    pub(super) fn relay_machine_is_down(&self) -> bool {
        self.relay_machine_crashed
    }
}
