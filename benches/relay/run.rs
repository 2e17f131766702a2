//! The whole run, in order.

use std::fs;
use std::time::Instant;

use ratatosk_benches::{Machine, Series, median, turns};

use crate::contender::Kind;
use crate::options::Options;
use crate::process::Process;
use crate::{Outcome, content, goals, pinned, plot, registrations, report, secured, spares, start, throughput};

/// Bytes of a message.
pub(crate) const SIZES: [usize; 3] = [100, 1024, 65_536];

/// Throughput of one contender at one size.
#[derive(Debug)]
pub(crate) struct Speed {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) whole: Series,
    pub(crate) per_cpu: Series,
}

/// Figures of a contender.
#[derive(Debug)]
pub(crate) struct Of<T> {
    pub(crate) kind: Kind,
    pub(crate) figures: T,
}

/// Medians are series of p50, high ones of p99; microseconds.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    pub(crate) p50: Series,
    pub(crate) p99: Series,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) speeds: Vec<Speed>,
    /// For each second of the server's CPU time.
    pub(crate) registrations: Vec<Of<Series>>,
    /// What the relay of this repository did, and how much of its CPU time was the kernel's.
    pub(crate) kernel: Vec<(String, f64)>,
    /// KiB of each idle spare.
    pub(crate) spares: Vec<Of<f64>>,
    /// The same of the relay of this repository with TLS.
    pub(crate) tls_spare: Option<f64>,
    pub(crate) round_trips: Vec<Of<Latency>>,
    /// With few idle spares.
    pub(crate) handovers: Vec<Of<Latency>>,
    /// The relay of this repository with few and with many idle spares.
    pub(crate) crowd: [Latency; 2],
    /// Milliseconds.
    pub(crate) start: Vec<Of<f64>>,
    /// Size of the program.
    pub(crate) megabytes: f64,
    /// The CPU to which the latencies were bound.
    pub(crate) cpu: Option<usize>,
}

impl Results {
    pub(crate) fn speed(&self, kind: Kind, size: usize) -> Option<&Speed> {
        self.speeds.iter().find(|speed| speed.kind == kind && speed.size == size)
    }
}

/// The figures of `kind`.
pub(crate) fn of<T>(list: &[Of<T>], kind: Kind) -> Option<&T> {
    list.iter().find(|of| of.kind == kind).map(|of| &of.figures)
}

/// Measures everything and writes it down.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    let began = Instant::now();
    let kinds = Kind::present();
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    println!("contenders: {}", names.join("; "));
    let machine = Machine::look();
    let mut results = Results { cpu: pinned::cpu(), megabytes: start::megabytes(options)?, ..Results::default() };
    {
        let running = start_all(&kinds, options, None)?;
        for (kind, process) in &running {
            content::check(*kind, process)?;
        }
        println!("every byte of every size arrives, both ways, text and binary: {} contenders", running.len());
        if options.common.wants("throughput") {
            measure_throughput(&running, options, &mut results)?;
        }
        if options.common.wants("registrations") {
            measure_registrations(&running, options, &mut results)?;
        }
    }
    let others: [(&str, Measure); 5] = [
        ("spares", measure_spares),
        ("round-trip", measure_round_trips),
        ("handover", measure_handovers),
        ("crowd", measure_crowd),
        ("start", measure_start),
    ];
    for (what, measure) in others {
        if options.common.wants(what) {
            measure(&kinds, options, &mut results)?;
        }
    }
    let goals = goals::all(&results, options);
    let page = report::page(&results, &goals, &machine, options, began.elapsed());
    fs::create_dir_all(&options.common.out)?;
    fs::write(options.common.out.join("relay.md"), &page)?;
    fs::write(options.common.out.join("relay.svg"), plot::throughput(&results))?;
    println!(
        "\n{page}\nwritten: {}, {}",
        options.common.out.join("relay.md").display(),
        options.common.out.join("relay.svg").display()
    );
    Ok(())
}

type Running = Vec<(Kind, Process)>;
type Measure = fn(&[Kind], &Options, &mut Results) -> Outcome<()>;

fn start_all(kinds: &[Kind], options: &Options, cpu: Option<usize>) -> Outcome<Running> {
    kinds.iter().map(|kind| Ok((*kind, kind.start(options, cpu)?))).collect()
}

/// CPU time of the relay of this repository.
fn own_times(running: &Running) -> Outcome<[f64; 2]> {
    let own = running.iter().find(|(kind, _)| *kind == Kind::Ratatosk);
    own.map_or(Ok([0.0; 2]), |(_, process)| process.times())
}

/// What part of the time between two looks was spent in system mode, in percent.
fn kernel_share(before: [f64; 2], after: [f64; 2]) -> f64 {
    let [user, system] = [after[0] - before[0], after[1] - before[1]];
    100.0 * system / (user + system)
}

fn measure_throughput(running: &Running, options: &Options, results: &mut Results) -> Outcome<()> {
    for size in SIZES {
        let before = own_times(running)?;
        let mut per_cpu = vec![Series::new(); running.len()];
        let mut turn = 0;
        let whole = turns(options.rounds, running, |(kind, process)| {
            let rate = throughput::turn(*kind, process, size, options.throughput)?;
            per_cpu[turn % running.len()].push(rate.per_cpu);
            turn += 1;
            Ok(rate.whole)
        })?;
        for (((kind, _), whole), per_cpu) in running.iter().zip(whole).zip(per_cpu) {
            let (a, b) = (median(whole.clone()), median(per_cpu.clone()));
            println!("{size:>6} B  {:<28} {a:>6.0} MB/s {b:>6.0} MB per CPU s", kind.name());
            results.speeds.push(Speed { kind: *kind, size, whole, per_cpu });
        }
        results.kernel.push((format!("messages of {size} B"), kernel_share(before, own_times(running)?)));
    }
    Ok(())
}

