//! Which scripts a process behind the peer control interface can be tested with: most of those of this project's own peers,
//! and some more.

use super::parse::parse;
use super::recordings::client_scripts;
use super::script::Script;
use crate::scenario::lines::ParseError;
use crate::scenario::recordings::in_files;

/// For processes alone: they wait for deadlines that cannot be set.
const FILES: [(&str, &str); 1] = [("hostile", include_str!("../../scenarios/peer/hostile.txt"))];

/// Scripts of [`client_scripts`] that are left out, a line each: the id, and why.
const LEFT_OUT: &str = include_str!("../../scenarios/peer/black-box.txt");

/// The scripts of a hostile partner. Those that wait longest come first, so that the others run beside them.
///
/// # Errors
///
/// The file and line that cannot be understood.
pub fn hostile_scripts() -> Result<Vec<Script>, (&'static str, ParseError)> {
    let mut scripts = in_files(&FILES, parse)?;
    scripts.sort_by_key(|script| !script.id.starts_with("silence/"));
    scripts.extend(client_scripts()?.into_iter().filter(|script| left_out().all(|(id, _)| id != script.id)));
    Ok(scripts)
}

/// What is left out, and why.
pub fn left_out() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = LEFT_OUT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::script::{Start, Step, Tell, Times};
    use crate::scenario::checks;

    #[test]
    fn what_is_left_out_is_there_and_has_a_reason() {
        let scripts = client_scripts().unwrap();
        for (id, why) in left_out() {
            assert!(scripts.iter().any(|script| script.id == id), "{id} is no script");
            assert!(!why.is_empty(), "{id}");
        }
    }

    #[test]
    fn the_rest_needs_nothing_that_the_interface_does_not_have() {
        let scripts = hostile_scripts().unwrap();
        checks::heads(scripts.iter().map(|it| (it.id.as_str(), it.title.as_str(), it.spec.as_str())));
        for script in scripts {
            assert_eq!(script.times, Times::default(), "{}", script.id);
            assert_eq!(script.runs, 1, "{}", script.id);
            for step in &script.steps {
                let needs = match step {
                    Step::Start(Start::ConnectNowhere | Start::ConnectUntilSuccessful(_)) => true,
                    Step::Tell(tell) => !matches!(tell, Tell::Send(_) | Tell::Stop),
                    _ => false,
                };
                assert!(!needs, "{}: {step:?}", script.id);
            }
        }
    }
}
