//! Runs side by side: a column for each implementation or pair, a row for each scenario, a table for each suite; one
//! of pairs has a table of its own.
//!
//! A cell is what was measured, or nothing: what a run does not mention was not run.

mod html;
mod text;

use super::{Entry, Mark, Report};

/// The suites that this program has, in the order of the page.
const OUR_SUITES: [&str; 4] = ["server", "client", "peer", "vectors"];

/// Joined runs.
#[derive(Clone, Debug)]
pub struct Matrix<'a> {
    suites: Vec<Suite<'a>>,
}

/// The runs of one suite.
#[derive(Clone, Debug)]
struct Suite<'a> {
    name: &'a str,
    runs: Vec<&'a Report>,
    groups: Vec<Group<'a>>,
}

/// Scenarios about one thing.
#[derive(Clone, Debug)]
struct Group<'a> {
    name: &'a str,
    rows: Vec<Row<'a>>,
}

/// A scenario, and what came of it in each run; `None` where it was not run.
#[derive(Clone, Debug)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    spec: &'a str,
    cells: Vec<Option<&'a Entry>>,
}

/// How often each verdict was given; what was not run counts as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    by_mark: [usize; Mark::ALL.len()],
    not_run: usize,
}

impl<'a> Matrix<'a> {
    /// Joins runs. Groups and scenarios keep the order in which they first appear, and so do suites that are not ours.
    #[must_use]
    pub fn new(reports: &'a [Report]) -> Self {
        let mut suites: Vec<Suite<'a>> = Vec::new();
        for report in reports {
            match suites.iter_mut().find(|suite| suite.holds(report)) {
                Some(suite) => suite.runs.push(report),
                None => suites.push(Suite { name: &report.suite, runs: vec![report], groups: Vec::new() }),
            }
        }
        suites.sort_by_key(|suite| OUR_SUITES.iter().position(|name| *name == suite.name).unwrap_or(usize::MAX));
        suites.iter_mut().for_each(Suite::join);
        Self { suites }
    }
}

impl<'a> Suite<'a> {
    /// Whether a run belongs here: what a pair does is another thing than what one of them does alone.
    fn holds(&self, report: &Report) -> bool {
        self.name == report.suite && self.runs.iter().all(|run| run.subjects.len() == report.subjects.len())
    }

    fn is_of_pairs(&self) -> bool {
        self.runs.iter().any(|run| run.subjects.len() > 1)
    }

    /// Makes the rows of what the runs hold.
    fn join(&mut self) {
        let mut place = std::collections::BTreeMap::new();
        for (column, run) in self.runs.iter().enumerate() {
            for entry in &run.scenarios {
                let (group, row) = *place.entry(entry.id.as_str()).or_insert_with(|| {
                    let group = position(&mut self.groups, &entry.group);
                    let (id, title, spec) = (&entry.id, &entry.title, &entry.spec);
                    let rows = &mut self.groups[group].rows;
                    rows.push(Row { id, title, spec, cells: vec![None; self.runs.len()] });
                    (group, rows.len() - 1)
                });
                self.groups[group].rows[row].cells[column] = Some(entry);
            }
        }
    }

    /// What the suite is about, for people.
    fn title(&self) -> String {
        match self.name {
            "server" => "CommServers".to_owned(),
            "client" => "Listeners, connectors and acceptors".to_owned(),
            "peer" if self.is_of_pairs() => "Pairs of peers".to_owned(),
            "peer" => "Peers before a hostile partner".to_owned(),
            "vectors" => "Codecs".to_owned(),
            other => other.to_owned(),
        }
    }

    fn counts(&self, column: usize) -> Counts {
        self.groups.iter().fold(Counts::default(), |mut all, group| {
            all.add(&group.counts(column));
            all
        })
    }
}

/// Where a group is; it is made if it is not there.
fn position<'a>(groups: &mut Vec<Group<'a>>, name: &'a str) -> usize {
    groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
        groups.push(Group { name, rows: Vec::new() });
        groups.len() - 1
    })
}

impl Group<'_> {
    /// As a heading.
    fn title(&self) -> String {
        self.name.replace('_', " ")
    }

    fn counts(&self, column: usize) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            match row.cells[column] {
                Some(entry) => counts.by_mark[entry.verdict as usize] += 1,
                None => counts.not_run += 1,
            }
        }
        counts
    }
}

