//! A run as JUnit XML, which the services that run tests show. The form is the one that they agree on: suites, cases,
//! failures, skipped.

use std::fmt::Write as _;

use super::markup::text;
use super::{Entry, Mark, Report};

/// The run as one document. A scenario that did not come as it is known is a failure; one that differs in a known way
/// passes, and says what differs.
#[must_use]
pub fn junit(report: &Report) -> String {
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\"",
        report.scenarios.len(),
        report.surprises(),
        report.count(Mark::Skipped),
        seconds(report.scenarios.iter().map(|entry| entry.ms).fold(0, u64::saturating_add)),
    );
    let suite = format!("{}: {}", report.suite, report.name());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"conformance\" {counts}>\n  <testsuite name=\"{}\" {counts}>\n",
        text(&suite)
    );
    for entry in &report.scenarios {
        out.push_str(&case(&report.suite, entry));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(suite: &str, entry: &Entry) -> String {
    let (suite, group) = (text(suite), text(&entry.group));
    let name = format!("{} {}", entry.id, entry.title);
    let mut out = format!(
        "    <testcase classname=\"{suite}.{group}\" name=\"{}\" time=\"{}\"",
        text(name.trim_end()),
        seconds(entry.ms)
    );
    let mut body = String::new();
    let notes = entry.notes().join("\n");
    // Writing to a string cannot fail.
    let _ = match (&entry.surprise, entry.verdict) {
        (Some(surprise), verdict) => writeln!(
            body,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            verdict.text(),
            text(surprise),
            text(&format!("{notes}\n{}", entry.spec))
        ),
        (None, Mark::Skipped) => {
            writeln!(body, "      <skipped message=\"{}\"/>", text(entry.why.as_deref().unwrap_or_default()))
        }
        (None, Mark::Conforms) => Ok(()),
        (None, verdict) => {
            writeln!(body, "      <system-out>{}</system-out>", text(&format!("{}\n{notes}", verdict.text())))
        }
    };
    if body.is_empty() {
        out.push_str("/>\n");
    } else {
        out.push_str(">\n");
        out.push_str(&body);
        out.push_str("    </testcase>\n");
    }
    out
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
