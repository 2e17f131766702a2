//! What the relay counts, and how it is told to Prometheus.
//!
//! Everything is counted in the transition itself: [`crate::switchboard::Seat`] enters and leaves the steps of a
//! connection, [`Flow`] meters the directions of a pair. No metric is looked up by name and none takes a lock; labels are
//! enums. `docs/operations.md` says what each metric is good for.

mod admission;
mod family;
mod flow;
mod labels;
mod step;
mod text;
mod value;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::registry::{Limit, Phase};
use crate::session::{Cause, Timeouts, Timer};
use crate::switchboard::Snapshot;

pub(crate) use admission::{Asked, Denied};
use family::Family;
pub(crate) use flow::{Flow, Held};
use labels::{AcceptError, Handover, Placement};
pub(crate) use labels::{Direction, Listener, Reload};
use step::StepName;
pub(crate) use step::{Outcome, Step};
pub(crate) use text::MEDIA_TYPE;
use text::Text;
use value::{Counter, Gauge, Histogram, Seconds};

/// The commit that the program was built from, if whoever built it said so in `COMMSERVER_COMMIT`.
pub(crate) const COMMIT: &str = match option_env!("COMMSERVER_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// 1 ms to 10 s.
const PHASE_BOUNDS: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// 50 µs to 10 s: a handover without a wait takes less than a millisecond.
const HANDOVER_BOUNDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// 1 s to a day.
const LIFE_BOUNDS: &[u64] = &[
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    14_400_000_000,
    86_400_000_000,
];

/// Spares of one key.
const SPARES_BOUNDS: &[u64] = &[1, 2, 3, 5, 10, 25, 100, 1000];

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    accepted: Family<Listener, Counter>,
    closed: Family<(StepName, Cause), Counter>,
    accept_errors: Family<AcceptError, Counter>,
    entries: Family<Step, Counter>,
    phases: Family<(Step, Outcome), Histogram>,
    auth_attempts: Family<Outcome, Counter>,
    rejections: Family<Limit, Counter>,
    denied: Family<Denied, Counter>,
    hook_questions: Family<Asked, Counter>,
    hook_duration: Histogram,
    handovers: Family<(Handover, Placement), Counter>,
    handover_wait: Histogram,
    spare_age: Histogram,
    spares_per_key: Histogram,
    forwarded_bytes: Family<Direction, Counter>,
    forwarded_frames: Family<Direction, Counter>,
    pair_duration: Histogram,
    backpressure: Seconds,
    buffered_bytes: Gauge,
    write_timeouts: Counter,
    config_reloads: Family<Reload, Counter>,
    tls_reloads: Family<Reload, Counter>,
    /// Seconds since 1970; 0 while there is no certificate.
    tls_cert_expiry: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            accepted: Family::default(),
            closed: Family::default(),
            accept_errors: Family::default(),
            entries: Family::default(),
            phases: Family::new(|| Histogram::of_seconds(PHASE_BOUNDS)),
            auth_attempts: Family::default(),
            rejections: Family::default(),
            denied: Family::default(),
            hook_questions: Family::default(),
            hook_duration: Histogram::of_seconds(PHASE_BOUNDS),
            handovers: Family::default(),
            handover_wait: Histogram::of_seconds(HANDOVER_BOUNDS),
            spare_age: Histogram::of_seconds(LIFE_BOUNDS),
            spares_per_key: Histogram::of_numbers(SPARES_BOUNDS),
            forwarded_bytes: Family::default(),
            forwarded_frames: Family::default(),
            pair_duration: Histogram::of_seconds(LIFE_BOUNDS),
            backpressure: Seconds::default(),
            buffered_bytes: Gauge::default(),
            write_timeouts: Counter::default(),
            config_reloads: Family::default(),
            tls_reloads: Family::default(),
            tls_cert_expiry: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// A listener has accepted a connection.
    pub(crate) fn accepted(&self, listener: Listener) {
        self.accepted.of(listener).add(1);
    }

    /// A listener has failed to.
    pub(crate) fn accept_failed(&self, error: &io::Error) {
        self.accept_errors.of(AcceptError::of(error)).add(1);
    }

    /// A connection is at a step.
    pub(crate) fn entered(&self, step: Step) {
        self.entries.of(step).add(1);
    }

    /// A connection has left a step after so long.
    pub(crate) fn left(&self, step: Step, outcome: Outcome, after: Duration) {
        self.phases.of((step, outcome)).observe(after);
        match step {
            Step::Authentication => self.auth_attempts.of(outcome).add(1),
            Step::Requesting if outcome == Outcome::Ok => {
                self.handover(Handover::Ok);
                self.handover_wait.observe(after);
            }
            Step::PairedConnector => self.pair_duration.observe(after),
            _ => {}
        }
    }

    /// The end of a connection that is at `step` has begun.
    pub(crate) fn closed(&self, step: Step, cause: Cause) {
        self.closed.of((step.name(), cause)).add(1);
        match (step, cause) {
            (Step::Requesting, Cause::NoListener) => self.handover(Handover::NoSpare),
            (Step::Requesting, Cause::Timeout) => self.handover(Handover::Timeout),
            (_, Cause::Stalled) => self.write_timeouts.add(1),
            _ => {}
        }
    }

    /// Something was refused.
    pub(crate) fn limited(&self, limit: Limit) {
        self.rejections.of(limit).add(1);
    }

    /// Somebody was not let in.
    pub(crate) fn denied(&self, what: Denied) {
        self.denied.of(what).add(1);
    }

    /// The admission hook was asked, and this took so long.
    pub(crate) fn hook_asked(&self, asked: Asked, after: Duration) {
        self.hook_questions.of(asked).add(1);
        self.hook_duration.observe(after);
    }

    /// The admission hook was not asked, as its answer is known or will be.
    pub(crate) fn hook_not_asked(&self) {
        self.hook_questions.of(Asked::Cached).add(1);
    }

    /// A spare was registered; its key has so many now.
    pub(crate) fn registered(&self, spares_of_key: usize) {
        self.spares_per_key.observe_number(spares_of_key as u64);
    }

    /// A spare was handed over so long after its registration.
    pub(crate) fn spare_used(&self, age: Duration) {
        self.spare_age.observe(age);
    }

    /// A reserved spare was dead.
    pub(crate) fn stale_spare(&self) {
        self.handover(Handover::StaleSpare);
    }

    /// When the certificate that is shown to clients runs out, in seconds since 1970.
    #[cfg(any(feature = "tls", test))]
    pub(crate) fn set_tls_cert_expiry(&self, unix_seconds: u64) {
        self.tls_cert_expiry.store(unix_seconds, Relaxed);
    }

    /// The settings were read again, or could not be.
    pub(crate) fn reloaded(&self, outcome: Reload) {
        self.config_reloads.of(outcome).add(1);
    }

    /// The certificate was read again.
    #[cfg(feature = "tls")]
    pub(crate) fn tls_reloaded(&self, outcome: Reload) {
        self.tls_reloads.of(outcome).add(1);
    }

    fn handover(&self, outcome: Handover) {
        self.handovers.of((outcome, Placement::Local)).add(1);
    }

    /// The page that Prometheus reads.
    pub(crate) fn render(&self, now: &Now) -> String {
        let mut text = Text::default();
        let t = &mut text;
        now.write(t);
        t.metric("connections_accepted_total", "TCP connections accepted.", &self.accepted);
        t.metric(
            "connections_closed_total",
            "Connections whose end has begun, by where they were and why.",
            &self.closed,
        );
        t.metric("accept_errors_total", "Failures to accept a connection.", &self.accept_errors);
        t.metric("phase_entries_total", "Phases of connections entered.", &self.entries);
        t.metric("phase_duration_seconds", "Phases of connections left, and how long they took.", &self.phases);
        t.metric("auth_attempts_total", "Challenges sent, by what became of them.", &self.auth_attempts);
        t.metric("limit_rejections_total", "What was refused because a limit was reached.", &self.rejections);
        t.metric("admission_denied_total", "What was not let in, and by what.", &self.denied);
        t.metric("admission_hook_total", "Questions for the admission hook.", &self.hook_questions);
        t.metric("admission_hook_duration_seconds", "Questions put to the admission hook.", &self.hook_duration);
        t.metric("handovers_total", "Handovers of spares, by what became of them.", &self.handovers);
        t.metric("handover_wait_seconds", "From a request to its handover.", &self.handover_wait);
        t.metric("spare_age_seconds", "From the registration of a spare to its handover.", &self.spare_age);
        t.metric("spares_per_key", "Spares of a key after each registration.", &self.spares_per_key);
        t.metric("forwarded_bytes_total", "Content of the frames that were forwarded.", &self.forwarded_bytes);
        t.metric("forwarded_frames_total", "Frames forwarded.", &self.forwarded_frames);
        t.metric("pair_duration_seconds", "Life of a relayed pair.", &self.pair_duration);
        let help = "Time in which a direction of a pair waited for its receiver to take something.";
        t.metric("backpressure_stall_seconds_total", help, &self.backpressure);
        t.metric(
            "buffered_bytes",
            "Bytes taken from senders that their receivers have not taken.",
            &self.buffered_bytes,
        );
        t.metric("write_timeouts_total", "Clients that took nothing for the stall timeout.", &self.write_timeouts);
        t.metric("config_reloads_total", "Attempts to read the settings again.", &self.config_reloads);
        t.metric("tls_reloads_total", "Changes of the certificate that were seen.", &self.tls_reloads);
        let expiry = self.tls_cert_expiry.load(Relaxed);
        if expiry != 0 {
            t.head("tls_cert_expiry_timestamp_seconds", "gauge", "When the certificate runs out.");
            t.sample("tls_cert_expiry_timestamp_seconds", &[], expiry);
        }
        text.into_string()
    }
}

