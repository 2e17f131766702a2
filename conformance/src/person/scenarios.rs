//! The scenarios for peers with identities.

use super::parse::parse;
use super::script::Script;
use crate::scenario::lines::ParseError;
use crate::scenario::recordings::in_files;

/// Name and text of each file about two that behave.
const PAIRS: [(&str, &str); 5] = [
    ("pairing", include_str!("../../scenarios/person/pairing.txt")),
    ("chat", include_str!("../../scenarios/person/chat.txt")),
    ("again", include_str!("../../scenarios/person/again.txt")),
    ("file", include_str!("../../scenarios/person/file.txt")),
    ("idle", include_str!("../../scenarios/person/idle.txt")),
];

/// Name and text of each file about one and the hostile partner.
const HOSTILE: [(&str, &str); 2] = [
    ("intruder", include_str!("../../scenarios/person/intruder.txt")),
    ("liar", include_str!("../../scenarios/person/liar.txt")),
];

/// Those for two implementations. The longest come first, so that the others run beside them.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn pair_scripts() -> Result<Vec<Script>, (&'static str, ParseError)> {
    let mut scripts = in_files(&PAIRS, parse)?;
    scripts.sort_by_key(|script| !script.id.starts_with("idle/"));
    Ok(scripts)
}

/// Those for one implementation and the hostile partner.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn hostile_scripts() -> Result<Vec<Script>, (&'static str, ParseError)> {
    let mut scripts = in_files(&HOSTILE, parse)?;
    scripts.sort_by_key(|script| !script.id.contains("silent"));
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::script::Step;
    use crate::scenario::checks;

    #[test]
    fn every_scenario_is_named_once_and_can_fail() {
        let scripts = [pair_scripts().unwrap(), hostile_scripts().unwrap()].concat();
        checks::heads(scripts.iter().map(|it| (it.id.as_str(), it.title.as_str(), it.spec.as_str())));
        for script in scripts {
            assert!(script.steps.iter().any(Step::judges), "{} cannot fail", script.id);
        }
    }

    #[test]
    fn the_first_branch_is_what_the_reference_does() {
        for script in hostile_scripts().unwrap() {
            checks::recorded_first(&script.steps, |step| {
                if let Step::Either(branches) = step { Some(branches) } else { None }
            });
        }
    }

    #[test]
    fn no_file_is_forgotten() {
        checks::nothing_forgotten("scenarios/person", "txt", &[&PAIRS[..], &HOSTILE].concat());
    }
}
