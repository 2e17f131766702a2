//! Every vector, replayed against `ratatosk-protocol`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::collections::BTreeMap;

use ratatosk_conformance::vectors::{Known, Ratatosk, Rule, VectorFile, replay};
use serde_json::Value;

/// How many cases each file has: a file that loses some by mistake is noticed here.
const CASES: [(&str, usize); 10] = [
    ("box", 53),
    ("challenge", 32),
    ("close_reason", 23),
    ("encryption", 70),
    ("escape", 87),
    ("fragmentation", 52),
    ("objects", 91),
    ("padding", 35),
    ("stack", 28),
    ("timers", 8),
];

/// How late the recording's timers may have been, in milliseconds.
const TOLERANCE_MS: u64 = 5;

#[test]
fn every_case_is_replayed_and_every_difference_is_known() {
    let known = Known::ratatosk().unwrap();
    let mut codec = Ratatosk::default();
    let reports: Vec<_> =
        VectorFile::all().unwrap().iter().map(|file| (file.ids().count(), replay(file, &mut codec).unwrap())).collect();
    for (count, report) in &reports {
        println!("{:<14} {:>3} cases, {} known deviations", report.file, report.cases.len(), report.differences.len());
        assert_eq!(report.cases.len(), *count, "{}: some cases did not run", report.file);
    }
    let counts: Vec<_> = reports.iter().map(|(count, report)| (report.file.as_str(), *count)).collect();
    assert_eq!(counts, CASES);
    println!("{:<14} {:>3} cases", "all", counts.iter().map(|(_, count)| count).sum::<usize>());

    let reports: Vec<_> = reports.into_iter().map(|(_, report)| report).collect();
    let surprises: Vec<_> = known.surprises(&reports).iter().map(ToString::to_string).collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn every_deviation_has_its_rule_and_its_reason() {
    let known = Known::ratatosk().unwrap();
    let mut by_rule = BTreeMap::<Rule, Vec<_>>::new();
    for (case, deviation) in known.iter() {
        assert!(!deviation.why.is_empty(), "{case} has no reason");
        by_rule.entry(deviation.rule).or_default().push((case, &deviation.why));
    }
    for (rule, cases) in &by_rule {
        println!("deviates, allowed by: {rule}: {} cases", cases.len());
        for (case, why) in cases {
            println!("      {case}: {why}");
        }
    }
    let counts: Vec<_> = by_rule.iter().map(|(rule, cases)| (*rule, cases.len())).collect();
    assert_eq!(counts, [(Rule::RefusedKeys, 4), (Rule::EngineAccident, 3), (Rule::NotOnTheWire, 9)]);
}

#[test]
fn the_recorded_timers_were_hardly_late() {
    let timers = VectorFile::all().unwrap().into_iter().find(|file| file.name == "timers").unwrap();
    let steps = timers.groups.iter().flat_map(|group| &group.cases).flat_map(|case| &case.steps);
    let events: Vec<&Value> = steps.filter_map(|step| step.expect["events"].as_array()).flatten().collect();
    let recorded = events.iter().filter_map(|event| Some((event["at"].as_u64()?, event["seen"].as_u64()?)));
    let late: Vec<u64> = recorded.map(|(at, seen)| seen.checked_sub(at).expect("a timer went off early")).collect();
    assert_eq!(late.len(), 18);
    assert!(late.iter().all(|&late| late <= TOLERANCE_MS), "{late:?}");
}
