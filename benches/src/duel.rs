//! Contenders in alternation.

use std::time::{Duration, Instant};

use crate::{Outcome, Series, median, ratio};

/// How long one turn of a contender lasts. Long against the clock's resolution, short against the moods of a machine.
const TURN: Duration = Duration::from_millis(2);

/// How many turns in a row have to be that long before it is believed.
const LONG_ENOUGH: usize = 3;

/// A way of doing the work.
pub struct Contender<'a> {
    name: String,
    /// Does the work so many times, and says how long that took.
    turn: Box<dyn FnMut(u32) -> Outcome<Duration> + 'a>,
}

impl<'a> Contender<'a> {
    /// Names a way of doing the work once. Its result has to go into [`std::hint::black_box`].
    pub fn new(name: impl Into<String>, mut work: impl FnMut() + 'a) -> Self {
        Self::timed(name, move |times| {
            let began = Instant::now();
            for _ in 0..times {
                work();
            }
            Ok(began.elapsed())
        })
    }

    /// A way that may fail, or that is another process and has a clock of its own: does the work so many times, and says how
    /// long that took.
    pub fn timed(name: impl Into<String>, turn: impl FnMut(u32) -> Outcome<Duration> + 'a) -> Self {
        Self { name: name.into(), turn: Box::new(turn) }
    }

    /// How often the work fits into a [`TURN`]. Warms up on the way.
    fn calibrate(&mut self) -> Outcome<u32> {
        let (mut times, mut reached) = (1, 0);
        // More than once, because one that is long may have been interrupted.
        while reached < LONG_ENOUGH && times < u32::MAX / 2 {
            if (self.turn)(times)? < TURN {
                (times, reached) = (times * 2, 0);
            } else {
                reached += 1;
            }
        }
        Ok(times)
    }
}

/// What a contender took, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// The contender.
    pub name: String,
    /// Seconds for doing the work once, for each round.
    pub rounds: Series,
}

impl Times {
    /// Seconds for doing the work once: the median over the rounds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The time in proportion to another's in the same round: the median over the rounds.
    #[must_use]
    pub fn against(&self, other: &Self) -> f64 {
        ratio(&self.rounds, &other.rounds)
    }

    /// The seconds that it took longer than another in the same round: the median over the rounds.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(own, other)| own - other).collect())
    }
}

/// Lets the contenders take turns for `rounds` rounds.
///
/// # Errors
///
/// The first contender's that fails.
pub fn duel(rounds: usize, contenders: &mut [Contender<'_>]) -> Outcome<Vec<Times>> {
    let times = contenders.iter_mut().map(Contender::calibrate).collect::<Outcome<Vec<u32>>>()?;
    let mut series = vec![Series::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for ((contender, times), series) in contenders.iter_mut().zip(&times).zip(&mut series) {
            series.push((contender.turn)(*times)?.as_secs_f64() / f64::from(*times));
        }
    }
    Ok(contenders
        .iter()
        .zip(series)
        .map(|(contender, rounds)| Times { name: contender.name.clone(), rounds })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_contender_takes_every_turn() {
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
        let times = duel(2, &mut [slow("a"), slow("b")]).unwrap();
        // Each to calibrate, then in alternation.
        let (calibration, rounds) = (["a", "a", "a", "b", "b", "b"], ["a", "b", "a", "b"]);
        assert_eq!(*turns.borrow(), [&calibration[..], &rounds].concat());
        assert_eq!(times.iter().map(|times| times.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!((times[0].against(&times[0]) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn differences_and_ratios_are_taken_round_by_round() {
        let times = |rounds: &[f64]| Times { name: String::new(), rounds: rounds.to_vec() };
        let (own, other) = (times(&[2.0, 30.0, 8.0]), times(&[1.0, 10.0, 2.0]));
        assert!((own.against(&other) - 3.0).abs() < f64::EPSILON);
        assert!((own.beyond(&other) - 6.0).abs() < f64::EPSILON);
        assert!((own.seconds() - 8.0).abs() < f64::EPSILON);
    }

    #[test]
    fn who_fails_ends_the_duel_and_without_contenders_there_is_none() {
        let times = |count: u32| if count > 4 { Err("tired".into()) } else { Ok(Duration::ZERO) };
        assert_eq!(duel(3, &mut [Contender::timed("a", times)]).unwrap_err().to_string(), "tired");
        assert!(duel(3, &mut []).unwrap().is_empty());
    }
}
