//! From the start of the program to the line that says where it listens.

use std::fs;

use ratatosk_benches::median;

use crate::Outcome;
use crate::contender::Kind;
use crate::options::Options;

const STARTS: usize = 11;

/// Milliseconds, the median of some starts.
pub(crate) fn milliseconds(kind: Kind, options: &Options) -> Outcome<f64> {
    let starts = (0..STARTS).map(|_| Ok(kind.start(options, None)?.ready_after.as_secs_f64() * 1e3));
    Ok(median(starts.collect::<Outcome<_>>()?))
}

/// Size of the relay's program in MB.
pub(crate) fn megabytes(options: &Options) -> Outcome<f64> {
    Ok(fs::metadata(&options.relay)?.len() as f64 / 1e6)
}
