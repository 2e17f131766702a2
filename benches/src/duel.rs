//! Contenders in alternation.

use std::time::{Duration, Instant};

use crate::median;

/// How long one turn of a contender lasts. Long against the clock's resolution, short against the moods of a machine.
const TURN: Duration = Duration::from_millis(2);

/// A way of doing the work.
pub struct Contender<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Contender<'a> {
    /// Names a way of doing the work once. Its result has to go into [`std::hint::black_box`].
    pub fn new(name: &'static str, work: impl FnMut() + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }

    /// Does the work `times` times.
    fn turn(&mut self, times: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..times {
            (self.work)();
        }
        began.elapsed()
    }

    /// How often the work fits into a [`TURN`]. Warms up on the way.
    fn calibrate(&mut self) -> u32 {
        let mut times = 1;
        while self.turn(times) < TURN && times < u32::MAX / 2 {
            times *= 2;
        }
        times
    }
}

/// What a contender did.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The contender.
    pub name: &'static str,
    /// Seconds for doing the work once: the median over the rounds.
    pub seconds: f64,
    /// The time in proportion to the first contender's in the same round: the median over the rounds.
    pub ratio: f64,
}

/// Lets the contenders take turns for `rounds` rounds. The first is the measure of the others.
pub fn duel(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<Outcome> {
    let times: Vec<u32> = contenders.iter_mut().map(Contender::calibrate).collect();
    let mut seconds = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for ((contender, times), seconds) in contenders.iter_mut().zip(&times).zip(&mut seconds) {
            seconds.push(contender.turn(*times).as_secs_f64() / f64::from(*times));
        }
    }
    let first = seconds.first().cloned().unwrap_or_default();
    let outcome = |(contender, own): (&Contender<'_>, Vec<f64>)| Outcome {
        name: contender.name,
        ratio: median(own.iter().zip(&first).map(|(own, first)| own / first).collect()),
        seconds: median(own),
    };
    contenders.iter().zip(seconds).map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_contender_takes_every_turn_and_the_first_is_the_measure() {
        let turns = RefCell::new(Vec::new());
        let slow = |name| {
            let turns = &turns;
            // Longer than a turn, so that a turn is one call.
            let work = move || {
                turns.borrow_mut().push(name);
                let began = Instant::now();
                while began.elapsed() <= TURN {}
            };
            Contender::new(name, work)
        };
        let outcomes = duel(2, &mut [slow("a"), slow("b")]);
        // One call each to calibrate, then in alternation.
        assert_eq!(*turns.borrow(), ["a", "b", "a", "b", "a", "b"]);
        assert_eq!(outcomes.iter().map(|outcome| outcome.name).collect::<Vec<_>>(), ["a", "b"]);
        assert!((outcomes[0].ratio - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn without_contenders_there_is_no_outcome() {
        assert!(duel(3, &mut []).is_empty());
    }
}
