//! The settings themselves, section by section.

mod bounds;
mod network;
mod timeouts;

pub(super) use bounds::{LIMITS, RATES};
pub(super) use network::{ADMISSION, GENERAL, LOG, OPS, PROXIES, TLS};
pub(super) use timeouts::TIMEOUTS;

use super::table::{Change, Section, Setting};
use super::value::{Value, field};
