//! `ratatosk doctor`: what is wrong with a node, what that means, and what can be done.

use clap::Args;
use ratatosk_node::api::types::{Finding, Level, Report};
use ratatosk_node::client::Client;

use super::attach::with;
use super::folder::Place;
use super::problem::Problem;
use super::{print_json, say, text};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Repair what can be repaired without losing anything
    #[arg(long)]
    repair: bool,
    /// For programs: JSON, as the API has it
    #[arg(long)]
    json: bool,
}

/// Examines, and repairs if that is wished.
///
/// # Errors
///
/// That something does not work, or it cannot be examined.
pub(super) async fn run(options: &Options) -> Result<(), Problem> {
    let (repaired, report) = with(&options.place, async |client: &Client| {
        if !options.repair {
            return Ok((Vec::new(), client.examine().await?));
        }
        let repair = client.repair().await?;
        Ok((repair.repaired, repair.report))
    })
    .await?;
    if options.json {
        print_json(&serde_json::json!({ "repaired": repaired, "findings": report.findings }))?;
    } else {
        repaired.iter().for_each(|line| say(format_args!("Repaired: {}", text::line(line))));
        report.findings.iter().flat_map(lines).for_each(say);
    }
    conclude(&report, options)
}

fn conclude(report: &Report, options: &Options) -> Result<(), Problem> {
    let count = |level: Level| report.findings.iter().filter(|finding| finding.level == level).count();
    let repairable = report.findings.iter().any(|finding| finding.repairable && finding.level > Level::Good);
    let help = match (repairable, options.repair) {
        (true, false) => "ratatosk doctor --repair does what can be done by itself",
        _ => "keep a copy of the folder before you change anything in it: ratatosk backup FILE",
    };
    match (count(Level::Error), count(Level::Warning)) {
        (0, _) if options.json => Ok(()),
        (0, 0) => {
            say("Everything is there, and as it should be.");
            Ok(())
        }
        (0, warnings) => {
            let warnings = if warnings == 1 { "1 thing".to_owned() } else { format!("{warnings} things") };
            say(format_args!("Everything works; {warnings} could be better."));
            if repairable && !options.repair {
                say(format_args!("Next: {help}"));
            }
            Ok(())
        }
        (1, _) => Err(Problem::new("1 thing does not work", help)),
        (errors, _) => Err(Problem::new(format!("{errors} things do not work"), help)),
    }
}

/// A finding in three parts.
fn lines(finding: &Finding) -> Vec<String> {
    let mark = match finding.level {
        Level::Good => "✓",
        Level::Warning => "?",
        Level::Error => "✗",
    };
    let agent = finding.agent.as_deref().map(|agent| format!("{}, ", text::line(agent))).unwrap_or_default();
    let mut lines = vec![format!("{mark} {agent}{}: {}", text::line(&finding.subject), text::line(&finding.what))];
    if !finding.meaning.is_empty() {
        lines.push(format!("  {}", text::line(&finding.meaning)));
    }
    if !finding.help.is_empty() {
        lines.push(format!("  → {}", text::line(&finding.help)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_three_parts() {
        let mut finding = Finding {
            level: Level::Error,
            agent: Some("smol".to_owned()),
            subject: "model".to_owned(),
            what: "the file is gone\u{1b}[2J".to_owned(),
            meaning: "it cannot answer".to_owned(),
            help: "import it again".to_owned(),
            repairable: false,
        };
        let wanted = ["✗ smol, model: the file is gone\\e[2J", "  it cannot answer", "  → import it again"];
        assert_eq!(lines(&finding), wanted);
        finding = Finding { level: Level::Good, meaning: String::new(), help: String::new(), agent: None, ..finding };
        assert_eq!(lines(&finding).len(), 1);
    }
}
