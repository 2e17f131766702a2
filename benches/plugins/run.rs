//! The whole run, in order.

use std::fs;
use std::time::Instant;

use ratatosk_benches::{Machine, Outcome, Times};

use crate::crowd::Crowd;
use crate::options::Options;
use crate::others::Other;
use crate::path::SIZES;
use crate::sets::Modules;
use crate::{crossing, crowd, goals, path, report, start};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// For each size, the contenders in the order of their turns.
    pub(crate) path: Vec<(usize, Vec<Times>)>,
    pub(crate) crossing: Vec<Times>,
    pub(crate) crowds: Vec<Crowd>,
    /// Milliseconds.
    pub(crate) start: Option<f64>,
    /// Why others do not take part.
    pub(crate) absent: Vec<String>,
}

impl Results {
    /// The contender whose name begins like this.
    pub(crate) fn named(&self, size: usize, name: &str) -> Option<&Times> {
        self.all(size)?.iter().find(|times| times.name.starts_with(name))
    }

    /// The contenders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.path.first().into_iter().flat_map(|(_, all)| all).map(|times| times.name.as_str())
    }

    fn all(&self, size: usize) -> Option<&[Times]> {
        self.path.iter().find(|(of, _)| *of == size).map(|(_, all)| all.as_slice())
    }
}

/// Measures everything and writes it down.
pub(crate) fn run(options: &Options) -> Outcome<()> {
    let began = Instant::now();
    let machine = Machine::look();
    let mut results = Results::default();
    if options.common.wants("path") {
        measure_path(options, &mut results)?;
    }
    if options.common.wants("crossing") {
        results.crossing = crossing::measure(options)?;
        for times in &results.crossing {
            println!("{:>6} B  {:<28} {:>8.0} ns", 100, times.name, times.seconds() * 1e9);
        }
    }
    if options.common.wants("crowd") {
        results.crowds = crowd::measure(options)?;
        for Crowd { what, alive, each, .. } in &results.crowds {
            println!("{alive} connections, {what}: {each:.2} KiB each");
        }
    }
    if options.common.wants("start") {
        let milliseconds = start::measure(options)?;
        println!("start: {milliseconds:.1} ms");
        results.start = Some(milliseconds);
    }
    let goals = goals::all(&results, options);
    let page = report::page(&results, &goals, &machine, options, began.elapsed());
    fs::create_dir_all(&options.common.out)?;
    let [text, picture] = ["plugins.md", "plugins.svg"].map(|name| options.common.out.join(name));
    fs::write(&text, &page)?;
    fs::write(&picture, report::picture(&results))?;
    println!("\n{page}\nwritten: {}, {}", text.display(), picture.display());
    Ok(())
}

fn measure_path(options: &Options, results: &mut Results) -> Outcome<()> {
    let mut others = Vec::new();
    for (name, other) in [("tweetnacl", Other::tweetnacl()), ("libsodium", Other::libsodium())] {
        match other {
            Ok(other) => {
                println!("{} takes part", other.name);
                others.push(other);
            }
            Err(why) => {
                println!("{name} does not take part: {why}");
                results.absent.push(format!("{name} ({why})"));
            }
        }
    }
    let modules = Modules::compile()?;
    for size in SIZES {
        let all = path::measure(size, &modules, &others.iter().collect::<Vec<_>>(), options)?;
        for times in &all {
            let (micros, speed) = (times.seconds() * 1e6, report::speed(size, times));
            println!("{size:>6} B  {:<28} {micros:>8.2} us {speed:>6.0} MB/s", times.name);
        }
        results.path.push((size, all));
    }
    Ok(())
}
