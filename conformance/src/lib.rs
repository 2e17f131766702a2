//! Black-box tests for the ONE network's protocol: for CommServers in any language, and for this project's own peers.
//!
//! What was recorded of real peers is replayed over real sockets, and what comes back is compared with the recording.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`scenario`] | scenarios as data: format, placeholders, the recordings themselves |
//! | [`server`] | plays scenarios against a CommServer, as its clients |
//! | [`client`] | plays scripts against this project's listener, connector and acceptor, as the server and peer they meet |
//! | [`peer`] | plays scenarios with the processes of two implementations behind the control interface |
//! | [`person`] | plays scenarios with peers that have identities: pairing, chat, a hostile contact |
//! | [`proxy`] | stands between two ends: transcripts, timelines, faults |
//! | `simulation` | relay, listeners and connectors on a virtual network and clock, in trouble, from a seed |
//! | [`report`] | verdicts, known deviations, how results are shown |
//! | [`vectors`] | test vectors for codecs, and this project's own codec |
//!
//! Code that speaks the protocol does not belong here: it lives in `ratatosk-protocol`. The scenarios only use its
//! cryptography, to answer challenges; the vectors test it as one codec among others.

pub mod client;
mod end;
pub mod peer;
pub mod person;
mod play;
pub mod proxy;
pub mod report;
pub mod scenario;
pub mod server;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod vectors;