fn measure_registrations(running: &Running, options: &Options, results: &mut Results) -> Outcome<()> {
    let servers: Vec<_> = running.iter().filter(|(kind, _)| has_own_registration(*kind)).collect();
    let before = own_times(running)?;
    let series =
        turns(options.rounds, &servers, |(kind, process)| registrations::turn(*kind, process, options.registrations))?;
    for ((kind, _), figures) in servers.into_iter().zip(series) {
        println!("registrations  {:<28} {:>6.0} per CPU s", kind.name(), median(figures.clone()));
        results.registrations.push(Of { kind: *kind, figures });
    }
    results.kernel.push(("registrations".to_owned(), kernel_share(before, own_times(running)?)));
    Ok(())
}

/// A proxy knows nobody, and the two ways of tungstenite differ only in a pair.
fn has_own_registration(kind: Kind) -> bool {
    !matches!(kind, Kind::TcpProxy | Kind::TungsteniteForward)
}

fn measure_spares(kinds: &[Kind], options: &Options, results: &mut Results) -> Outcome<()> {
    for kind in kinds.iter().copied().filter(|kind| has_own_registration(*kind)) {
        let figures = spares::each(kind, &kind.start(options, None)?, options.spares)?;
        println!("idle spare     {:<28} {figures:>6.2} KiB", kind.name());
        results.spares.push(Of { kind, figures });
    }
    let figure = secured::each_spare(options)?;
    println!("idle spare     {:<28} {figure:>6.2} KiB", "ratatosk commserver, TLS");
    results.tls_spare = Some(figure);
    Ok(())
}

fn measure_round_trips(kinds: &[Kind], options: &Options, results: &mut Results) -> Outcome<()> {
    let running = start_all(kinds, options, results.cpu)?;
    let figures = in_turns(options, &running, |(kind, process)| {
        pinned::round_trips(*kind, process, results.cpu, options.round_trips)
    })?;
    results.round_trips = label("round trip", &running, figures);
    Ok(())
}

fn measure_handovers(kinds: &[Kind], options: &Options, results: &mut Results) -> Outcome<()> {
    let kinds: Vec<_> =
        kinds.iter().copied().filter(|kind| has_own_registration(*kind) && kind.is_comm_server()).collect();
    let servers = start_all(&kinds, options, results.cpu)?;
    let few = u32::try_from(options.crowd[0])?;
    let _idle: Vec<_> = servers.iter().map(|(_, process)| spares::hold(process, 0, few)).collect::<Outcome<_>>()?;
    let figures =
        in_turns(options, &servers, |(_, process)| pinned::handovers(process, results.cpu, options.handovers))?;
    results.handovers = label("handover", &servers, figures);
    Ok(())
}

/// The same relay with few and with many idle spares.
fn measure_crowd(_: &[Kind], options: &Options, results: &mut Results) -> Outcome<()> {
    let relays = [(); 2].map(|()| Kind::Ratatosk.start(options, results.cpu));
    let [one, other] = relays;
    let relays = [one?, other?];
    let _idle: Vec<_> = relays
        .iter()
        .zip(options.crowd)
        .map(|(process, count)| spares::hold(process, 0, u32::try_from(count)?))
        .collect::<Outcome<_>>()?;
    let figures = in_turns(options, &relays, |process| pinned::handovers(process, results.cpu, options.handovers))?;
    for ((latency, figures), count) in results.crowd.iter_mut().zip(figures).zip(options.crowd) {
        let (p50, p99) = (median(figures.p50.clone()), median(figures.p99.clone()));
        println!("handover       with {count} idle spares: {p50:.0} us, p99 {p99:.0} us");
        *latency = figures;
    }
    Ok(())
}

fn in_turns<T>(
    options: &Options,
    who: &[T],
    mut measure: impl FnMut(&T) -> Outcome<pinned::Times>,
) -> Outcome<Vec<Latency>> {
    let mut high = Vec::new();
    let p50 = turns(options.rounds, who, |one| {
        let times = measure(one)?;
        high.push(times.p99);
        Ok(times.p50)
    })?;
    let p99 = |place| high.iter().skip(place).step_by(who.len()).copied().collect();
    Ok(p50.into_iter().enumerate().map(|(place, p50)| Latency { p50, p99: p99(place) }).collect())
}

fn label(what: &str, running: &Running, figures: Vec<Latency>) -> Vec<Of<Latency>> {
    let label = |((kind, _), figures): (&(Kind, Process), Latency)| {
        let (p50, p99) = (median(figures.p50.clone()), median(figures.p99.clone()));
        println!("{what:<14} {:<28} {p50:>6.1} us, p99 {p99:.1} us", kind.name());
        Of { kind: *kind, figures }
    };
    running.iter().zip(figures).map(label).collect()
}

fn measure_start(kinds: &[Kind], options: &Options, results: &mut Results) -> Outcome<()> {
    for kind in kinds.iter().copied().filter(|kind| has_own_registration(*kind)) {
        results.start.push(Of { kind, figures: start::milliseconds(kind, options)? });
    }
    Ok(())
}
