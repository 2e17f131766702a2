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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::deviating;
    use crate::report::{Observation, Outcome, Skipped, Subject};

    const ATTACK: &str = "\"'><script/>]]></testsuites>\0\u{202e}&lt;";

    fn run(outcomes: &[Outcome]) -> String {
        junit(&Report::new("server", vec![Subject { name: ATTACK.to_owned(), version: None }], outcomes, None))
    }

    #[test]
    fn what_is_not_as_known_is_a_failure_and_hostile_text_stays_text() {
        let conforms = Outcome { id: "d/2".to_owned(), result: Ok(Observation::default()), ..deviating("") };
        let skipped = Outcome { result: Err(Skipped::Because(ATTACK.to_owned())), ..conforms.clone() };
        let xml = run(&[deviating(ATTACK), conforms, skipped]);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let all = |name| document.descendants().filter(move |node| node.has_tag_name(name));
        let suite = all("testsuite").next().unwrap();
        let count = |name| suite.attribute(name).unwrap();
        assert_eq!([count("tests"), count("failures"), count("skipped"), count("errors")], ["3", "1", "1", "0"]);
        assert_eq!(all("testcase").count(), 3);
        let failure = all("failure").next().unwrap();
        assert_eq!(failure.parent().unwrap().attribute("classname"), Some("server.failures"));
        let shown = "got \"'><script/>]]></testsuites>\\0\\u{202e}&lt;";
        assert!(failure.text().unwrap().contains(shown), "{:?}", failure.text());
        assert!(all("skipped").next().unwrap().attribute("message").unwrap().contains("]]></testsuites>"));
        assert_eq!(all("script").count(), 0);
    }

    #[test]
    fn what_differs_in_a_known_way_passes_and_says_so() {
        let mut observation = Observation::default();
        observation.note(crate::report::Verdict::Better, Some(crate::scenario::reason::Reason::Stop));
        let xml = run(&[Outcome { result: Ok(observation), ..deviating("") }]);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let said = document.descendants().find(|node| node.has_tag_name("system-out")).unwrap();
        assert!(said.text().unwrap().starts_with("conforms better\na row of §10"), "{:?}", said.text());
        assert!(!document.descendants().any(|node| node.has_tag_name("failure")));
    }
}
