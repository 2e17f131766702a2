//! What an idle spare costs: resident memory.

use std::time::Duration;

use crate::Outcome;
use crate::client::{Peer, key};
use crate::contender::Kind;
use crate::iroh;
use crate::pause::pause;
use crate::process::Process;

/// Spares before the first look at the memory: allocators and tables have their beginnings too.
pub(crate) const WARM_UP: u32 = 100;

/// KiB of resident memory for each of `count` spares.
pub(crate) fn each(kind: Kind, process: &Process, count: usize) -> Outcome<f64> {
    if kind == Kind::Iroh {
        let _warm = iroh::hold(process, 0, WARM_UP)?;
        let before = settled(process)?;
        let _clients = iroh::hold(process, WARM_UP, u32::try_from(count)?)?;
        return Ok((settled(process)? - before) / count as f64);
    }
    let _warm = hold(process, 0, WARM_UP)?;
    let before = settled(process)?;
    let _spares = hold(process, WARM_UP, u32::try_from(count)?)?;
    Ok((settled(process)? - before) / count as f64)
}

/// Registers spares of different keys.
pub(crate) fn hold(process: &Process, first: u32, count: u32) -> Outcome<Vec<Peer>> {
    (first..first + count).map(|number| Peer::register(process.address, &key(number))).collect()
}

/// Memory after a moment without anything to do.
pub(crate) fn settled(process: &Process) -> Outcome<f64> {
    pause(Duration::from_millis(200));
    process.resident()
}
