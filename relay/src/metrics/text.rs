//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use super::value::Metric;

/// The media type of it.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What every name begins with.
pub(crate) const PREFIX: &str = "commserver_";

/// A page of metrics.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A metric with its head.
    pub(super) fn metric<M: Metric>(&mut self, name: &str, help: &str, metric: &M) {
        self.head(name, M::KIND, help);
        metric.write(self, name, &[]);
    }

    /// What stands above the samples of a metric.
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {PREFIX}{name} ");
        self.escaped(help, false);
        let _ = writeln!(self.0, "\n# TYPE {PREFIX}{name} {kind}");
    }

    /// One value.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(PREFIX);
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if place == 0 { '{' } else { ',' });
            self.escaped(value, true);
            self.0.push('"');
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn escaped(&mut self, text: &str, quotes: bool) {
        for c in text.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '"' if quotes => self.0.push_str("\\\""),
                c => self.0.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let mut text = Text::default();
        text.head("m", "gauge", "one\ntwo \"quoted\" \\");
        text.sample("m", &[("a", "x\"y\n\\")], 1.5);
        text.sample("m", &[], 0);
        assert_eq!(
            text.into_string(),
            "# HELP commserver_m one\\ntwo \"quoted\" \\\\\n# TYPE commserver_m gauge\n\
             commserver_m{a=\"x\\\"y\\n\\\\\"} 1.5\ncommserver_m 0\n"
        );
    }
}
