//! Two hosts and a router between them, as network namespaces of this machine: cables can be pulled, directions go silent,
//! and links be narrow or bad.
//!
//! The router is where the CommServer runs, under one address for both hosts.

use std::fs;
use std::process::Command;
use std::sync::Mutex;

/// Where the CommServer is reached.
pub(crate) const RELAY: &str = "10.78.0.1";

/// What the names of all namespaces begin with; the process that made them and a number follow.
const PREFIX: &str = "ratatosk-test";

/// A host beside the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    A,
    B,
}

impl Host {
    fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The router's end of its cable.
    fn link(self) -> &'static str {
        match self {
            Self::A => "to-a",
            Self::B => "to-b",
        }
    }

    /// The first bytes of its network.
    fn network(self) -> &'static str {
        match self {
            Self::A => "10.78.1",
            Self::B => "10.78.2",
        }
    }
}

/// Removed with everything in it when this is dropped.
pub(crate) struct Network {
    name: String,
}

impl Network {
    /// Builds it.
    ///
    /// # Errors
    ///
    /// Why this machine does not allow that.
    pub(crate) fn new() -> Result<Self, String> {
        // One at a time: the first that is made on a machine prepares a folder for all.
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let mut number = NUMBER.lock().unwrap();
        *number += 1;
        sweep();
        let network = Self { name: format!("{PREFIX}-{}-{number}", std::process::id()) };
        let router = network.router();
        ip(&format!("netns add {router}"))?;
        for host in [Host::A, Host::B] {
            let space = network.of(host);
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {router} link add {} type veth peer name cable netns {space}", host.link()))?;
        }
        // A machine that can do that can do the rest.
        ip(&format!("-n {router} link set lo up")).unwrap();
        ip(&format!("-n {router} address add {RELAY}/32 dev lo")).unwrap();
        for host in [Host::A, Host::B] {
            let (link, net, space) = (host.link(), host.network(), network.of(host));
            ip(&format!("-n {router} address add {net}.1/24 dev {link}")).unwrap();
            ip(&format!("-n {space} address add {net}.2/24 dev cable")).unwrap();
            ip(&format!("-n {router} link set {link} up")).unwrap();
            ip(&format!("-n {space} link set cable up")).unwrap();
            ip(&format!("-n {space} link set lo up")).unwrap();
            ip(&format!("-n {space} route add default via {net}.1")).unwrap();
        }
        Ok(network)
    }

    pub(crate) fn router(&self) -> String {
        format!("{}-r", self.name)
    }

    pub(crate) fn of(&self, host: Host) -> String {
        format!("{}-{}", self.name, host.name())
    }

    /// Pulls the cable. Neither end is told anything.
    pub(crate) fn pull(&self, host: Host) {
        ip(&format!("-n {} link set {} down", self.router(), host.link())).unwrap();
    }

    /// Puts the cable back.
    pub(crate) fn plug(&self, host: Host) {
        ip(&format!("-n {} link set {} up", self.router(), host.link())).unwrap();
    }

    /// Lets nothing that `host` sends arrive, while it still gets everything.
    pub(crate) fn mute(&self, host: Host) {
        ip(&format!("-n {} route add blackhole {RELAY}/32", self.of(host))).unwrap();
    }

    pub(crate) fn unmute(&self, host: Host) {
        ip(&format!("-n {} route del blackhole {RELAY}/32", self.of(host))).unwrap();
    }

    /// Gives both ends of a cable another MTU.
    pub(crate) fn set_mtu(&self, host: Host, mtu: u32) {
        ip(&format!("-n {} link set {} mtu {mtu}", self.router(), host.link())).unwrap();
        ip(&format!("-n {} link set cable mtu {mtu}", self.of(host))).unwrap();
    }

    /// Puts a queue (`tc qdisc`) before both ends of a cable.
    ///
    /// # Errors
    ///
    /// Why this machine does not have it.
    pub(crate) fn queue(&self, host: Host, queue: &str) -> Result<(), String> {
        for (space, link) in self.ends(host) {
            run("tc", &format!("-n {space} qdisc add dev {link} root {queue}"))?;
        }
        Ok(())
    }

    /// How many packets those queues have dropped, towards the host and from it.
    pub(crate) fn dropped(&self, host: Host) -> [u64; 2] {
        self.ends(host).map(|(space, link)| {
            let told = run("tc", &format!("-n {space} -s qdisc show dev {link}")).unwrap();
            let number = told.split("dropped ").nth(1).and_then(|rest| rest.split([',', ' ']).next());
            number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number of drops in {told}"))
        })
    }

    fn ends(&self, host: Host) -> [(String, &'static str); 2] {
        [(self.router(), host.link()), (self.of(host), "cable")]
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for space in [self.of(Host::A), self.of(Host::B), self.router()] {
            // One that was not made is not there.
            let _ = ip(&format!("netns delete {space}"));
        }
    }
}

/// Removes what a process has left that was killed.
fn sweep() {
    let Ok(listed) = ip("netns list") else { return };
    for name in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-'));
        let Some(process) = rest.and_then(|rest| rest.split('-').next()) else { continue };
        if fs::metadata(format!("/proc/{process}")).is_err() {
            // Another test may be faster.
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

fn ip(arguments: &str) -> Result<String, String> {
    run("ip", arguments)
}

fn run(program: &str, arguments: &str) -> Result<String, String> {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}
