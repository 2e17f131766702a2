//! What happens to a frame: pure, and the same for the same seed.

use std::fmt;
use std::time::Duration;

use super::{Direction, Faults, Kind};

/// What a decision has to know of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes before the payload, at least 2.
    pub head: usize,
    /// Bytes of the payload.
    pub payload: usize,
    /// The frame is a whole text or binary message.
    pub message: bool,
}

/// What happens to one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How long it is held, at least.
    pub delay: Duration,
    /// What else.
    pub action: Option<Action>,
}

/// A fault, with its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// [`Kind::Drop`].
    Drop,
    /// [`Kind::Cut`] after so many bytes of the frame, which has more.
    Cut(usize),
    /// [`Kind::Close`].
    Close,
    /// [`Kind::Lose`].
    Lose,
    /// [`Kind::Truncate`] to so many bytes of payload, fewer than it has.
    Truncate(usize),
    /// [`Kind::Corrupt`] or [`Kind::CorruptHeader`]: this bit of the frame, counted from its first byte's highest.
    Flip(Kind, usize),
    /// [`Kind::Duplicate`].
    Duplicate,
    /// [`Kind::Reorder`].
    Reorder,
    /// [`Kind::Drip`].
    Drip,
}

impl Action {
    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Drop => Kind::Drop,
            Self::Cut(_) => Kind::Cut,
            Self::Close => Kind::Close,
            Self::Lose => Kind::Lose,
            Self::Truncate(_) => Kind::Truncate,
            Self::Flip(kind, _) => kind,
            Self::Duplicate => Kind::Duplicate,
            Self::Reorder => Kind::Reorder,
            Self::Drip => Kind::Drip,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        match self {
            Self::Cut(bytes) => write!(f, " after {bytes} bytes"),
            Self::Truncate(bytes) => write!(f, " to {bytes} bytes"),
            Self::Flip(_, bit) => write!(f, " byte {} bit {}", bit / 8, 7 - bit % 8),
            _ => Ok(()),
        }
    }
}

impl Faults {
    /// What happens to a frame: `connection` and `frame` are counted from 0, the latter in its direction.
    #[must_use]
    pub fn decide(&self, seed: u64, connection: u64, direction: Direction, frame: u64, shape: Shape) -> Decision {
        if frame < self.after || self.only.is_some_and(|only| only != direction) {
            return Decision::default();
        }
        let stream = |purpose: &str| Stream::of(seed, connection, direction, frame, purpose);
        let (least, most) = self.delay;
        let delay = least + (most - least).mul_f64(stream("delay").fraction());
        let delay = delay + self.jitter.mul_f64(stream("jitter").fraction());
        let action = self.chances.iter().find_map(|(kind, chance)| {
            let mut stream = stream(kind.name());
            if stream.fraction() < *chance { act(*kind, shape, &mut stream) } else { None }
        });
        Decision { delay, action }
    }
}

/// The details of a fault; `None` if it cannot happen to such a frame.
fn act(kind: Kind, shape: Shape, stream: &mut Stream) -> Option<Action> {
    Some(match kind {
        Kind::Drop => Action::Drop,
        Kind::Cut => Action::Cut(stream.below(shape.head + shape.payload)?),
        Kind::Close => Action::Close,
        Kind::Lose => Action::Lose,
        Kind::Truncate => Action::Truncate(stream.below(shape.payload)?),
        Kind::Corrupt => Action::Flip(kind, shape.head * 8 + stream.below(shape.payload * 8)?),
        Kind::CorruptHeader => Action::Flip(kind, stream.below(shape.head * 8)?),
        Kind::Duplicate => shape.message.then_some(Action::Duplicate)?,
        Kind::Reorder => shape.message.then_some(Action::Reorder)?,
        Kind::Drip => Action::Drip,
    })
}

/// Numbers for one purpose (SplitMix64). Good enough to choose by, and the same on every machine.
struct Stream(u64);

