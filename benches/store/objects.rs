//! Objects a second, and bytes an object.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use ratatosk_benches::{Contender, Outcome, duel};

use crate::Results;
use crate::keeper::{Keeper, space};
use crate::options::Options;
use crate::things::Things;

/// Objects in a commit: one, a message with its certificates and a few more, a page of an import.
const BATCHES: [usize; 3] = [1, 10, 500];

/// What objects take on the disk.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) who: &'static str,
    pub(crate) objects: usize,
    /// Bytes of the texts.
    pub(crate) content: u64,
    /// Bytes on the disk.
    pub(crate) taken: u64,
}

pub(crate) fn all(options: &Options, scratch: &Path, results: &mut Results) -> Outcome<()> {
    let folder = scratch.join("objects");
    let keepers = Keeper::all(&folder)?;
    let hashes = fill(options, &keepers, results)?;
    for count in BATCHES {
        let mut contenders: Vec<_> = keepers
            .iter()
            .zip(1..)
            .map(|((name, _, keeper), lane)| {
                let things = RefCell::new(Things::from(count as u64 * 1_000_000_000_000 + lane * 1_000_000_000));
                Contender::timed(*name, move |times| {
                    let mut taken = Duration::ZERO;
                    for _ in 0..times {
                        let batch = things.borrow_mut().many(count)?;
                        let began = Instant::now();
                        keeper.put(&batch)?;
                        taken += began.elapsed();
                    }
                    Ok(taken)
                })
            })
            .collect();
        let times = duel(options.rounds, &mut contenders)?;
        for times in &times {
            println!("{count:>4} in a commit  {:<26} {:>9.0} objects/s", times.name, count as f64 / times.seconds());
        }
        results.put.push((count, times));
    }
    let mut contenders: Vec<_> = keepers
        .iter()
        .map(|(name, _, keeper)| {
            // In no order, and every contender in the same one.
            let mut next = 0;
            Contender::timed(*name, {
                let hashes = &hashes;
                move |times| {
                    let began = Instant::now();
                    for _ in 0..times {
                        next = (next + 7919) % hashes.len();
                        black_box(keeper.get(&hashes[next])?);
                    }
                    Ok(began.elapsed())
                }
            })
        })
        .collect();
    results.get = duel(options.rounds, &mut contenders)?;
    for times in &results.get {
        println!("reading one      {:<26} {:>9.0} objects/s", times.name, 1.0 / times.seconds());
    }
    Ok(())
}

/// Gives everybody the same objects, and looks how much space they take.
fn fill(
    options: &Options,
    keepers: &[(&'static str, std::path::PathBuf, Keeper)],
    results: &mut Results,
) -> Outcome<Vec<ratatosk_objects::ObjectHash>> {
    let mut things = Things::from(0);
    let (mut hashes, mut content) = (Vec::with_capacity(options.objects), 0);
    let before = keepers.iter().map(|(_, folder, _)| space(folder)).collect::<Outcome<Vec<_>>>()?;
    while hashes.len() < options.objects {
        let batch = things.many(500.min(options.objects - hashes.len()))?;
        hashes.extend(batch.iter().map(ratatosk_objects::Microdata::hash));
        content += batch.iter().map(|object| object.as_str().len() as u64).sum::<u64>();
        keepers.iter().try_for_each(|(_, _, keeper)| keeper.fill(&batch))?;
    }
    for ((who, folder, _), before) in keepers.iter().zip(before) {
        let taken = space(folder)?.saturating_sub(before);
        println!("{} objects      {who:<26} {:>9.0} B each", hashes.len(), taken as f64 / hashes.len() as f64);
        results.space.push(Space { who, objects: hashes.len(), content, taken });
    }
    Ok(hashes)
}
