//! A deterministic simulation: the real relay and the real machines of listeners and connectors, on a virtual network with
//! a virtual clock, in trouble. Everything follows from a seed, so that what went wrong once goes wrong again.
//!
//! The relay runs as it is, on tokio with a paused clock and in one thread. Its sockets are in-memory; everything
//! between them and the peers is a queue of events: pieces of bytes that arrive late, in the order of their connection, or
//! never. The peers are the protocol's machines and pools (`ratatosk_protocol::connection`, `spare`, `backoff`) and its
//! WebSocket library, driven in turns. A run has stages: trouble, in which the plan's faults happen; healing; a calm in which
//! everything must be in its place and everybody reachable; and the end, after which nothing may be left.
//!
//! What must hold is checked all the time:
//!
//! * what arrives was sent by the one peer that the connection is with: in order, all of it, once (`talk`)
//! * each phase that is entered is left once, and none is open beyond its deadline (`record`, `stage`)
//! * spares never exceed their limit, and the newest is handed over (`hosts`, `watch`)
//! * nobody complains about, or cannot decrypt, what somebody has sent: no byte is changed here (`events`)
//! * the relay keeps nobody beyond its deadlines, and counts nobody who is gone (`watch`, `stage`)

mod batch;
mod end;
mod events;
mod fault;
mod frames;
mod hosts;
mod meddler;
mod net;
mod pipe;
mod plan;
mod random;
mod record;
mod stage;
mod stream;
mod talk;
mod tally;
mod trace;
mod watch;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use batch::{Batch, Progress, run_many};
pub use meddler::{Direction, Honest, Meddler};
pub use tally::Tally;

use self::world::World;

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was exercised.
    pub tally: Tally,
    /// What must not happen and did.
    pub failure: Option<String>,
    /// What happened, if that was asked for.
    pub trace: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, trace: bool, meddler: &mut dyn Meddler) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let failed = |failure: String| Run { tally: Tally::default(), failure: Some(failure), trace: Vec::new() };
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("there is no runtime: {error}")),
    };
    let panics = batch::Panics::here();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut world = World::new(seed, trace, meddler);
            world.run().await;
            (world.tally, world.failure.take(), std::mem::take(&mut world.trace.lines))
        })
    }));
    drop(runtime);
    // Also those of the relay's tasks, which the relay survives.
    let panicked = panics.message();
    match ran {
        Ok((tally, failure, trace)) => Run { tally, failure: failure.or(panicked), trace },
        Err(_) => failed(panicked.unwrap_or_else(|| "a panic".to_owned())),
    }
}
