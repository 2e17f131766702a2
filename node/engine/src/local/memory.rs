//! Whether a model would fit, before it is loaded: a machine that swaps is of no use to anybody, and the kernel may end
//! something else than the model.

use std::path::{Path, PathBuf};

use sysinfo::System;

use super::Settings;
use crate::EngineError;
use crate::gguf::{self, KvType, Use};

/// Where Linux shows control groups, version 2.
const GROUPS: &str = "/sys/fs/cgroup";
/// Control groups inside each other that are looked at.
const MAX_DEPTH: usize = 64;
/// Tokens of a prompt that the worker computes together.
const BATCH: u32 = 64;

/// Refuses a model that is no model, or for which there is not enough memory.
pub(super) async fn check(settings: &Settings) -> Result<(), EngineError> {
    let (load, known) = (settings.load.clone(), settings.needs);
    let looking = tokio::task::spawn_blocking(move || {
        let needs = match known {
            Some(needs) => needs,
            None => {
                let usage = Use { context: load.context, slots: 1, kv: KvType::F16, batch: BATCH };
                gguf::open(Path::new(&load.path))?.memory(usage).total()
            }
        };
        let free = free();
        if needs > free { Err(EngineError::NotEnoughMemory { needs, free }) } else { Ok(()) }
    });
    looking.await.unwrap_or_else(|error| Err(EngineError::WorkerStart { reason: error.to_string() }))
}

/// Bytes that a new process can have: of the machine, and of each control group around us.
fn free() -> u64 {
    let machine = System::new().map(|mut system| {
        system.refresh_memory();
        system.available_memory()
    });
    // A system that does not tell is left alone: loading will show.
    let machine = machine.ok().filter(|free| *free > 0).unwrap_or(u64::MAX);
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let groups = read(Path::new("/proc/self/cgroup")).and_then(|own| free_in_groups(&own, read));
    machine.min(groups.unwrap_or(u64::MAX))
}

/// What the tightest of the control groups leaves. None if there is no limit.
fn free_in_groups(own: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut group = PathBuf::from(GROUPS);
    // In a container the path may be one of the host's, which is not there; the outermost group is then our own.
    group.push(path);
    let groups = group.ancestors().take(MAX_DEPTH).take_while(|group| group.starts_with(GROUPS));
    groups.filter_map(|group| free_in(group, &read)).min()
}

fn free_in(group: &Path, read: &impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let number = |file: &str| read(&group.join(file))?.trim().parse::<u64>().ok();
    // "max" is no number: no limit.
    let limits = [number("memory.max"), number("memory.high")];
    let limit = limits.into_iter().flatten().min()?;
    let used = number("memory.current")?;
    let statistics = read(&group.join("memory.stat")).unwrap_or_default();
    // Pages of files that nobody has used lately are given up for us.
    let idle = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(used.saturating_sub(idle.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn groups(files: &[(&str, &str)]) -> Option<u64> {
        let files: HashMap<_, _> = files.iter().map(|(path, text)| (Path::new(GROUPS).join(path), *text)).collect();
        free_in_groups("1:name=systemd:/x\n0::/user/node\n", |path| files.get(path).map(|text| (*text).to_owned()))
    }

    #[test]
    fn the_tightest_group_counts() {
        assert_eq!(groups(&[]), None);
        assert_eq!(groups(&[("user/node/memory.max", "max\n"), ("user/node/memory.current", "5\n")]), None);
        let inner = [("user/node/memory.max", "1000\n"), ("user/node/memory.current", "700\n")];
        assert_eq!(groups(&inner), Some(300));
        let idle = [inner[0], inner[1], ("user/node/memory.stat", "anon 1\ninactive_file 200\n")];
        assert_eq!(groups(&idle), Some(500));
        let outer = [inner[0], inner[1], ("user/memory.high", "800"), ("user/memory.current", "790")];
        assert_eq!(groups(&outer), Some(10));
        assert_eq!(groups(&[("memory.max", "10"), ("memory.current", "20")]), Some(0), "more than allowed is used");
    }

    #[test]
    fn this_machine_says_what_is_free() {
        let free = free();
        assert!(free > 0 && free < u64::MAX, "{free}");
    }
}
