//! What is bounded, and how long things may take.

use std::time::Duration;

/// The bounds and deadlines of one connection. The defaults suit a peer in front of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time between an answer to service 2 and the next question, as in the reference.
    pub poll_interval: Duration,
    /// Shortest time between two questions, however often the peer says that there is something new.
    pub min_poll_interval: Duration,
    /// Time between `synchronisation` and the first request: the reference loses what comes in the same instant
    /// (`spec/one.md §6`, trap (a)).
    pub settle: Duration,
    /// Time until the version is asked for again, when the service was not there yet.
    pub version_retry: Duration,
    /// Time until the version is asked for again, when nothing came back at all.
    pub version_silence: Duration,
    /// How often the version is asked for.
    pub version_tries: u32,
    /// Time until `synchronisation` has to be there.
    pub start_deadline: Duration,
    /// Time without any answer after which a peer that owes one is given up.
    pub answer_deadline: Duration,
    /// The same while a list of children is owed: a peer with a long history may have to read all of it first.
    pub list_deadline: Duration,
    /// Time that one request may take in all.
    pub request_deadline: Duration,
    /// Time until a root that could not be taken is tried again; doubled each time.
    pub refused_retry: Duration,
    /// Longest time until a root that could not be taken is tried again.
    pub refused_retry_max: Duration,
    /// Requests that are on their way at a time.
    pub window: usize,
    /// Bytes of answers that wait for others before them, above which nothing more is asked for.
    pub window_bytes: usize,
    /// Objects that are stored in one batch.
    pub batch: usize,
    /// Bytes that are stored in one batch.
    pub batch_bytes: usize,
    /// Longest message with anything but a list, in bytes. Objects are microdata in a JSON string.
    pub max_message: usize,
    /// Longest message with a list, in bytes, in both directions.
    pub max_list_message: usize,
    /// Entries in a list of children, in both directions.
    pub max_children: usize,
    /// Entries in a list of roots, in both directions.
    pub max_roots: usize,
    /// Largest BLOB that is taken, in bytes.
    pub max_blob: u64,
    /// Longest draft that is taken, in bytes.
    pub max_draft: usize,
    /// Requests of the peer that wait for their answer; one more ends the connection.
    pub max_requests: usize,
    /// Hashes that were announced to the peer and may be asked for.
    pub max_announced: usize,
    /// Streams to the peer at a time; more wait.
    pub max_streams: usize,
    /// Data in one frame of a stream, in bytes.
    pub chunk: usize,
    /// Messages that are none of this protocol, or answer nothing; one more ends the connection.
    pub max_odd: u32,
    /// Roots that could not be taken and are remembered for that.
    pub max_refused: usize,
    /// Reads of the storage in one go; then whoever drives the machine may do something else.
    pub step: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(5),
            min_poll_interval: Duration::from_millis(50),
            settle: Duration::from_millis(300),
            version_retry: Duration::from_millis(300),
            version_silence: Duration::from_secs(1),
            version_tries: 15,
            start_deadline: Duration::from_secs(30),
            answer_deadline: Duration::from_secs(30),
            list_deadline: Duration::from_secs(300),
            request_deadline: Duration::from_secs(600),
            refused_retry: Duration::from_secs(5),
            refused_retry_max: Duration::from_secs(600),
            window: 64,
            window_bytes: 4 << 20,
            batch: 512,
            batch_bytes: 4 << 20,
            max_message: 16 << 20,
            max_list_message: 64 << 20,
            max_children: 1_000_000,
            max_roots: 100_000,
            max_blob: 1 << 30,
            max_draft: crate::draft::MAX_DRAFT,
            max_requests: 256,
            max_announced: 2_000_000,
            // One after the other: a storage that reads a file from its beginning can go on where it was.
            max_streams: 1,
            // With its head, such a frame is not fragmented.
            chunk: 65_536 - 8,
            max_odd: 100,
            max_refused: 1_000,
            step: 4_096,
        }
    }
}
