//! Codecs as processes: this project's own is as it is known, and what a broken one does is noticed, told and bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![cfg(unix)]

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ratatosk_conformance::report::{Entry, Mark, Report};

const PROGRAM: &str = env!("CARGO_BIN_EXE_conformance");
/// Answers to the first line, as every codec does.
const HELLO: &str = r#"read line; echo '{"flag":true}'; "#;

fn conformance(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("vectors").args(arguments).output().unwrap()
}

/// Checks a codec; the exit code, and what came of each case.
fn check(codec: &str, arguments: &[&str]) -> (Option<i32>, Report) {
    let output = conformance(&[&["--json", "--codec", codec], arguments].concat());
    let stdout = std::str::from_utf8(&output.stdout).unwrap();
    (output.status.code(), Report::parse(stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

fn own() -> String {
    format!("'{PROGRAM}' vectors --serve")
}

#[test]
fn our_own_codec_passes_through_the_pipe() {
    for exact in [&[][..], &["--implementation", "ratatosk"]] {
        let (code, report) = check(&own(), exact);
        assert_eq!((code, report.scenarios.len(), report.surprises()), (Some(0), 479, 0), "{exact:?}");
        let counts = [Mark::Better, Mark::Deviates, Mark::Fails, Mark::Skipped].map(|mark| report.count(mark));
        assert_eq!(counts, [4, 12, 0, 0]);
        let entry = report.scenarios.iter().find(|entry| entry.id == r#"box/hex/"1g""#).unwrap();
        assert_eq!(
            (entry.group.as_str(), entry.spec.as_str(), entry.reasons.as_slice()),
            ("box", "§1-3", &["not-on-the-wire".to_owned()][..])
        );
    }
}

#[test]
fn texts_may_be_utf16() {
    let halves = format!("{} | sed -u 's/\u{fffd}/\\\\ud83c/g'", own());
    let (code, report) = check(&halves, &["--only", "close_reason/"]);
    assert_eq!((code, report.count(Mark::Fails)), (Some(0), 0));
}

#[test]
fn a_wrong_answer_fails_its_case_and_no_other() {
    let swapped = format!("{} | sed -u 's/{:048x}/{:048x}/'", own(), 2, 3);
    let (code, report) = check(&swapped, &["--only", "encryption/"]);
    assert_eq!(code, Some(1));
    let failed: Vec<_> = report.scenarios.iter().filter(|entry| entry.verdict == Mark::Fails).collect();
    assert!(!failed.is_empty() && failed.len() < report.scenarios.len() / 2, "{failed:?}");
    assert!(failed[0].differences[0].got.contains(&format!("{:048x}", 3)), "{failed:?}");
}

/// What a codec that fails in its first case is said to have done.
fn first(codec: &str, arguments: &[&str]) -> Entry {
    let (code, mut report) = check(codec, &[&["--only", "close_reason/"], arguments].concat());
    assert_eq!((code, report.scenarios.len()), (Some(1), 23));
    let entry = report.scenarios.swap_remove(0);
    assert_eq!(entry.verdict, Mark::Fails);
    entry
}

#[test]
fn a_codec_that_dies_talks_or_overflows_is_told_so() {
    let cases = [
        ("exit 3", "it ended: exit status: 3"),
        ("read line; echo hello", "an answer is one JSON object a line, not hello"),
        ("read line; echo '[1]'", "an answer is one JSON object a line, not [1]"),
        ("read line; head -c 9000000 /dev/zero", "a line of more than 8388608 bytes"),
        ("read line; printf '{\"text\":\"x\"}'", "it ended: exit status: 0"),
    ];
    for (rest, expected) in cases {
        let entry = first(&format!("{HELLO}{rest}"), &[]);
        assert_eq!(entry.differences[0].got, expected, "{rest}");
    }
    // The next case finds what nobody asked for.
    let (_, report) = check("while read line; do echo '{\"flag\":true}\n{}'; done", &["--only", "close_reason/"]);
    let extra = report.scenarios.iter().flat_map(|entry| &entry.differences);
    assert!(extra.clone().any(|it| it.got == "more than one line in answer to one"), "{extra:?}");
}

#[test]
fn a_codec_that_hangs_is_given_up_in_time() {
    let started = Instant::now();
    let (code, report) = check(&format!("{HELLO} exec sleep 600"), &["--only", "timers/", "--patience", "1"]);
    assert_eq!(code, Some(1));
    assert!(report.scenarios.iter().all(|entry| entry.verdict == Mark::Fails));
    assert_eq!(report.scenarios[0].differences[0].got, "no answer within 1s");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn a_codec_is_not_started_for_ever() {
    let (_, report) = check(&format!("{HELLO} exit 3"), &["--only", "close_reason/"]);
    let got: Vec<_> = report.scenarios.iter().map(|entry| entry.differences[0].got.as_str()).collect();
    assert_eq!((got[19], got[20]), ("it ended: exit status: 3", "started 20 times; not once more"));
}

#[test]
fn what_a_codec_has_not_is_skipped_if_it_may_be() {
    let answers = r#"case $line in *reset*) echo '{"flag":true}';; *) echo '{"unsupported":"no such thing"}';; esac"#;
    let codec = format!("while read line; do {answers}; done");
    let entry = first(&codec, &[]);
    assert!(entry.differences[0].got.contains("no such thing"), "{entry:?}");
    let (code, report) = check(&codec, &["--only", "close_reason/", "--partial"]);
    assert_eq!((code, report.count(Mark::Skipped)), (Some(0), 23));
    assert_eq!(report.scenarios[0].why.as_deref(), Some("unsupported: no such thing"));
}

#[test]
fn nothing_is_checked_without_a_codec_that_answers_or_a_case() {
    let refused = |codec: &str, arguments: &[&str]| {
        let output = conformance(&[&["--codec", codec], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &[][..]), "{codec}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("exit 7", &[]).contains("exit status: 7"));
    assert!(refused("echo '{}'; cat", &[]).contains("the answer to reset"));
    assert!(refused(&own(), &["--only", "no-such/"]).contains("no case has such an id"));
}

#[test]
fn the_list_says_what_is_asked_and_answered() {
    let list = |arguments: &[&str]| {
        let output = conformance(&[&["--list"], arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(list(&[]).lines().count(), 479);
    let steps = list(&["--steps", "--only", "escape/keepalive"]);
    assert!(steps.lines().any(|line| line.starts_with("  > {") && line.contains("\"escape\"")), "{steps}");
    assert!(steps.lines().any(|line| line.starts_with("  < {\"text\":")), "{steps}");
    assert!(list(&["--steps", "--only", "close_reason/terminate/"]).contains("  recorded in step 0: {\"text\":"));
}
