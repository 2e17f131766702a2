//! What the runs have exercised, so that one sees that they did something.

use std::fmt;
use std::ops::AddAssign;

macro_rules! tally {
    ($($(#[doc = $doc:literal])* $field:ident: $name:literal,)*) => {
        /// How often everything has happened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Tally {
            $($(#[doc = $doc])* pub $field: u64,)*
        }

        impl AddAssign for Tally {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }

        impl fmt::Display for Tally {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:>12}  {}", self.$field, $name)?;)*
                Ok(())
            }
        }
    };
}

tally! {
    /// Runs.
    runs: "runs",
    /// Virtual seconds.
    seconds: "seconds of virtual time",
    /// TCP connections.
    dialled: "TCP connections that were tried",
    /// Of those, the ones that nothing answered.
    refused: "of them refused",
    /// Registrations that succeeded.
    registered: "registrations",
    /// Spares that were handed over.
    handed_over: "hand-overs",
    /// Connectors that were told that nobody listens.
    no_listener: "requests for which there was no listener",
    /// Requests that the relay kept waiting for a spare.
    waited: "moments at which requests waited for a spare",
    /// Connectors that reached their peer.
    established: "encrypted connections",
    /// Messages that arrived.
    messages: "messages that arrived and were compared",
    /// Bytes in them.
    bytes: "bytes in them",
    /// Conversations that ended as one side wished, everything before having arrived.
    goodbyes: "conversations that were closed with everything delivered",
    /// Ends of connections that failed.
    failed: "ends of connections that failed",
    /// Deadlines and keepalives that ran out.
    timeouts: "of them by a deadline or by silence",
    /// Attempts after a failure.
    retries: "retries after a pause",
    /// Crashes of the relay.
    relay_crashes: "crashes of the relay",
    /// Crashes of listeners.
    listener_crashes: "crashes of listeners",
    /// Crashes of connectors.
    connector_crashes: "crashes of connectors",
    /// Listeners that stopped in good order.
    stops: "listeners that stopped in good order",
    /// Partitions in both directions.
    partitions: "partitions",
    /// Partitions in one direction.
    one_way: "partitions in one direction",
    /// TCP connections that were reset.
    resets: "connections reset by the network",
    /// TCP connections that were forgotten.
    half_open: "half-open connections",
    /// Closes that were lost.
    lost_closes: "closes that may get lost",
    /// Peers that read slowly.
    slow_readers: "slow readers",
    /// Pieces that were delayed by a retransmission.
    spikes: "retransmissions",
    /// Relays that were stopped at the end with everybody still there.
    drained: "relays stopped with everybody connected",
    /// Checks of the calm after the faults.
    probes: "connections tried after the healing, all of them well",
}