impl Stream {
    fn of(seed: u64, connection: u64, direction: Direction, frame: u64, purpose: &str) -> Self {
        let mut stream = Self(seed);
        for part in [connection, u64::from(direction == Direction::Down), frame]
            .into_iter()
            .chain(purpose.bytes().map(u64::from))
        {
            stream.0 = stream.next() ^ part;
        }
        stream
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// From 0 to below `end`; `None` if that is 0.
    fn below(&mut self, end: usize) -> Option<usize> {
        let below = self.next().checked_rem(u64::try_from(end).ok()?)?;
        usize::try_from(below).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shapes() -> impl Strategy<Value = Shape> {
        (2..15usize, 0..5000usize, any::<bool>()).prop_map(|(head, payload, message)| Shape { head, payload, message })
    }

    fn directions() -> impl Strategy<Value = Direction> {
        prop_oneof![Just(Direction::Up), Just(Direction::Down)]
    }

    proptest! {
        #[test]
        fn a_decision_fits_its_frame(seed: u64, connection: u64, direction in directions(), frame: u64, shape in shapes(), kind in 0..Kind::ALL.len()) {
            let kind = Kind::ALL[kind];
            let faults: Faults = format!("delay=5ms..9ms,jitter=3ms,{}=1", kind.name()).parse().unwrap();
            let decision = faults.decide(seed, connection, direction, frame, shape);
            prop_assert_eq!(decision, faults.decide(seed, connection, direction, frame, shape));
            prop_assert!((Duration::from_millis(5)..=Duration::from_millis(12)).contains(&decision.delay));
            match decision.action {
                None => {
                    let impossible = match kind {
                        Kind::Truncate | Kind::Corrupt => shape.payload == 0,
                        Kind::Duplicate | Kind::Reorder => !shape.message,
                        _ => false,
                    };
                    prop_assert!(impossible);
                }
                Some(action) => {
                    prop_assert_eq!(action.kind(), kind);
                    match action {
                        Action::Cut(bytes) => prop_assert!(bytes < shape.head + shape.payload),
                        Action::Truncate(bytes) => prop_assert!(bytes < shape.payload),
                        Action::Flip(Kind::Corrupt, bit) => prop_assert!((shape.head..shape.head + shape.payload).contains(&(bit / 8))),
                        Action::Flip(_, bit) => prop_assert!(bit / 8 < shape.head),
                        _ => {}
                    }
                }
            }
        }

        /// Another fault beside it changes nothing unless it comes first.
        #[test]
        fn faults_do_not_disturb_each_other(seed: u64, frame: u64, shape in shapes()) {
            let one: Faults = "truncate=0.5".parse().unwrap();
            let more: Faults = "truncate=0.5,drip=0.5,delay=1ms..5s".parse().unwrap();
            let (one, more) = (one.decide(seed, 3, Direction::Up, frame, shape), more.decide(seed, 3, Direction::Up, frame, shape));
            if one.action.is_some() {
                prop_assert_eq!(one.action, more.action);
            }
        }

        #[test]
        fn spared_frames_are_spared(seed: u64, frame in 0..10u64, shape in shapes()) {
            let faults: Faults = "drop=1,delay=1s,after=10".parse().unwrap();
            prop_assert_eq!(faults.decide(seed, 0, Direction::Up, frame, shape), Decision::default());
            let faults: Faults = "drop=1,delay=1s,only=up".parse().unwrap();
            prop_assert_eq!(faults.decide(seed, 0, Direction::Down, frame, shape), Decision::default());
            prop_assert_eq!(faults.decide(seed, 0, Direction::Up, frame, shape).action, Some(Action::Drop));
        }
    }

    #[test]
    fn chances_are_kept_and_seeds_differ() {
        let faults: Faults = "lose=0.1".parse().unwrap();
        let shape = Shape { head: 6, payload: 100, message: true };
        let lost = |seed, connection, direction| -> Vec<u64> {
            let hit = |frame: &u64| faults.decide(seed, connection, direction, *frame, shape).action.is_some();
            (0..10_000).filter(hit).collect()
        };
        let first = lost(1, 0, Direction::Up);
        assert!((800..1200).contains(&first.len()), "{}", first.len());
        for other in [lost(2, 0, Direction::Up), lost(1, 1, Direction::Up), lost(1, 0, Direction::Down)] {
            assert_ne!(first, other);
        }
    }

    /// A seed that somebody has written down means the same next year.
    #[test]
    fn a_seed_keeps_its_meaning() {
        let faults: Faults = "delay=0ms..100ms,corrupt=0.5,cut=0.2".parse().unwrap();
        let shape = Shape { head: 2, payload: 50, message: true };
        let said: Vec<String> = (0..4)
            .map(|frame| {
                let decision = faults.decide(7, 1, Direction::Down, frame, shape);
                let action = decision.action.map(|action| action.to_string()).unwrap_or_default();
                format!("{:.2} {action}", decision.delay.as_secs_f64() * 1000.0)
            })
            .collect();
        assert_eq!(said, ["5.59 cut after 24 bytes", "6.62 ", "99.04 corrupt byte 22 bit 1", "15.70 "]);
    }
}
