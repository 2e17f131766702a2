//! The simulation: it finds nothing, it always does the same, and it would find something.
#![cfg(feature = "simulation")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use ratatosk_conformance::simulation::{Batch, Direction, Honest, Meddler, Run, Tally, run, run_many};

/// Seeds of a normal test run; `conformance simulate --seeds 10000` runs more.
const SEEDS: u64 = 120;

#[test]
fn nothing_that_must_not_happen_happens() {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let (tally, failed) = run_many(&Batch { from: 0, seeds: SEEDS, jobs }, &|_| {});
    if let Some((seed, run)) = failed {
        panic!("seed {seed}: {}; see `conformance simulate --seed {seed} --trace`", run.failure.unwrap());
    }
    // And it has happened what should.
    let Tally { runs, established, goodbyes, waited, .. } = tally;
    assert_eq!(runs, SEEDS);
    assert!(established > 10 * SEEDS && goodbyes > 5 * SEEDS && waited > SEEDS / 10, "{tally}");
    let Tally { relay_crashes, listener_crashes, connector_crashes, stops, partitions, one_way, .. } = tally;
    let Tally { resets, half_open, lost_closes, slow_readers, spikes, drained, probes, .. } = tally;
    let faults = [relay_crashes, listener_crashes, connector_crashes, stops, partitions, one_way];
    let others = [resets, half_open, lost_closes, slow_readers, spikes, drained, probes];
    assert!(faults.iter().chain(&others).all(|count| *count > SEEDS / 20), "{tally}");
}

/// The lines up to the end: in which order the tasks of a relay that is stopped wake is tokio's secret.
fn until_the_end(run: Run) -> Vec<String> {
    run.trace.into_iter().take_while(|line| !line.ends_with("stage: Leaving { drains: true }")).collect()
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in 0..6 {
        let [first, second] = [0; 2].map(|_| until_the_end(run(seed, true, &mut Honest)));
        assert!(first.len() > 100, "seed {seed} does nothing");
        let difference = first.iter().zip(&second).find(|(one, other)| one != other);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// What is found of a fault within so many seeds.
fn found<M: Meddler>(meddle: impl Fn() -> M) -> String {
    const FEW: u64 = 10;
    let failures = (0..FEW).find_map(|seed| run(seed, false, &mut meddle()).failure);
    failures.unwrap_or_else(|| panic!("{FEW} seeds do not find it"))
}

/// Does something to the frame with that number of those that the relay passes on.
struct Frames<F> {
    seen: usize,
    number: usize,
    meddle: F,
}

impl<F: FnMut(Vec<u8>) -> Vec<Vec<u8>>> Meddler for Frames<F> {
    fn wants_frames(&self) -> bool {
        true
    }

    fn relayed(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        self.seen += 1;
        if self.seen == self.number { (self.meddle)(frame) } else { vec![frame] }
    }
}

fn frames<F: FnMut(Vec<u8>) -> Vec<Vec<u8>>>(meddle: F) -> Frames<F> {
    Frames { seen: 0, number: 40, meddle }
}

#[test]
fn a_message_that_is_lost_on_its_way_is_found() {
    let failure = found(|| frames(|_| Vec::new()));
    assert!(failure.contains("nobody sends") || failure.contains("complains"), "{failure}");
}

#[test]
fn a_message_that_comes_twice_is_found() {
    let failure = found(|| frames(|frame| vec![frame.clone(), frame]));
    assert!(failure.contains("nobody sends") || failure.contains("complains"), "{failure}");
}

#[test]
fn two_messages_in_the_wrong_order_are_found() {
    let meddle = || {
        let mut kept = None;
        frames(move |frame| kept.replace(frame).into_iter().collect())
    };
    let failure = found(meddle);
    assert!(failure.contains("nobody sends") || failure.contains("complains"), "{failure}");
}

/// Asks for the key of the request before, as a relay would that mixes keys up.
#[derive(Default)]
struct WrongKey {
    last: Option<String>,
}

impl Meddler for WrongKey {
    fn says(&mut self, text: String) -> String {
        let Some(place) = text.find("\"targetPublicKey\":\"") else { return text };
        let (head, target) = text.split_at(place);
        match self.last.replace(target.to_owned()) {
            Some(other) if other != target => format!("{head}{other}"),
            _ => text,
        }
    }
}

#[test]
fn a_spare_for_the_wrong_key_is_found() {
    let failure = found(WrongKey::default);
    assert!(failure.contains("nobody sends") || failure.contains("complains"), "{failure}");
}

struct OldestFirst;

impl Meddler for OldestFirst {
    fn takes_the_oldest(&mut self) -> bool {
        true
    }
}

#[test]
fn a_spare_that_is_not_the_newest_is_found() {
    let failure = found(|| OldestFirst);
    assert!(failure.contains("is newer"), "{failure}");
}

struct NeverTimesOut;

impl Meddler for NeverTimesOut {
    fn times_out(&mut self) -> bool {
        false
    }
}

#[test]
fn a_deadline_that_never_comes_is_found() {
    let failure = found(|| NeverTimesOut);
    assert!(failure.contains("hangs"), "{failure}");
}

/// The relay never hears that somebody has gone.
struct NoEnds;

impl Meddler for NoEnds {
    fn closes(&mut self) -> bool {
        false
    }

    fn ends(&mut self, way: Direction) -> bool {
        way == Direction::ToPeer
    }
}

#[test]
fn a_connection_that_never_ends_is_found() {
    let failure = found(|| NoEnds);
    assert!(failure.contains("although all is well") || failure.contains("still"), "{failure}");
}

struct DeafPool;

impl Meddler for DeafPool {
    fn pool_hears(&mut self) -> bool {
        false
    }
}

#[test]
fn a_spare_that_is_never_replaced_is_found() {
    let failure = found(|| DeafPool);
    assert!(failure.contains("spares") || failure.contains("cannot be reached"), "{failure}");
}
