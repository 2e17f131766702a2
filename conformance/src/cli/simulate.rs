//! `conformance simulate`: the simulation, for one seed or for many.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use ratatosk_conformance::report::escape;
use ratatosk_conformance::simulation::{Batch, Honest, Progress, Tally, run as run_seed, run_many};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").args(["seed", "seeds"]).required(true))]
pub(crate) struct Args {
    /// Run this seed.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// With `--seed`: print everything that happens, with its virtual time in seconds.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Run so many seeds.
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first of them.
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "seeds")]
    from: u64,
    /// How many run at a time; as many as there are processors unless given.
    #[arg(long, value_name = "N", requires = "seeds")]
    jobs: Option<usize>,
}

/// Whether all seeds went well.
///
/// # Errors
///
/// If the thread that runs them cannot be had.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    // The simulation brings runtimes of its own, and none may begin inside of another.
    let simulating = thread::scope(|scope| scope.spawn(|| simulate(args)).join());
    simulating.map_err(|_| "the simulation has panicked".to_owned())
}

fn simulate(args: &Args) -> bool {
    let (tally, failed) = match args.seed {
        Some(seed) => one(seed, args.trace),
        None => many(args),
    };
    print!("{tally}");
    match failed {
        None => {
            println!("all is well");
            true
        }
        Some((seed, failure)) => {
            println!("seed {seed} FAILED {}", escape(&failure));
            println!("see what happened: conformance simulate --seed {seed} --trace");
            false
        }
    }
}

fn one(seed: u64, trace: bool) -> (Tally, Option<(u64, String)>) {
    let run = run_seed(seed, trace, &mut Honest);
    for line in &run.trace {
        println!("{line}");
    }
    (run.tally, run.failure.map(|failure| (seed, failure)))
}

fn many(args: &Args) -> (Tally, Option<(u64, String)>) {
    let jobs = args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let batch = Batch { from: args.from, seeds: args.seeds.unwrap_or(0), jobs };
    let (start, shown) = (Instant::now(), AtomicU64::new(0));
    let terminal = std::io::stderr().is_terminal();
    let (tally, failed) = run_many(&batch, &|Progress { done, of }| {
        let percent = done * 100 / of.max(1);
        // A line for a terminal at each percent, for a log at each tenth.
        let step = if terminal { 1 } else { 10 };
        if percent / step > shown.swap(percent / step, Ordering::Relaxed) {
            let end = if terminal { "\r" } else { "\n" };
            eprint!("{done} of {of} seeds{end}");
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        }
    });
    eprintln!("{} seeds in {:.1} s", tally.runs, start.elapsed().as_secs_f64());
    (tally, failed.map(|(seed, run)| (seed, run.failure.unwrap_or_default())))
}
