//! Metrics as Prometheus reads them.

use ratatosk_relay::Server;

use super::PATIENCE;

/// One page.
#[derive(Debug)]
pub struct Page {
    samples: Vec<Sample>,
    /// Name, with the prefix, and kind of each metric.
    pub kinds: Vec<(String, String)>,
}

/// One line of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Without the prefix.
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Page {
    /// Reads a page, strictly: every line is a comment or a sample of a metric that was announced.
    pub fn parse(text: &str) -> Self {
        let mut page = Self { samples: Vec::new(), kinds: Vec::new() };
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let (name, kind) = head.split_once(' ').unwrap();
                page.kinds.push((name.to_owned(), kind.to_owned()));
            } else if !line.starts_with("# HELP ") {
                let sample = Sample::parse(line);
                let (name, kind) = page.kinds.last().unwrap();
                let base = name.strip_prefix("commserver_").unwrap();
                let suffix = sample.name.strip_prefix(base).expect(line);
                let suffixes: &[_] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(suffixes.contains(&suffix), "{line}");
                page.samples.push(sample);
            }
        }
        page
    }

    pub fn of(server: &Server) -> Self {
        Self::parse(&server.view().metrics())
    }

    /// All samples of a name that have these labels, with their sum.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).map(|sample| sample.value).sum()
    }

    pub fn samples<'a>(&'a self, name: &'a str, labels: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = &'a Sample> {
        let has = |sample: &Sample, label: &(&str, &str)| sample.label(label.0) == Some(label.1);
        self.samples.iter().filter(move |sample| sample.name == name && labels.iter().all(|label| has(sample, label)))
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}').expect(line)),
            None => (series, ""),
        };
        let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
            let (name, value) = label.split_once('=').expect(line);
            (name.to_owned(), value.trim_matches('"').to_owned())
        });
        let name = name.strip_prefix("commserver_").expect(line).to_owned();
        Self { name, labels: labels.collect(), value: value.parse().expect(line) }
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

/// Waits until a metric is as it should be.
pub async fn until(server: &Server, name: &str, labels: &[(&str, &str)], what: impl Fn(f64) -> bool) {
    let reached = async {
        while !what(Page::of(server).value(name, labels)) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let end = tokio::time::timeout(PATIENCE, reached).await;
    assert!(end.is_ok(), "{name}{labels:?} is still {}", Page::of(server).value(name, labels));
}