/// What is not counted but seen when somebody asks.
#[derive(Debug)]
pub(crate) struct Now {
    pub(crate) snapshot: Snapshot,
    pub(crate) timeouts: Timeouts,
    pub(crate) draining: bool,
}

impl Now {
    fn write(&self, text: &mut Text) {
        text.head("build_info", "gauge", "Always 1.");
        text.sample("build_info", &[("version", VERSION), ("commit", COMMIT)], 1);
        text.head("draining", "gauge", "1 from the signal to stop until the end, else 0.");
        text.sample("draining", &[], u8::from(self.draining));
        text.head("connections", "gauge", "Connections by state.");
        for (state, number) in self.states() {
            text.sample("connections", &[("state", state)], number);
        }
        text.head("registered_keys", "gauge", "Keys that have at least one spare.");
        text.sample("registered_keys", &[], self.snapshot.keys);
        text.head("waiting_requesters", "gauge", "Requesters that wait for the next spare of their key.");
        text.sample("waiting_requesters", &[], self.snapshot.waiting);
        text.head("phase_timeout_seconds", "gauge", "The deadlines in force.");
        for timer in Timer::ALL {
            text.sample("phase_timeout_seconds", &[("phase", timer.name())], self.timeouts.of(timer).as_secs_f64());
        }
    }

    /// A spare that somebody has reserved is no longer one of those that wait.
    pub(crate) fn states(&self) -> [(&'static str, usize); 5] {
        let of = |phase| self.snapshot.connections.of(phase);
        let reserved = self.snapshot.reserved;
        [
            ("handshaking", of(Phase::Handshaking)),
            ("spare", of(Phase::Spare).saturating_sub(reserved)),
            ("reserved", reserved),
            ("paired", of(Phase::Paired)),
            ("closing", of(Phase::Closing)),
        ]
    }
}

impl AcceptError {
    fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match (error.kind(), error.raw_os_error()) {
            (Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted, _) => Self::Connection,
            (Kind::OutOfMemory, _) => Self::Memory,
            // The numbers are the same on every Unix.
            (_, Some(24)) if cfg!(unix) => Self::ProcessFiles,
            (_, Some(23)) if cfg!(unix) => Self::SystemFiles,
            // ENOBUFS of Linux.
            (_, Some(105)) if cfg!(target_os = "linux") => Self::Memory,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
