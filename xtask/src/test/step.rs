//! The steps of `cargo xtask test`, each with the line that runs it alone.

use std::path::Path;
use std::process::{Command, Stdio};

use super::logs::{self, Search};
use super::report::{Tally, Verdict};
use super::{target, tools};
use crate::{cargo, tree};

/// One thing that must hold.
pub(super) struct Step {
    /// One word; `--only` takes it.
    pub(super) name: &'static str,
    /// What must hold.
    pub(super) about: &'static str,
    /// The line that runs it alone, and that is run here ([`cargo::call`]).
    pub(super) command: &'static str,
    /// Whether `--quick` leaves it out.
    pub(super) slow: bool,
    kind: Kind,
}

/// How a step comes to its verdict.
enum Kind {
    /// By the rules of [`tree`].
    Tree,
    /// By the exit status.
    Status,
    /// By the exit status, and by [`logs`] of all relays that ran; how many tests ran is noted.
    Tests,
    /// By the exit status, if the cargo subcommand is installed.
    Optional { probe: &'static str, install: &'static str },
    /// By [`target`].
    Target,
    /// By [`tools`].
    Tools,
    /// By the packages that `cargo tree` lists: none of [`NATIVE_TOOLS`].
    RustOnly,
}

/// Crates that call for a compiler, an assembler or a library of another language when they are built.
const NATIVE_TOOLS: &[&str] = &["autotools", "bindgen", "cc", "cmake", "nasm-rs", "openssl-sys", "pkg-config", "vcpkg"];

/// All steps: the cheap ones first, the tests last.
///
/// Clippy and `cargo check` share what they build; so do the tests and the programs. The documentation reuses clippy's.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "tree",
        about: "file sizes, inherited lints, versions in one place, a reason for every dependency",
        command: "cargo xtask test --only tree",
        slow: false,
        kind: Kind::Tree,
    },
    Step {
        name: "fmt",
        about: "the sources are formatted",
        command: "cargo fmt --all --check",
        slow: false,
        kind: Kind::Status,
    },
    Step {
        name: "wasm",
        about: "the plugins can be compiled for WebAssembly: their target is installed",
        command: target::INSTALL,
        slow: false,
        kind: Kind::Target,
    },
    Step {
        name: "llama",
        about: "llama.cpp can be compiled: cmake, a C++ compiler and libclang are installed",
        command: tools::INSTALL,
        slow: false,
        kind: Kind::Tools,
    },
    Step {
        name: "lint",
        about: "clippy finds nothing in what is shipped and tested",
        command: "cargo clippy --workspace --all-targets --locked -- -D warnings",
        slow: false,
        kind: Kind::Status,
    },
    Step {
        name: "lint-core",
        about: "clippy finds nothing in the protocol without any feature",
        command: "cargo clippy -p ratatosk-protocol --all-targets --no-default-features --locked -- -D warnings",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "lint-plain",
        about: "clippy finds nothing in the node, its engine and the relay without TLS, modules and llama.cpp",
        command: "cargo clippy -p ratatosk-node -p ratatosk-engine -p ratatosk-relay --all-targets --no-default-features --locked \
                  -- -D warnings",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "lint-tls",
        about: "clippy finds nothing in the protocol and the conformance suite with TLS",
        command: "cargo clippy -p ratatosk-protocol -p ratatosk-conformance --all-targets --features tls --locked \
                  -- -D warnings",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "lint-acme",
        about: "clippy finds nothing in the relay with ACME",
        command: "cargo clippy -p ratatosk-relay --all-targets --features acme --locked -- -D warnings",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "rust-only",
        about: "the relay without TLS and xtask need no tool of another language; the node has SQLite, for the C compiler that links anyway",
        command: "cargo tree -p ratatosk-relay -p xtask --no-default-features --edges normal,build \
                  --prefix none --format {p} --locked",
        slow: true,
        kind: Kind::RustOnly,
    },
    Step {
        name: "relay",
        about: "the relay builds alone, with the features that it asks for itself",
        command: "cargo check -p ratatosk-relay --locked",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "docs",
        about: "the documentation builds and its links lead somewhere",
        command: "RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "deny",
        about: "licences, banned crates and sources of the dependencies",
        // Advisories need the network and change without a commit: CONTRIBUTING.md says when to ask for them.
        command: "cargo deny --locked check --hide-inclusion-graph bans licenses sources",
        slow: true,
        kind: Kind::Optional { probe: "cargo deny --version", install: "cargo install cargo-deny --locked" },
    },
    Step {
        name: "acme",
        about: "the relay gets its certificate from an ACME server that validates",
        // With the workspace as a whole, so that what the tests are built with is built once.
        command: "cargo test --workspace --features ratatosk-relay/acme --locked --lib --bin commserver --test acme",
        slow: true,
        kind: Kind::Status,
    },
    Step {
        name: "test",
        about: "the tests of every package, with what they print: recordings that deviate and why, memory, counts",
        command: "cargo test --workspace --locked --no-fail-fast -- --show-output",
        slow: false,
        kind: Kind::Tests,
    },
];

