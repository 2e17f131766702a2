//! Files that were stored and wait for the message that they go with.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Failure, Kind};
use crate::model::NewAttachment;

/// How long a file waits; then it is garbage.
const LIFE: Duration = Duration::from_secs(3600);
/// Files that wait at most.
const MOST: usize = 256;

/// The files.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<VecDeque<(Instant, NewAttachment)>>);

impl Waiting {
    /// Takes one in, and says how it is called: by the hash of its content.
    ///
    /// # Errors
    ///
    /// That too many wait.
    pub(crate) fn add(&self, file: NewAttachment) -> Result<String, Failure> {
        let now = Instant::now();
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(since, _)| now.duration_since(*since) < LIFE);
        if files.len() >= MOST {
            return Err(Failure::new(Kind::Busy, "too many files wait for their message", "attach some of them first"));
        }
        let name = file.data().to_string();
        files.push_back((now, file));
        Ok(name)
    }

    /// Takes those out that are called so, the newest of each.
    ///
    /// # Errors
    ///
    /// That one of them is not there; then all stay.
    pub(crate) fn take(&self, names: &[String]) -> Result<Vec<NewAttachment>, Failure> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let free = |place: &usize| !places.contains(place);
            let is_it = |place: &usize| files.get(*place).is_some_and(|(_, file)| file.data().to_string() == *name);
            let Some(place) = (0..files.len()).rev().filter(free).find(is_it) else {
                let help = "store it with POST /v1/files first; it waits an hour, and goes with one message";
                return Err(Failure::not_found(format!("the file {} does not wait here", name.escape_debug()), help));
            };
            places.push(place);
        }
        let mut taken: Vec<Option<NewAttachment>> = places.iter().map(|_| None).collect();
        let rest = std::mem::take(&mut *files);
        for (place, entry) in rest.into_iter().enumerate() {
            match places.iter().position(|wanted| *wanted == place) {
                Some(index) => taken[index] = Some(entry.1),
                None => files.push_back(entry),
            }
        }
        Ok(taken.into_iter().flatten().collect())
    }
}
