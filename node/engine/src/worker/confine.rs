//! A bound on the memory of chat templates.
//!
//! A template is a program out of a file that somebody made, and a few lines of it can double a text forty times. The engine that
//! runs it counts steps, not bytes. So the process may grow by so much while a template runs, and ends if it wants more: better
//! the worker than the machine.

use std::sync::Mutex;

/// Bytes by which the process may grow. Templates of models take less than 1 MB for each MB of conversation.
#[cfg(target_os = "linux")]
const ROOM: u64 = 512 << 20;

/// One at a time: whoever comes second would take the first one's limit for the one to go back to.
static ONE: Mutex<()> = Mutex::new(());

/// Does `work` under the bound, where the system has one (Linux). If it wants more, the process ends.
pub(super) fn confined<T>(work: impl FnOnce() -> T) -> T {
    let _one = ONE.lock();
    let before = tighten();
    let result = work();
    loosen(before);
    result
}

/// Limits as they were.
type Limits = Option<(u64, u64)>;

#[cfg(target_os = "linux")]
fn tighten() -> Limits {
    let (soft, hard) = rlimit::Resource::AS.get().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kibibytes: u64 = size.split_whitespace().next()?.parse().ok()?;
    let bound = kibibytes.checked_mul(1 << 10)?.checked_add(ROOM)?.min(soft);
    rlimit::Resource::AS.set(bound, hard).ok()?;
    Some((soft, hard))
}

#[cfg(target_os = "linux")]
fn loosen(before: Limits) {
    if let Some((soft, hard)) = before {
        // Going back to what was allowed before is always allowed.
        let _ = rlimit::Resource::AS.set(soft, hard);
    }
}

#[cfg(not(target_os = "linux"))]
fn tighten() -> Limits {
    None
}

#[cfg(not(target_os = "linux"))]
fn loosen(_: Limits) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::prompt::Template;

    /// Set in the process that is meant to end.
    const CHILD: &str = "RATATOSK_TEST_BOMB";

    #[test]
    fn a_template_that_grows_without_end_ends_the_process_and_not_the_machine() {
        let doubling = "{% set x = x ~ x %}".repeat(45);
        let bomb = format!("{{% set x = 'xxxxxxxx' %}}{doubling}{{{{ messages[0].content }}}}");
        if std::env::var_os(CHILD).is_some() {
            let clock = || jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0);
            confined(|| Template::new(Some(&bomb), String::new(), String::new(), clock));
            return;
        }
        let name = "worker::confine::tests::a_template_that_grows_without_end_ends_the_process_and_not_the_machine";
        let child = Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).env(CHILD, "1").output();
        let child = child.unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success() && said.contains("memory allocation of"), "{said}");
    }

    #[test]
    fn the_limit_is_as_before_afterwards() {
        let limits = || rlimit::Resource::AS.get().unwrap();
        let before = {
            let _one = ONE.lock().unwrap();
            limits()
        };
        confined(|| assert!(limits().0 < 1 << 50));
        let _one = ONE.lock().unwrap();
        assert_eq!(limits(), before);
    }
}