impl Step {
    /// Does the work of this step, showing it as it goes.
    pub(super) fn run(&self, root: &Path) -> Verdict {
        let mut call = cargo::call(root, self.command);
        match self.kind {
            Kind::Tree => in_order(root),
            Kind::Status => status(&mut call),
            Kind::Tests => tests(root, &mut call),
            Kind::Optional { probe, install } => {
                if installed(&mut cargo::call(root, probe)) {
                    status(&mut call)
                } else {
                    Verdict::Skipped(format!("not installed, `{install}`"))
                }
            }
            Kind::Target => target::install(root),
            Kind::Tools => tools::install(),
            Kind::RustOnly => rust_only(&mut call),
        }
    }
}

fn in_order(root: &Path) -> Verdict {
    match tree::findings(root) {
        Ok(findings) if findings.is_empty() => Verdict::Passed(String::new()),
        Ok(findings) => {
            for finding in &findings {
                println!("   {finding}");
            }
            Verdict::Failed(format!("{} found", findings.len()))
        }
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn status(call: &mut Command) -> Verdict {
    match call.status() {
        Ok(status) if status.success() => Verdict::Passed(String::new()),
        Ok(status) => Verdict::Failed(status.to_string()),
        Err(error) => Verdict::Failed(format!("cargo could not be started: {error}")),
    }
}

fn tests(root: &Path, call: &mut Command) -> Verdict {
    let folder = match logs::prepare(root) {
        Ok(folder) => folder,
        Err(error) => return Verdict::Failed(format!("there is no room for the logs: {error}")),
    };
    let mut tally = Tally::default();
    // The tutorial for plugins is followed with the programs that this step builds.
    call.env(logs::VARIABLE, &folder).env("RATATOSK_PROGRAMS", cargo::target(root).join("debug"));
    match cargo::watch(call, |line| tally.read(line)) {
        Ok(status) if status.success() => searched(&folder, &tally),
        Ok(status) => Verdict::Failed(format!("{status}; {tally}")),
        Err(error) => Verdict::Failed(format!("cargo could not be started or read: {error}")),
    }
}

/// What the relays have logged holds nothing that it should not.
fn searched(folder: &Path, tally: &Tally) -> Verdict {
    match logs::search(folder) {
        Ok(Search { lines: 0, .. }) => Verdict::Failed(format!("no relay has logged anything; {tally}")),
        Ok(Search { lines, findings }) if findings.is_empty() => {
            Verdict::Passed(format!("{tally}; no key, token or secret in {lines} lines of log"))
        }
        Ok(Search { findings, .. }) => {
            for finding in &findings {
                println!("   {finding}");
            }
            Verdict::Failed(format!("{} lines of log hold what they should not; {tally}", findings.len()))
        }
        Err(error) => Verdict::Failed(format!("the logs cannot be read: {error}")),
    }
}

fn installed(probe: &mut Command) -> bool {
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn rust_only(call: &mut Command) -> Verdict {
    let output = match call.stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => return Verdict::Failed(output.status.to_string()),
        Err(error) => return Verdict::Failed(format!("cargo could not be started: {error}")),
    };
    match native_tools(&String::from_utf8_lossy(&output.stdout)) {
        found if found.is_empty() => Verdict::Passed(String::new()),
        found => Verdict::Failed(format!("needs {}", found.join(", "))),
    }
}

/// Which of [`NATIVE_TOOLS`] are in a list of `name version` lines.
fn native_tools(packages: &str) -> Vec<&'static str> {
    let names: Vec<_> = packages.lines().filter_map(|line| line.split_whitespace().next()).collect();
    NATIVE_TOOLS.iter().copied().filter(|tool| names.contains(tool)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_tool_is_found_by_its_whole_name() {
        assert_eq!(native_tools("ring v0.17.14\ncc v1.2.0\nccm v0.5.0\n"), ["cc"]);
        assert!(native_tools("hex v0.4.3\naccess v1.0.0\n").is_empty());
    }

    #[test]
    fn names_are_unique() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..index].iter().all(|other| other.name != step.name), "{} stands twice", step.name);
        }
    }
}
