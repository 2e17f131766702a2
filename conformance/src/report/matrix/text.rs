//! The matrix as Markdown that also reads well as plain text: a table for each suite, a row for each run, the counts of
//! each group of scenarios.

use std::fmt;

use super::{Counts, Matrix, Shown, Suite};
use crate::report::Report;
use crate::report::markup::markdown;

/// Only the tables and what the symbols mean.
impl fmt::Display for Matrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for suite in &self.suites {
            writeln!(f, "{}:\n", markdown(&suite.title()))?;
            for line in table(&rows(suite)) {
                writeln!(f, "{line}")?;
            }
            writeln!(f)?;
        }
        let legend: Vec<_> = Shown::all().map(|shown| format!("{} {}", shown.symbol, shown.word)).collect();
        writeln!(f, "{}", legend.join(", "))
    }
}

fn rows(suite: &Suite<'_>) -> Vec<Vec<String>> {
    let groups = suite.groups.iter().map(|group| markdown(&group.title()));
    let head = ["Implementation", "Date"].map(str::to_owned).into_iter().chain(groups).chain(["all".to_owned()]);
    let runs = suite.runs.iter().enumerate().map(|(column, run)| {
        let groups = suite.groups.iter().map(|group| counts(&group.counts(column)));
        name(run).into_iter().chain(groups).chain([counts(&suite.counts(column))]).collect()
    });
    std::iter::once(head.collect()).chain(runs).collect()
}

fn name(run: &Report) -> [String; 2] {
    [markdown(&run.name()), run.date.as_deref().map_or_else(String::new, markdown)]
}

fn counts(counts: &Counts) -> String {
    counts.present().map(|(count, shown)| format!("{count} {}", shown.symbol)).collect::<Vec<_>>().join(", ")
}

/// Lines of a table whose columns are as wide as their widest cell.
fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<_> = (0..columns).map(wide).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<_> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut lines: Vec<_> = rows.iter().map(|row| line(row)).collect();
    lines.insert(1.min(lines.len()), line(&rule));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::matrix::tests::run;

    #[test]
    fn the_counts_of_each_group_stand_in_a_table() {
        let runs = [
            run("server", "a|b", &[("d/1", "failures", "conforms"), ("e/1", "handover", "fails")]),
            run("server", "<c>", &[("d/1", "failures", "conforms"), ("d/2", "failures", "deviates")]),
        ];
        let expected = "CommServers:

| Implementation | Date | failures | handover | all           |
| -------------- | ---- | -------- | -------- | ------------- |
| a\\|b           |      | 1 ✓, 1 · | 1 ✗      | 1 ✓, 1 ✗, 1 · |
| &lt;c&gt;      |      | 1 ✓, 1 ≠ | 1 ·      | 1 ✓, 1 ≠, 1 · |

✓ conforms, ★ conforms better, ≠ deviates, ✗ fails, – skipped, · not run
";
        assert_eq!(Matrix::new(&runs).to_string(), expected);
    }
}
