//! How many connections there are, of the whole relay and of each network, and how often things happen.

use std::collections::HashMap;
use std::time::Instant;

use ratatosk_protocol::key::PublicKey;

use super::meter::Meter;
use super::{Counts, Limit, Limits, Network, Phase, Rates};

/// Connections by phase and network. Whoever counts one in has to count it out.
///
/// Who has no network is counted for the whole relay only.
#[derive(Debug, Default)]
pub struct Clients {
    all: Counts,
    /// Networks that have a connection.
    networks: HashMap<Network, Counts>,
    connections: Meter<Network>,
    registrations: Meter<Network>,
    registrations_of: Meter<PublicKey>,
    requests: Meter<Network>,
    requests_for: Meter<PublicKey>,
}

impl Clients {
    /// Connections of the whole relay.
    #[must_use]
    pub fn all(&self) -> Counts {
        self.all
    }

    /// Counts a new connection in, in [`Phase::Handshaking`].
    ///
    /// # Errors
    ///
    /// [`Limit::Connections`] or [`Limit::Handshaking`].
    pub fn admit(&mut self, limits: &Limits) -> Result<(), Limit> {
        if self.all.total() >= limits.connections {
            return Err(Limit::Connections);
        }
        if self.all.of(Phase::Handshaking) >= limits.handshaking {
            return Err(Limit::Handshaking);
        }
        self.all.enter(Phase::Handshaking);
        Ok(())
    }

    /// A connection in [`Phase::Handshaking`] that has been counted in turns out to come from `network`.
    ///
    /// # Errors
    ///
    /// [`Limit::ConnectionRatePerIp`], [`Limit::ConnectionsPerIp`] or [`Limit::HandshakingPerIp`]. Then it has no network.
    pub fn locate(&mut self, network: Network, limits: &Limits, rates: &Rates, now: Instant) -> Result<(), Limit> {
        if !self.connections.take(network, rates.connections_per_ip, now) {
            return Err(Limit::ConnectionRatePerIp);
        }
        let counts = self.of(network);
        if counts.total() >= limits.connections_per_ip {
            return Err(Limit::ConnectionsPerIp);
        }
        if counts.of(Phase::Handshaking) >= limits.handshaking_per_ip {
            return Err(Limit::HandshakingPerIp);
        }
        self.networks.entry(network).or_default().enter(Phase::Handshaking);
        Ok(())
    }

    /// A registration has begun; the key is not proven yet.
    ///
    /// # Errors
    ///
    /// [`Limit::RegistrationRatePerIp`]
    pub fn begin_registration(&mut self, network: Option<Network>, rates: &Rates, now: Instant) -> Result<(), Limit> {
        match network {
            Some(network) if !self.registrations.take(network, rates.registrations_per_ip, now) => {
                Err(Limit::RegistrationRatePerIp)
            }
            _ => Ok(()),
        }
    }

    /// Whether a proven key may have one more spare from `network`.
    ///
    /// # Errors
    ///
    /// [`Limit::SparesPerIp`] or [`Limit::RegistrationRatePerKey`].
    pub fn may_register(
        &mut self,
        key: &PublicKey,
        network: Option<Network>,
        limits: &Limits,
        rates: &Rates,
        now: Instant,
    ) -> Result<(), Limit> {
        if network.is_some_and(|network| self.of(network).of(Phase::Spare) >= limits.spares_per_ip) {
            return Err(Limit::SparesPerIp);
        }
        if !self.registrations_of.take(*key, rates.registrations_per_key, now) {
            return Err(Limit::RegistrationRatePerKey);
        }
        Ok(())
    }

    /// Whether `target` may be asked for once more from `network`.
    ///
    /// # Errors
    ///
    /// [`Limit::RequestRatePerIp`] or [`Limit::RequestRatePerKey`]; who asks too often himself does not use up what the
    /// key has for others.
    pub fn may_request(
        &mut self,
        target: &PublicKey,
        network: Option<Network>,
        rates: &Rates,
        now: Instant,
    ) -> Result<(), Limit> {
        if network.is_some_and(|network| !self.requests.take(network, rates.requests_per_ip, now)) {
            return Err(Limit::RequestRatePerIp);
        }
        if !self.requests_for.take(*target, rates.requests_per_key, now) {
            return Err(Limit::RequestRatePerKey);
        }
        Ok(())
    }

    /// A connection goes from one phase to another.
    pub fn shift(&mut self, network: Option<Network>, from: Phase, to: Phase) {
        self.all.shift(from, to);
        if let Some(counts) = network.and_then(|network| self.networks.get_mut(&network)) {
            counts.shift(from, to);
        }
    }

    /// A connection is gone.
    pub fn leave(&mut self, network: Option<Network>, phase: Phase) {
        self.all.leave(phase);
        let Some(network) = network else { return };
        if let Some(counts) = self.networks.get_mut(&network) {
            counts.leave(phase);
            if counts.total() == 0 {
                self.networks.remove(&network);
            }
        }
    }

