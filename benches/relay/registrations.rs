//! Registrations per second of the server's CPU time: connection, upgrade, challenge, success, end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{Peer, key};
use crate::contender::Kind;
use crate::iroh;
use crate::process::Process;

/// Clients that register at the same time.
const CLIENTS: u32 = 8;

/// One turn.
pub(crate) fn turn(kind: Kind, process: &Process, length: Duration) -> Outcome<f64> {
    if kind == Kind::Iroh {
        let cpu = process.cpu()?;
        let count: f64 = iroh::load("register", process, &[length.as_millis()], None)?.iter().sum();
        return Ok(count / (process.cpu()? - cpu));
    }
    let (cpu, began, count) = (process.cpu()?, Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let count = &count;
                scope.spawn(move || -> Outcome<()> {
                    let key = key(number);
                    while began.elapsed() < length {
                        Peer::register(process.address, &key)?;
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "a client panicked")?)
    })?;
    Ok(count.into_inner() as f64 / (process.cpu()? - cpu))
}
