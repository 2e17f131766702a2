//! What modules cost a program when it starts: the engine, and three modules compiled and set up as a program does. In processes of their own.

use std::env;
use std::process::Command;
use std::time::Instant;

use ratatosk_benches::{Outcome, median};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::plugin::{NonceParity, Plugins};

use crate::options::Options;
use crate::sets::{KEY, set, setup};

/// Milliseconds, the median of some processes.
pub(crate) fn measure(options: &Options) -> Outcome<f64> {
    let start = |_| {
        let output = Command::new(env::current_exe()?).arg("start").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    };
    Ok(median((0..options.starts).map(start).collect::<Outcome<_>>()?))
}

/// Prints the milliseconds from the beginning of `main` until a connection could use its plugins.
pub(crate) fn child(began: Instant) -> Outcome<()> {
    let set = set()?;
    let key = SharedKey::from_bytes(KEY);
    let _first = set.make(&setup(&key, NonceParity::Even)).map_err(|error| error.to_string())?;
    println!("{}", began.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
