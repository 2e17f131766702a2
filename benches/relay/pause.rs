//! Moments in which nothing is to be done.

use std::time::Duration;

/// Waits. The load has threads of its own and no runtime.
#[expect(clippy::disallowed_methods, reason = "nobody else needs this thread")]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}
