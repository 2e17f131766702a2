//! Times of microseconds. Server and client share one CPU, so that no time goes into waking another; the client is a
//! process of its own (`relay-bench pinned …`) because a process is bound to a CPU as a whole.

use std::env;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use ratatosk_benches::percentile;

use crate::Outcome;
use crate::client::{Peer, key, pair};
use crate::contender::{Kind, on_cpu};
use crate::frames::{self, BINARY};
use crate::iroh;
use crate::process::Process;

/// Bytes of a message that goes there and back.
const SIZE: usize = 100;

/// Turns of each kind before those that are timed.
const WARM_UP: usize = 50;

/// Two percentiles, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// The CPU to use, if processes can be bound to one here.
pub(crate) fn cpu() -> Option<usize> {
    let last = std::thread::available_parallelism().ok()?.get() - 1;
    let works = Command::new("taskset").args(["-c", &last.to_string(), "true"]).status();
    works.is_ok_and(|status| status.success()).then_some(last)
}

/// Messages of 100 B from connector to listener and back.
pub(crate) fn round_trips(kind: Kind, process: &Process, cpu: Option<usize>, count: usize) -> Outcome<Times> {
    if kind == Kind::Iroh {
        return times(&iroh::load("round-trip", process, &[count as u128], cpu)?);
    }
    let what = if kind.is_comm_server() { "round-trip" } else { "round-trip-tcp" };
    start_child(what, process, cpu, count)
}

/// From a connector's request to the moment at which the spare has been told.
pub(crate) fn handovers(process: &Process, cpu: Option<usize>, count: usize) -> Outcome<Times> {
    start_child("handover", process, cpu, count)
}

fn start_child(what: &str, process: &Process, cpu: Option<usize>, count: usize) -> Outcome<Times> {
    let mut command = on_cpu(env::current_exe()?.as_os_str(), cpu);
    let output = command.args(["pinned", what, &process.address.to_string(), &count.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    times(&figures)
}

fn times(figures: &[f64]) -> Outcome<Times> {
    match figures {
        [p50, p99] => Ok(Times { p50: *p50, p99: *p99 }),
        other => Err(format!("not two figures: {other:?}").into()),
    }
}

/// The client.
pub(crate) fn child(arguments: &[&str]) -> Outcome<()> {
    let [what, address, count] = arguments else { return Err("pinned WHAT ADDRESS COUNT".into()) };
    let (address, count) = (address.parse()?, count.parse()?);
    let mut times = match *what {
        "round-trip" => time_round_trips(address, true, count)?,
        "round-trip-tcp" => time_round_trips(address, false, count)?,
        "handover" => time_handovers(address, count)?,
        other => return Err(format!("there is no {other}").into()),
    };
    times.drain(..WARM_UP);
    times.sort_by(f64::total_cmp);
    println!("{} {}", percentile(&times, 0.5), percentile(&times, 0.99));
    Ok(())
}

fn time_round_trips(address: SocketAddr, comm_server: bool, count: usize) -> Outcome<Vec<f64>> {
    let (mut connector, mut listener) = pair(address, comm_server)?;
    let mut frame = Vec::new();
    frames::append(&mut frame, BINARY, &[7; SIZE]);
    let mut arrived = vec![0; if comm_server { frames::server_frame(SIZE) } else { frame.len() }];
    let mut there_and_back = || -> Outcome<f64> {
        let began = Instant::now();
        for (from, to) in [(0, 1), (1, 0)] {
            let ends = [&mut connector.stream, &mut listener.stream];
            ends[from].write_all(&frame)?;
            ends[to].read_exact(&mut arrived)?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e6)
    };
    (0..count + WARM_UP).map(|_| there_and_back()).collect()
}

fn time_handovers(address: SocketAddr, count: usize) -> Outcome<Vec<f64>> {
    let (source, target) = (key(u32::MAX), key(u32::MAX - 1));
    let one = |_| {
        let mut listener = Peer::register(address, &target)?;
        let mut connector = Peer::upgrade(address)?;
        let began = Instant::now();
        connector.request(source.public(), target.public())?;
        listener.handed_over()?;
        Ok(began.elapsed().as_secs_f64() * 1e6)
    };
    (0..count + WARM_UP).map(one).collect()
}
