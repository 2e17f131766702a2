//! Where it is measured, and what a process uses of it.

use std::fmt;
use std::fs;

use crate::Outcome;

/// The machine, and how busy it is.
#[derive(Debug)]
pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    load: String,
}

impl Machine {
    /// Looks at the machine now.
    #[must_use]
    pub fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
        Self {
            cpu: model.trim_start_matches([':', ' ', '\t']).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split_whitespace().next().unwrap_or("?").to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, load } = self;
        write!(f, "{cores} cores of {cpu}, Linux {kernel}, load {load} at the beginning")
    }
}

/// Resident memory of a process in KiB; `self` is this one.
///
/// # Errors
///
/// If there is no such process.
pub fn resident_kib(process: &str) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?)
}

/// The kernel's mappings of this process, and how many a process may have.
///
/// # Errors
///
/// If the kernel does not say.
pub fn mappings() -> Outcome<[usize; 2]> {
    let used = fs::read_to_string("/proc/self/maps")?.lines().count();
    Ok([used, fs::read_to_string("/proc/sys/vm/max_map_count")?.trim().parse()?])
}
