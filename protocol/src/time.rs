//! Points in time that cannot overflow.

use std::time::{Duration, Instant};

/// What counts as never: a century.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The time `duration` after `now`. A duration that no clock can hold, the way to switch a deadline off, means never.
#[must_use]
pub(crate) fn after(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration.min(NEVER)).unwrap_or(now)
}
