//! The recordings of the reference, as scenarios, and what of them cannot be replayed over a socket.

use super::Scenario;
use super::parse::{ParseError, parse};

/// The recordings of CommServers, and what no recording shows: name and text.
const SERVER: [(&str, &str); 7] = [
    ("a_registration", include_str!("../../scenarios/server/a_registration.txt")),
    ("b_pingpong", include_str!("../../scenarios/server/b_pingpong.txt")),
    ("c_full_relay", include_str!("../../scenarios/server/c_full_relay.txt")),
    ("d_failures", include_str!("../../scenarios/server/d_failures.txt")),
    ("e_spares", include_str!("../../scenarios/server/e_spares.txt")),
    ("f_extra", include_str!("../../scenarios/server/f_extra.txt")),
    ("g_mended", include_str!("../../scenarios/server/g_mended.txt")),
];

/// Every entry of the recordings that is about a CommServer. Those of `d_failures` are numbered from 0.
pub const ENTRIES: [&str; 22] = [
    "a_registration.json",
    "b_pingpong.json",
    "c_full_relay.json",
    "e_spares.json#popOrder",
    "e_spares.json#secondConnectorOneSpare",
    "e_spares.json#fourConnectorsAtOnceLimit2",
    "f_extra.json#http.plainGet",
    "f_extra.json#http.upgradeAnyPathWithDeflateOfferAndOrigin",
    "f_extra.json#http.upgradeSubprotocolOffered",
    "f_extra.json#http.upgradeVersion12",
    "f_extra.json#wsPing",
    "f_extra.json#fragmentedWsMessageAccepted",
    "f_extra.json#relayReassemblesFragments",
    "f_extra.json#slowReceiver",
    "f_extra.json#relayOversize",
    "f_extra.json#relayInvalidUtf8Text",
    "f_extra.json#stop",
    "f_extra.json#requesterLeftDuringPongWait",
    "f_extra.json#requesterClosesRightAfterRequest",
    "f_extra.json#orphanAfterBadSourceKey",
    "f_extra.json#unsolicitedPongsEvery50ms",
    "f_extra.json#pingPeriodWithPongDelay100",
];

/// How many entries `d_failures.json` has.
pub const FAILURES: usize = 120;

/// Entries that say nothing about a CommServer, or nothing that a client could see, and why.
pub const NOT_REPLAYED: [(&str, &str); 8] = [
    ("e_spares.json#listenerLimit1", "the order in which a listener opens spares: a client's behaviour"),
    ("e_spares.json#listenerLimit2", "the order in which a listener opens spares: a client's behaviour"),
    ("e_spares.json#listenerLimit4", "the order in which a listener opens spares: a client's behaviour"),
    ("e_spares.json#afterBothSparesKicked", "when a listener comes back: a client's behaviour"),
    ("e_spares.json#unreachable", "how often a listener tries: a client's behaviour"),
    ("e_spares.json#retry", "how often a connector tries: a client's behaviour"),
    ("c_full_relay.json#keepalive", "a client's timer of 20 s; to the server it is one more message"),
    ("c_full_relay.json#content", "ciphertext, opaque to the server: replayed with the recorded sizes"),
];

/// All scenarios for CommServers.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn server_scenarios() -> Result<Vec<Scenario>, (&'static str, ParseError)> {
    let mut all = Vec::new();
    for (name, source) in SERVER {
        all.extend(parse(source).map_err(|error| (name, error))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::{Branch, Step};

    fn scenarios() -> Vec<Scenario> {
        server_scenarios().unwrap()
    }

    #[test]
    fn every_entry_of_the_recordings_is_replayed() {
        let failures = (0..FAILURES).map(|number| format!("d_failures.json#{number}"));
        let entries: BTreeSet<_> = ENTRIES.map(str::to_owned).into_iter().chain(failures).collect();
        let replayed: BTreeSet<_> = scenarios().into_iter().flat_map(|scenario| scenario.recorded).collect();
        assert_eq!(entries.difference(&replayed).collect::<Vec<_>>(), Vec::<&String>::new(), "not replayed");
        assert_eq!(replayed.difference(&entries).collect::<Vec<_>>(), Vec::<&String>::new(), "never recorded");
    }

    #[test]
    fn every_scenario_is_named_once_and_has_an_outcome() {
        let mut ids = BTreeSet::new();
        for scenario in scenarios() {
            assert!(ids.insert(scenario.id.clone()), "{} twice", scenario.id);
            assert!(!scenario.title.is_empty() && scenario.spec.starts_with('§'), "{}", scenario.id);
            let judged = scenario.steps.iter().any(|step| !matches!(step, Step::Open(_) | Step::Send { .. }));
            assert!(judged, "{} cannot fail", scenario.id);
        }
    }

    #[test]
    fn the_recorded_branch_comes_first() {
        fn check(steps: &[Step]) {
            for step in steps {
                if let Step::Either(branches) = step {
                    assert_eq!(branches.first().map(|branch| branch.reason), Some(None));
                    branches.iter().for_each(|Branch { steps, .. }| check(steps));
                }
            }
        }
        scenarios().iter().for_each(|scenario| check(&scenario.steps));
    }

    #[test]
    fn no_long_hex_is_stored() {
        for (name, source) in SERVER {
            for line in source.lines() {
                let longest = line.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max().unwrap_or(0);
                assert!(longest <= 64, "{name}: {line}");
            }
        }
    }
}
