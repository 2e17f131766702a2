//! Plays scenarios against a CommServer, as its clients.
//!
//! One task drives all connections of a scenario (`session`); every wait in it has a deadline. Scenarios run side by
//! side, each with keys of its own, except those that move much data or stop the server.

mod bulk;
mod connection;
mod http;
mod keys;
mod numbered;
mod play;
mod session;

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::report::{Outcome, Skipped};
use crate::scenario::{Scenario, Step};

/// The server under test.
pub struct Target {
    /// Where it listens.
    pub url: Address,
    /// Where one listens that has a ping interval below a second.
    pub short_timers: Option<Address>,
    /// Tells the server at `url` to stop, and returns at once.
    pub stop: Option<Box<dyn Fn() + Send + Sync>>,
}

/// How to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a client waits for something that is due. Bulk data may take 20 times as long.
    pub patience: Duration,
    /// How many scenarios run side by side.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), jobs: 8 }
    }
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(crate) uri: Uri,
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Why a URL is none of a CommServer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a URL with a host.
    #[error("not a URL with a host")]
    Malformed,
    /// Neither `ws` nor `wss`.
    #[error("the scheme must be ws or wss")]
    Scheme,
    /// Built without TLS.
    #[error("this program was built without the feature `tls`, which wss:// needs")]
    NoTls,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let uri: Uri = url.parse().map_err(|_| AddressError::Malformed)?;
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") if cfg!(feature = "tls") => true,
            Some("wss") => return Err(AddressError::NoTls),
            _ => return Err(AddressError::Scheme),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(AddressError::Malformed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { uri, tls, host, port })
    }
}

/// Whether a WebSocket can be opened there at all.
///
/// # Errors
///
/// What went wrong, for people.
pub async fn probe(address: &Address, patience: Duration) -> Result<(), String> {
    connection::Connection::open(address, patience).await.map(drop)
}

/// Plays scenarios and reports each as soon as it is through. The result is in the order of `scenarios`.
pub async fn run(
    target: &Target,
    scenarios: &[Scenario],
    options: &Options,
    mut report: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    // First what can run side by side, then what needs the machine for itself, then what ends the server.
    let groups = [(false, false), (true, false), (false, true)];
    for (alone, stop) in groups {
        let belongs = |scenario: &Scenario| (scenario.needs.alone, scenario.needs.stop) == (alone, stop);
        let jobs = if alone || stop { 1 } else { options.jobs.max(1) };
        let runs = scenarios
            .iter()
            .enumerate()
            .filter(|(_, scenario)| belongs(scenario))
            .map(|(index, scenario)| async move { (index, run_one(target, scenario, options).await) });
        let mut results = futures_util::stream::iter(runs).buffer_unordered(jobs);
        while let Some((index, outcome)) = results.next().await {
            report(&outcome);
            outcomes.push((index, outcome));
        }
    }
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Plays one scenario.
pub async fn run_one(target: &Target, scenario: &Scenario, options: &Options) -> Outcome {
    let started = Instant::now();
    let result = match place(target, scenario) {
        Ok(address) => Ok(play::play(address, target.stop.as_deref(), scenario, options).await),
        Err(skipped) => Err(skipped),
    };
    Outcome {
        id: scenario.id.clone(),
        title: scenario.title.clone(),
        spec: scenario.spec.clone(),
        result,
        time: started.elapsed(),
    }
}

/// Where a scenario can be played, if anywhere.
fn place<'a>(target: &'a Target, scenario: &Scenario) -> Result<&'a Address, Skipped> {
    if scenario.needs.stop && target.stop.is_none() {
        return Err(Skipped::Stop);
    }
    let address = if scenario.needs.short_timers {
        target.short_timers.as_ref().ok_or(Skipped::ShortTimers)?
    } else {
        &target.url
    };
    if address.tls && scenario.steps.iter().any(|step| matches!(step, Step::Http { .. })) {
        return Err(Skipped::Tls);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_scheme_host_and_port() {
        let address = Address::parse("ws://[::1]:8000/path").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.tls), ("::1", 8000, false));
        assert_eq!(Address::parse("ws://localhost").unwrap().port, 80);
        assert_eq!(Address::parse("http://localhost"), Err(AddressError::Scheme));
        assert_eq!(Address::parse("nonsense"), Err(AddressError::Scheme));
        assert_eq!(Address::parse("ws://"), Err(AddressError::Malformed));
    }
}
