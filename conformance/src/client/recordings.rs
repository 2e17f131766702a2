//! The recordings of the reference's clients as scripts, and what of them cannot be replayed.

use super::parse::parse;
use super::script::Script;
use crate::scenario::parse::ParseError;
use crate::scenario::recordings::in_files;

/// Name and text of each file.
const FILES: [(&str, &str); 8] = [
    ("b_c_timers", include_str!("../../scenarios/client/b_c_timers.txt")),
    ("d2_listener", include_str!("../../scenarios/client/d2_listener.txt")),
    ("d2_connector", include_str!("../../scenarios/client/d2_connector.txt")),
    ("d2_acceptor", include_str!("../../scenarios/client/d2_acceptor.txt")),
    ("e_spares", include_str!("../../scenarios/client/e_spares.txt")),
    ("g_race", include_str!("../../scenarios/client/g_race.txt")),
    ("h_api", include_str!("../../scenarios/client/h_api.txt")),
    ("m_mended", include_str!("../../scenarios/client/m_mended.txt")),
];

/// How many entries `d2_client_side_failures.json` has.
pub const FAILURES: usize = 66;

/// The entries of the other recordings that are about clients. Those of lists are numbered from 0.
pub const ENTRIES: [&str; 26] = [
    "b_pingpong.json",
    "c_full_relay.json#firstMessage",
    "c_full_relay.json#keepalive",
    "e_spares.json#listenerLimit1",
    "e_spares.json#listenerLimit2",
    "e_spares.json#listenerLimit4",
    "e_spares.json#afterBothSparesKicked",
    "e_spares.json#unreachable",
    "e_spares.json#retry",
    "e_spares.json#fourConnectorsAtOnceLimit2",
    "g_acceptor_speaks_first_race.json#singleProcess",
    "g_acceptor_speaks_first_race.json#threeProcesses.0",
    "g_acceptor_speaks_first_race.json#threeProcesses.1",
    "g_acceptor_speaks_first_race.json#threeProcesses.2",
    "g_acceptor_speaks_first_race.json#threeProcesses.3",
    "h_client_api.json#sendBeforeOpen",
    "h_client_api.json#waitBeforeOpen",
    "h_client_api.json#jsonBeforeOpen",
    "h_client_api.json#twoWaiters",
    "h_client_api.json#sendAfterClose",
    "h_client_api.json#waiterAfterLocalClose",
    "h_client_api.json#waitForOpenAfterClose",
    "h_client_api.json#waitAfterClosed",
    "h_client_api.json#refused",
    "h_client_api.json#upgradeNeverAnswered",
    "h_client_api.json#spareLimitOvershoot",
];

/// Entries that cannot happen here, and why.
pub const NOT_REPLAYED: [(&str, &str); 5] = [
    (
        "h_client_api.json#sendBeforeOpen",
        "there is no session before a connection is established; the machine says NotOpen",
    ),
    ("h_client_api.json#waitBeforeOpen", "there is no session before a connection is established"),
    ("h_client_api.json#jsonBeforeOpen", "there is no session before a connection is established"),
    ("h_client_api.json#twoWaiters", "whoever waits for a message holds the session alone"),
    ("h_client_api.json#waitForOpenAfterClose", "a session is open from its beginning and does not open again"),
];

/// All scripts.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn client_scripts() -> Result<Vec<Script>, (&'static str, ParseError)> {
    in_files(&FILES, parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::script::Step;
    use crate::scenario::checks;

    fn scripts() -> Vec<Script> {
        client_scripts().unwrap()
    }

    #[test]
    fn every_entry_of_the_recordings_is_replayed_or_has_a_reason() {
        let failures = (0..FAILURES).map(|number| format!("d2_client_side_failures.json#{number}"));
        let replayed = scripts().into_iter().flat_map(|script| script.recorded);
        let left_out = NOT_REPLAYED.map(|(entry, _)| entry.to_owned());
        checks::recorded(ENTRIES.map(str::to_owned).into_iter().chain(failures), replayed.chain(left_out));
    }

    #[test]
    fn every_script_is_named_once_and_has_an_outcome() {
        let scripts = scripts();
        checks::heads(scripts.iter().map(|it| (it.id.as_str(), it.title.as_str(), it.spec.as_str())));
        for script in scripts {
            assert!(script.runs > 0, "{} does not run", script.id);
            assert!(matches!(script.steps.first(), Some(Step::Start(_))), "{} starts nothing", script.id);
            let judges = |step: &Step| matches!(step, Step::Retries(_) | Step::Either(_));
            assert!(script.steps.iter().any(|step| step.tells_apart() || judges(step)), "{} cannot fail", script.id);
        }
    }

    #[test]
    fn the_recorded_branch_comes_first() {
        for script in scripts() {
            checks::recorded_first(&script.steps, |step| match step {
                Step::Either(branches) => Some(branches),
                _ => None,
            });
        }
    }

    #[test]
    fn no_long_hex_is_stored() {
        checks::no_long_hex(&FILES);
    }

    #[test]
    fn no_file_is_forgotten() {
        checks::nothing_forgotten("scenarios/client", "txt", &FILES);
    }
}
