//! What a scenario is about, for tables that count.

/// Recorded scenarios have the letter of their recording and a number; these are about something else than the section of
/// the specification says that they stand under. The first beginning that fits counts.
const RECORDED: [(&str, &str); 25] = [
    ("b/", "timers"),
    ("c/pulse", "timers"),
    ("d/051", "timers"),
    ("d/052", "timers"),
    ("d/083", "timers"),
    ("d/094", "timers"),
    ("d/095", "timers"),
    ("d/096", "timers"),
    ("d/097", "timers"),
    ("d/098", "timers"),
    ("d2/13", "timers"),
    ("d2/14", "timers"),
    ("d/08", "handover"),
    ("d/09", "handover"),
    ("e/", "handover"),
    ("f/ping-period", "timers"),
    ("f/requester-", "handover"),
    ("f/unsolicited-pongs", "timers"),
    ("g/spare-survives", "handover"),
    ("k/", "concurrency"),
    ("l/", "liveness"),
    ("m/silence", "timers"),
    ("m/no-", "timers"),
    ("m/pulse-of-acceptor", "timers"),
    ("m/listener-no-upgrade", "timers"),
];

/// The group of a scenario. An id that begins with a word (`liveness/slow-reader`) is of the group of that name; one that
/// begins with the letter of a recording is of the one that its section of `spec/wire.md` is about.
#[must_use]
pub fn group<'a>(id: &'a str, spec: &str) -> &'a str {
    let prefix = id.split_once('/').map_or("", |(prefix, _)| prefix);
    if prefix.chars().filter(|c| c.is_alphabetic()).count() > 2 {
        return prefix;
    }
    if let Some((_, group)) = RECORDED.iter().find(|(beginning, _)| id.starts_with(beginning)) {
        return group;
    }
    match spec {
        "§1" => "WebSocket",
        "§2" => "registration",
        "§3" => "forwarding",
        "§4" => "encryption",
        "§5" => "listening and connecting",
        "§6" => "failures",
        "§10" => "mended",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::client::recordings::client_scripts;
    use crate::scenario::recordings::server_scenarios;

    #[test]
    fn words_are_groups_and_letters_go_by_section() {
        assert_eq!(group("liveness/slow-reader", "§3"), "liveness");
        assert_eq!(group("d/000", "§6"), "failures");
        assert_eq!(group("d/094", "§3"), "timers");
        assert_eq!(group("d/089", "§3"), "handover");
        assert_eq!(group("d/118", "§3"), "forwarding");
        assert_eq!(group("", ""), "other");
    }

    #[test]
    fn every_scenario_has_a_group_and_every_row_is_of_use() {
        let mut scenarios: Vec<_> = server_scenarios().unwrap().into_iter().map(|it| (it.id, it.spec)).collect();
        scenarios.extend(client_scripts().unwrap().into_iter().map(|it| (it.id, it.spec)));
        let groups: BTreeSet<_> = scenarios.iter().map(|(id, spec)| group(id, spec)).collect();
        for due in ["registration", "timers", "handover", "forwarding", "failures", "WebSocket", "encryption"] {
            assert!(groups.contains(due), "{due}: {groups:?}");
        }
        assert!(!groups.contains("other"), "{groups:?}");
        for (beginning, _) in RECORDED {
            assert!(scenarios.iter().any(|(id, _)| id.starts_with(beginning)), "no scenario begins with {beginning}");
        }
    }
}
