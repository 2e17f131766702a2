//! The text form of faults: `delay=50ms..200ms,drop=0.01,corrupt=0.001`.

use std::str::FromStr;
use std::time::Duration;

use super::{Direction, Faults, Kind, MAX_DELAY};

/// What is wrong with a specification of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// No `=`.
    #[error("{0:?} is not of the form name=value")]
    Form(String),
    /// No such fault.
    #[error("there is no fault {0:?}; there are delay, jitter, {names}, after and only", names = kinds())]
    Name(String),
    /// A fault twice.
    #[error("{0} stands there twice")]
    Twice(String),
    /// Not from 0 to 1.
    #[error("{0:?} is no probability from 0 to 1")]
    Chance(String),
    /// Not a time such as `50ms` or `2s`, or too long.
    #[error("{0:?} is no time up to 60s, such as 50ms or 2s")]
    Time(String),
    /// The range ends before it begins.
    #[error("{0:?} ends before it begins")]
    Range(String),
    /// Not a number.
    #[error("{0:?} is no number")]
    Number(String),
    /// Not a direction.
    #[error("{0:?} is neither up nor down")]
    Direction(String),
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

impl FromStr for Faults {
    type Err = SpecError;

    fn from_str(source: &str) -> Result<Self, SpecError> {
        let mut faults = Self { source: source.to_owned(), ..Self::default() };
        let mut seen = Vec::new();
        for part in source.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| SpecError::Form(part.to_owned()))?;
            if seen.contains(&name) {
                return Err(SpecError::Twice(name.to_owned()));
            }
            seen.push(name);
            match name {
                "delay" => faults.delay = range(value)?,
                "jitter" => faults.jitter = time(value)?,
                "after" => faults.after = value.parse().map_err(|_| SpecError::Number(value.to_owned()))?,
                "only" => {
                    let named = Direction::BOTH.into_iter().find(|direction| direction.name() == value);
                    faults.only = Some(named.ok_or_else(|| SpecError::Direction(value.to_owned()))?);
                }
                _ => {
                    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
                    let kind = kind.ok_or_else(|| SpecError::Name(name.to_owned()))?;
                    let chance = value.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
                    faults.chances.push((kind, chance.ok_or_else(|| SpecError::Chance(value.to_owned()))?));
                }
            }
        }
        faults.chances.retain(|(_, chance)| *chance > 0.0);
        faults.chances.sort_by_key(|(kind, _)| *kind);
        Ok(faults)
    }
}

fn range(text: &str) -> Result<(Duration, Duration), SpecError> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let range = (time(from)?, time(to)?);
    if range.0 <= range.1 { Ok(range) } else { Err(SpecError::Range(text.to_owned())) }
}

fn time(text: &str) -> Result<Duration, SpecError> {
    let parsed = || {
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1.0),
            None => (text.strip_suffix('s')?, 1000.0),
        };
        let millis: f64 = number.parse().ok()?;
        Duration::try_from_secs_f64(millis * unit / 1000.0).ok().filter(|time| *time <= MAX_DELAY)
    };
    parsed().ok_or_else(|| SpecError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(source: &str) -> Result<Faults, SpecError> {
        source.parse()
    }

    #[test]
    fn everything_that_can_be_asked_for() {
        let faults = parse("delay=50ms..0.2s, jitter=1ms,corrupt=0.5,drop=1,lose=0,after=7,only=down").unwrap();
        assert_eq!(faults.delay, (Duration::from_millis(50), Duration::from_millis(200)));
        assert_eq!((faults.jitter, faults.after), (Duration::from_millis(1), 7));
        assert_eq!(faults.chances, [(Kind::Drop, 1.0), (Kind::Corrupt, 0.5)]);
        assert_eq!(faults.only, Some(Direction::Down));
        for kind in Kind::ALL {
            assert_eq!(parse(&format!("{}=1", kind.name())).unwrap().chances, [(kind, 1.0)]);
        }
        assert!(parse("").unwrap().is_empty() && parse("lose=0").unwrap().is_empty());
        assert!(!parse("delay=1ms").unwrap().is_empty() && !parse("drip=1").unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_told() {
        let text = str::to_owned;
        for (source, error) in [
            ("drop", SpecError::Form(text("drop"))),
            ("loose=1", SpecError::Name(text("loose"))),
            ("drop=1,drop=1", SpecError::Twice(text("drop"))),
            ("drop=1.1", SpecError::Chance(text("1.1"))),
            ("drop=NaN", SpecError::Chance(text("NaN"))),
            ("delay=5", SpecError::Time(text("5"))),
            ("delay=61s", SpecError::Time(text("61s"))),
            ("delay=-1s", SpecError::Time(text("-1s"))),
            ("delay=infs", SpecError::Time(text("infs"))),
            ("delay=2s..1s", SpecError::Range(text("2s..1s"))),
            ("after=x", SpecError::Number(text("x"))),
            ("only=left", SpecError::Direction(text("left"))),
        ] {
            assert_eq!(parse(source), Err(error), "{source}");
        }
        assert!(parse("x=1").unwrap_err().to_string().contains("corrupt-header"));
    }
}
