//! The recordings of the reference, as scenarios, and what of them cannot be replayed over a socket.

use super::Scenario;
use super::parse::{ParseError, parse};

/// The recordings of CommServers, and what no recording shows: name and text.
const SERVER: [(&str, &str); 12] = [
    ("a_registration", include_str!("../../scenarios/server/a_registration.txt")),
    ("b_pingpong", include_str!("../../scenarios/server/b_pingpong.txt")),
    ("c_full_relay", include_str!("../../scenarios/server/c_full_relay.txt")),
    ("d_failures", include_str!("../../scenarios/server/d_failures.txt")),
    ("e_spares", include_str!("../../scenarios/server/e_spares.txt")),
    ("f_extra", include_str!("../../scenarios/server/f_extra.txt")),
    ("g_mended", include_str!("../../scenarios/server/g_mended.txt")),
    ("i_websocket", include_str!("../../scenarios/server/i_websocket.txt")),
    ("j_relay", include_str!("../../scenarios/server/j_relay.txt")),
    ("k_registry", include_str!("../../scenarios/server/k_registry.txt")),
    ("l_liveness", include_str!("../../scenarios/server/l_liveness.txt")),
    ("u_upgrade", include_str!("../../scenarios/server/u_upgrade.txt")),
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
    in_files(&SERVER, parse)
}

/// Everything in files of scenarios or scripts.
pub(crate) fn in_files<T>(
    files: &[(&'static str, &'static str)],
    parse: fn(&str) -> Result<Vec<T>, ParseError>,
) -> Result<Vec<T>, (&'static str, ParseError)> {
    let mut all = Vec::new();
    for (name, source) in files {
        all.extend(parse(source).map_err(|error| (*name, error))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Step, checks};

    fn scenarios() -> Vec<Scenario> {
        server_scenarios().unwrap()
    }

    #[test]
    fn every_entry_of_the_recordings_is_replayed() {
        let failures = (0..FAILURES).map(|number| format!("d_failures.json#{number}"));
        let replayed = scenarios().into_iter().flat_map(|scenario| scenario.recorded);
        checks::recorded(ENTRIES.map(str::to_owned).into_iter().chain(failures), replayed);
    }

    #[test]
    fn every_scenario_is_named_once_and_has_an_outcome() {
        let scenarios = scenarios();
        checks::heads(scenarios.iter().map(|it| (it.id.as_str(), it.title.as_str(), it.spec.as_str())));
        for scenario in scenarios {
            let judged = scenario.steps.iter().any(|step| !matches!(step, Step::Open(_) | Step::Send { .. }));
            assert!(judged, "{} cannot fail", scenario.id);
        }
    }

    #[test]
    fn the_recorded_branch_comes_first() {
        for scenario in scenarios() {
            checks::recorded_first(&scenario.steps, |step| match step {
                Step::Either(branches) => Some(branches),
                _ => None,
            });
        }
    }

    #[test]
    fn no_long_hex_is_stored() {
        checks::no_long_hex(&SERVER);
    }

    #[test]
    fn no_file_is_forgotten() {
        checks::nothing_forgotten("scenarios/server", "txt", &SERVER);
        checks::only_folders("scenarios", &["client", "peer", "person", "server"]);
    }
}
