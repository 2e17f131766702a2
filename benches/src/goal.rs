//! What is to be reached, beside what is reached.

use std::fmt::Write;

/// A goal.
#[derive(Debug)]
pub struct Goal {
    /// What is measured.
    pub what: String,
    /// What it is to be.
    pub goal: String,
    /// What it is; `None` if that could not be measured.
    pub figure: Option<String>,
    /// Whether that is enough.
    pub met: bool,
}

impl Goal {
    /// A figure that has to be at least so large.
    pub fn at_least(what: impl Into<String>, least: f64, unit: &str, figure: Option<f64>) -> Self {
        Self::new(what.into(), format!("at least {least}{unit}"), unit, figure, |figure| figure >= least)
    }

    /// A figure that has to be at most so large.
    pub fn at_most(what: impl Into<String>, most: f64, unit: &str, figure: Option<f64>) -> Self {
        Self::new(what.into(), format!("at most {most}{unit}"), unit, figure, |figure| figure <= most)
    }

    fn new(what: String, goal: String, unit: &str, figure: Option<f64>, is_met: impl Fn(f64) -> bool) -> Self {
        let digits = figure.map_or(0, |figure| match figure.abs() {
            small if small < 10.0 => 2,
            middle if middle < 1000.0 => 1,
            _ => 0,
        });
        Self {
            what,
            goal,
            figure: figure.map(|figure| format!("{figure:.digits$}{unit}")),
            met: figure.is_some_and(is_met),
        }
    }
}

/// The goals as a table in Markdown.
#[must_use]
pub fn table(goals: &[Goal]) -> String {
    let mut table = String::from("| | goal | figure | |\n| --- | --- | --- | --- |\n");
    for Goal { what, goal, figure, met } in goals {
        let (figure, verdict) = match (figure, met) {
            (None, _) => ("-", "not measured"),
            (Some(figure), true) => (figure.as_str(), "met"),
            (Some(figure), false) => (figure.as_str(), "**not met**"),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(table, "| {what} | {goal} | {figure} | {verdict} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_may_be_reached_and_not_passed() {
        for (figure, least, most) in [(2.9, false, true), (3.0, true, true), (3.1, true, false)] {
            assert_eq!(Goal::at_least("", 3.0, "", Some(figure)).met, least);
            assert_eq!(Goal::at_most("", 3.0, "", Some(figure)).met, most);
        }
    }

    #[test]
    fn what_was_not_measured_is_not_met_and_says_so() {
        let goals = [
            Goal::at_least("speed", 0.9, " x", None),
            Goal::at_most("size", 40.0, " KiB", Some(7.125)),
            Goal::at_most("time", 1.0, " ms", Some(12.0)),
        ];
        assert!(!goals[0].met);
        let table = table(&goals);
        assert!(table.contains("| speed | at least 0.9 x | - | not measured |"), "{table}");
        assert!(table.contains("| size | at most 40 KiB | 7.12 KiB | met |"), "{table}");
        assert!(table.contains("| time | at most 1 ms | 12.0 ms | **not met** |"), "{table}");
    }
}
