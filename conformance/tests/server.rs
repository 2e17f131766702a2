//! All recordings of CommServers, replayed against the relay of this repository.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use ratatosk_conformance::report::{Implementation, Summary, Verdict, line};
use ratatosk_conformance::scenario::recordings::{NOT_REPLAYED, server_scenarios};
use ratatosk_conformance::server::{Address, Options, Target, run};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};

/// How long pairs may go on when the relay is told to stop.
const DRAIN: Duration = Duration::from_millis(500);

async fn start(config: Config) -> (Server, Address) {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(Config { listen: Some(listen), ..config }).await.unwrap();
    let address = Address::parse(&format!("ws://{}", server.local_addr())).unwrap();
    (server, address)
}

/// Timers that can be waited for.
fn short_timers() -> Config {
    let default = Config::default();
    let timeouts = default
        .timeouts
        .with(Timer::PingInterval, Duration::from_millis(300))
        .with(Timer::PongTimeout, Duration::from_millis(800))
        .with(Timer::Handshake, Duration::from_millis(3000));
    Config { timeouts, ..default }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_does_what_was_recorded_or_what_is_known() {
    let (server, url) = start(Config::default()).await;
    let (_short, short_timers) = start(short_timers()).await;
    let server = Mutex::new(Some(server));
    let stop = Box::new(move || {
        let server = server.lock().unwrap().take().expect("there is one scenario that stops the server");
        tokio::spawn(server.shutdown(DRAIN));
    });
    let target = Target { url, short_timers: Some(short_timers), stop: Some(stop) };
    let known = Implementation::named("ratatosk").unwrap();
    let scenarios = server_scenarios().unwrap();

    let mut summary = Summary::default();
    let outcomes = run(&target, &scenarios, &Options::default(), |outcome| {
        let surprise = summary.add(outcome, Some(&known));
        let conforms = outcome.result.as_ref().is_ok_and(|observation| observation.verdict == Verdict::Conforms);
        if surprise.is_some() || !conforms {
            println!("{}", line(outcome, surprise.as_ref()));
        }
    })
    .await;

    print!("{summary}\n{}", summary.by_rule());
    for (entry, why) in NOT_REPLAYED {
        println!("not replayed: {entry}: {why}");
    }
    assert_eq!(outcomes.len(), scenarios.len());
    assert_eq!((summary.surprises(), summary.skipped()), (0, 0), "{summary}");
    for id in known.ids() {
        assert!(outcomes.iter().any(|outcome| outcome.id == id), "{id} is known, but no scenario");
    }
}