impl Row<'_> {
    /// Whether every run conforms, or did not run it.
    fn is_plain(&self) -> bool {
        self.cells.iter().flatten().all(|entry| entry.verdict == Mark::Conforms && entry.surprise.is_none())
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.by_mark.iter_mut().zip(other.by_mark).for_each(|(count, more)| *count += more);
        self.not_run += other.not_run;
    }

    /// What there is of, with its symbol and word.
    fn present(&self) -> impl Iterator<Item = (usize, Shown)> {
        let marks = Mark::ALL.into_iter().zip(self.by_mark).map(|(mark, count)| (count, Shown::of(Some(mark))));
        marks.chain([(self.not_run, Shown::of(None))]).filter(|(count, _)| *count > 0)
    }
}

/// How a cell is shown: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    symbol: char,
    word: &'static str,
    /// The name of its colour.
    class: &'static str,
}

impl Shown {
    fn of(mark: Option<Mark>) -> Self {
        let (symbol, class) = match mark {
            Some(Mark::Conforms) => ('✓', "conforms"),
            Some(Mark::Better) => ('★', "better"),
            Some(Mark::Deviates) => ('≠', "deviates"),
            Some(Mark::Fails) => ('✗', "fails"),
            Some(Mark::Skipped) => ('–', "skipped"),
            None => ('·', "not-run"),
        };
        Self { symbol, word: mark.map_or("not run", Mark::text), class }
    }

    /// All that there are, from best to nothing.
    fn all() -> impl Iterator<Item = Self> {
        Mark::ALL.into_iter().map(Some).chain([None]).map(Self::of)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run with scenarios `(id, group, verdict)`.
    pub(super) fn run(suite: &str, name: &str, scenarios: &[(&str, &str, &str)]) -> Report {
        let scenarios: Vec<_> = scenarios
            .iter()
            .map(|(id, group, verdict)| {
                serde_json::json!({ "id": id, "group": group, "verdict": verdict, "spec": "§6", "title": "t" })
            })
            .collect();
        let json = serde_json::json!({
            "format": "conformance-report", "version": 1, "suite": suite,
            "subjects": [{ "name": name }], "scenarios": scenarios,
        });
        Report::parse(&json.to_string()).unwrap()
    }

    #[test]
    fn what_a_run_does_not_mention_was_not_run() {
        let runs = [
            run("another", "z", &[]),
            run("peer", "b", &[("d/1", "failures", "skipped")]),
            run("server", "a", &[("d/1", "failures", "conforms"), ("e/1", "handover", "fails")]),
            run("server", "c", &[("d/2", "failures", "deviates"), ("e/1", "handover", "conforms better")]),
        ];
        let matrix = Matrix::new(&runs);
        assert_eq!(matrix.suites.iter().map(|suite| suite.name).collect::<Vec<_>>(), ["server", "peer", "another"]);
        let server = &matrix.suites[0];
        let rows: Vec<_> = server.groups.iter().flat_map(|it| &it.rows).map(|row| (row.id, &row.cells)).collect();
        let words = |cells: &[Option<&Entry>]| -> Vec<_> {
            cells.iter().map(|cell| Shown::of(cell.map(|entry| entry.verdict)).word).collect()
        };
        let rows: Vec<_> = rows.into_iter().map(|(id, cells)| (id, words(cells))).collect();
        assert_eq!(
            rows,
            [
                ("d/1", vec!["conforms", "not run"]),
                ("d/2", vec!["not run", "deviates"]),
                ("e/1", vec!["fails", "conforms better"]),
            ]
        );
        assert_eq!(server.counts(0), Counts { by_mark: [1, 0, 0, 1, 0], not_run: 1 });
        assert!(server.groups[0].rows[0].is_plain() && !server.groups[0].rows[1].is_plain());
    }

    #[test]
    fn a_pair_is_not_counted_beside_one_alone() {
        let alone = run("peer", "a", &[("d2/1", "failures", "conforms")]);
        let mut pair = run("peer", "a", &[("data/1/ab", "data", "conforms")]);
        pair.subjects.push(pair.subjects[0].clone());
        let runs = [alone.clone(), pair, alone];
        let matrix = Matrix::new(&runs);
        let counts: Vec<_> =
            matrix.suites.iter().map(|suite| (suite.title(), suite.runs.len(), suite.counts(0))).collect();
        let one = Counts { by_mark: [1, 0, 0, 0, 0], not_run: 0 };
        let [hostile, pairs] = ["Peers before a hostile partner", "Pairs of peers"].map(str::to_owned);
        assert_eq!(counts, [(hostile, 2, one.clone()), (pairs, 1, one)]);
    }
}
