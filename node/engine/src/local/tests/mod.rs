//! The engine against workers that a test plays, on a clock that the test moves.

mod answers;
mod failures;
mod loading;
mod played;

use std::time::Duration;

use self::played::{Played, engine, events, request, settings};
use super::{Local, Phase};
use crate::{Engine, EngineError, Event, Finish};