    fn of(&self, network: Network) -> Counts {
        self.networks.get(&network).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use ratatosk_protocol::key::SecretKey;

    use super::super::Rate;
    use super::*;

    const ONE: Rate = Rate { per_second: 1, burst: 1 };

    fn network(number: u8) -> Network {
        IpAddr::from([192, 0, 2, number]).into()
    }

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes([number; 32]).public_key()
    }

    #[test]
    fn both_limits_of_the_relay_hold_and_room_comes_back() {
        let limits = Limits { connections: 2, handshaking: 1, ..Limits::default() };
        let mut clients = Clients::default();
        assert_eq!(clients.admit(&limits), Ok(()));
        assert_eq!(clients.admit(&limits), Err(Limit::Handshaking));
        clients.shift(None, Phase::Handshaking, Phase::Spare);
        assert_eq!(clients.admit(&limits), Ok(()));
        assert_eq!(clients.admit(&limits), Err(Limit::Connections));
        clients.leave(None, Phase::Spare);
        clients.leave(None, Phase::Handshaking);
        assert_eq!(clients.all(), Counts::default());
    }

    #[test]
    fn a_network_has_its_own_limits_and_leaves_nothing_behind() {
        let limits = Limits { connections_per_ip: 2, handshaking_per_ip: 1, spares_per_ip: 1, ..Limits::default() };
        let (rates, now) = (Rates::default(), Instant::now());
        let mut clients = Clients::default();
        let enter = |clients: &mut Clients, number| {
            clients.admit(&limits).unwrap();
            let located = clients.locate(network(number), &limits, &rates, now);
            if located.is_err() {
                clients.leave(None, Phase::Handshaking);
            }
            located
        };
        assert_eq!(enter(&mut clients, 1), Ok(()));
        assert_eq!(enter(&mut clients, 1), Err(Limit::HandshakingPerIp));
        assert_eq!(enter(&mut clients, 2), Ok(()));
        assert_eq!(clients.may_register(&key(1), Some(network(1)), &limits, &rates, now), Ok(()));
        clients.shift(Some(network(1)), Phase::Handshaking, Phase::Spare);
        let refused = clients.may_register(&key(2), Some(network(1)), &limits, &rates, now);
        assert_eq!(refused, Err(Limit::SparesPerIp));
        assert_eq!(clients.may_register(&key(2), None, &limits, &rates, now), Ok(()), "who has none is not counted");
        assert_eq!(enter(&mut clients, 1), Ok(()));
        assert_eq!(enter(&mut clients, 1), Err(Limit::ConnectionsPerIp));
        clients.leave(Some(network(1)), Phase::Spare);
        clients.leave(Some(network(1)), Phase::Handshaking);
        clients.leave(Some(network(2)), Phase::Handshaking);
        assert_eq!(clients.all(), Counts::default());
        assert!(clients.networks.is_empty());
    }

    #[test]
    fn every_rate_holds() {
        let (limits, now) = (Limits::default(), Instant::now());
        let rates = Rates {
            connections_per_ip: ONE,
            registrations_per_ip: ONE,
            registrations_per_key: ONE,
            requests_per_ip: ONE,
            requests_per_key: ONE,
        };
        let mut clients = Clients::default();
        let (here, there) = (Some(network(1)), Some(network(2)));
        let mut twice = |what: &mut dyn FnMut(&mut Clients) -> Result<(), Limit>| {
            assert_eq!(what(&mut clients), Ok(()));
            what(&mut clients)
        };
        let locate = twice(&mut |clients| clients.locate(network(1), &limits, &rates, now));
        assert_eq!(locate, Err(Limit::ConnectionRatePerIp));
        let begin = twice(&mut |clients| clients.begin_registration(here, &rates, now));
        assert_eq!(begin, Err(Limit::RegistrationRatePerIp));
        let register = twice(&mut |clients| clients.may_register(&key(1), None, &limits, &rates, now));
        assert_eq!(register, Err(Limit::RegistrationRatePerKey));
        let request = twice(&mut |clients| clients.may_request(&key(1), here, &rates, now));
        assert_eq!(request, Err(Limit::RequestRatePerIp));
        assert_eq!(clients.may_request(&key(1), there, &rates, now), Err(Limit::RequestRatePerKey));
        assert_eq!(clients.begin_registration(None, &rates, now), Ok(()));
        assert_eq!(clients.begin_registration(None, &rates, now), Ok(()), "who has no network is not counted");
    }

    #[test]
    fn who_asks_too_often_does_not_use_up_the_key() {
        let now = Instant::now();
        let two = Rate { per_second: 1, burst: 2 };
        let rates = Rates { requests_per_ip: ONE, requests_per_key: two, ..Rates::default() };
        let mut clients = Clients::default();
        assert_eq!(clients.may_request(&key(1), Some(network(1)), &rates, now), Ok(()));
        for _ in 0..10 {
            let refused = clients.may_request(&key(1), Some(network(1)), &rates, now);
            assert_eq!(refused, Err(Limit::RequestRatePerIp));
        }
        assert_eq!(clients.may_request(&key(1), Some(network(2)), &rates, now), Ok(()));
    }
}
