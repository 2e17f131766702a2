//! The scenarios for two implementations.

use super::parse::parse;
use super::script::Script;
use crate::scenario::lines::ParseError;
use crate::scenario::recordings::in_files;

/// Name and text of each file.
const FILES: [(&str, &str); 3] = [
    ("data", include_str!("../../scenarios/peer/data.txt")),
    ("connections", include_str!("../../scenarios/peer/connections.txt")),
    ("idle", include_str!("../../scenarios/peer/idle.txt")),
];

/// All of them. The longest come first, so that the others run beside them.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn pair_scripts() -> Result<Vec<Script>, (&'static str, ParseError)> {
    let mut scripts = in_files(&FILES, parse)?;
    scripts.sort_by_key(|script| !script.id.starts_with("idle/"));
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::script::Step;
    use crate::scenario::checks;

    #[test]
    fn every_scenario_is_named_once_and_can_fail() {
        let scripts = pair_scripts().unwrap();
        checks::heads(scripts.iter().map(|it| (it.id.as_str(), it.title.as_str(), it.spec.as_str())));
        for script in scripts {
            let judges = |step: &Step| {
                step.tells_apart()
                    || matches!(step, Step::Send { works: false, .. } | Step::Exchange { .. } | Step::Either(_))
            };
            assert!(script.steps.iter().any(judges), "{} cannot fail", script.id);
        }
    }

    #[test]
    fn no_file_is_forgotten() {
        let hostile = [("hostile", ""), ("black-box", "")];
        checks::nothing_forgotten("scenarios/peer", "txt", &[&FILES[..], &hostile].concat());
    }
}
