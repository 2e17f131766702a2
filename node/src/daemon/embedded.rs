//! A CommServer inside the process of the daemon, for a household that has none.

use std::net::SocketAddr;

use super::{Failure, Kind};

/// A relay that runs.
#[cfg(feature = "relay")]
pub(super) struct Embedded {
    server: ratatosk_relay::Server,
}

#[cfg(feature = "relay")]
impl Embedded {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// That it cannot listen there.
    pub(super) async fn start(listen: SocketAddr) -> Result<Self, Failure> {
        let mut config = ratatosk_relay::Config { listen: Some(listen), ..ratatosk_relay::Config::default() };
        // The nodes of this process reach it by the address that invitations name, and are no strangers.
        if let Some(network) = ratatosk_relay::parse_network(&reachable(listen).ip().to_string()) {
            config.unlimited.push(network);
        }
        let server = ratatosk_relay::Server::bind(config).await.map_err(|error| {
            let help = "something else may listen there; name another address with --embedded-relay=ADDRESS:PORT";
            Failure::new(Kind::Unavailable, format!("the relay of this node: {error}"), help)
        })?;
        Ok(Self { server })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Its address for others, as far as this machine can tell.
    ///
    /// # Errors
    ///
    /// That it cannot.
    pub(super) fn url(&self) -> Result<String, Failure> {
        let reachable = reachable(self.address());
        if reachable.ip().is_unspecified() {
            let help = "say how others reach it with --relay ws://ADDRESS:PORT";
            return Err(Failure::new(Kind::Unavailable, "this machine has no address in a network", help));
        }
        Ok(format!("ws://{reachable}"))
    }

    /// Ends it; whoever is connected is told.
    pub(super) async fn stop(self) {
        self.server.shutdown(std::time::Duration::from_secs(1)).await;
    }
}

/// Where others reach what listens on `listen`: on all addresses, that is the one from which this machine would speak to others.
/// Nothing is sent for finding out.
#[cfg(feature = "relay")]
fn reachable(listen: SocketAddr) -> SocketAddr {
    use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
    if !listen.ip().is_unspecified() {
        return listen;
    }
    // Addresses that are reserved for documentation (RFC 5737, RFC 3849).
    let (from, to): (SocketAddr, SocketAddr) = if listen.is_ipv4() {
        ((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into())
    } else {
        ((Ipv6Addr::UNSPECIFIED, 0).into(), (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into())
    };
    let local = UdpSocket::bind(from).and_then(|socket| {
        socket.connect(to)?;
        socket.local_addr()
    });
    let ip = match local {
        Ok(local) => local.ip(),
        // Without any network there is at least this machine.
        Err(_) if listen.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        Err(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

/// There is none in this build.
#[cfg(not(feature = "relay"))]
pub(super) enum Embedded {}

#[cfg(not(feature = "relay"))]
impl Embedded {
    pub(super) async fn start(_: SocketAddr) -> Result<Self, Failure> {
        let help = "run `commserver`, and name it with --relay; or use a build with the feature `relay`";
        Err(Failure::new(Kind::Unavailable, "this program was built without a relay", help))
    }

    pub(super) fn address(&self) -> SocketAddr {
        match *self {}
    }

    pub(super) fn url(&self) -> Result<String, Failure> {
        match *self {}
    }

    pub(super) async fn stop(self) {
        match self {}
    }
}

#[cfg(all(test, feature = "relay"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_relay_says_how_it_is_reached_and_that_an_address_is_taken() {
        let relay = Embedded::start(([127, 0, 0, 1], 0).into()).await.unwrap_or_else(|error| panic!("{error}"));
        let address = relay.address();
        assert_eq!(relay.url(), Ok(format!("ws://{address}")));
        let taken = Embedded::start(address).await.err().expect("it is taken");
        assert!(taken.help.contains("--embedded-relay="), "{taken:?}");
        relay.stop().await;
    }

    #[test]
    fn who_listens_everywhere_is_reached_at_one_address() {
        let reachable = reachable(([0, 0, 0, 0], 8000).into());
        assert!(!reachable.ip().is_unspecified());
        assert_eq!(reachable.port(), 8000);
    }
}
