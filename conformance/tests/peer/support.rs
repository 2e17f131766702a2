//! Where the programs are, and which scenarios are too slow for a test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ratatosk_conformance::peer::Implementation;
use ratatosk_conformance::peer::table::{Places, rows};
use tokio::sync::{Mutex, MutexGuard};

/// The project's programs, and the packages that they belong to.
const PROGRAMS: [(&str, &str); 2] = [("ratatosk", "ratatosk-node"), ("commserver", "ratatosk-relay")];

/// Where the project's programs lie. What is not there is built: a test of one package does not build others' programs.
pub(crate) fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
        for (program, package) in PROGRAMS {
            if !folder.join(program).exists() {
                let target = folder.parent().unwrap();
                let mut build = Command::new(env!("CARGO"));
                build.args(["build", "--locked", "-p", package, "--bin", program, "--target-dir"]).arg(target);
                assert!(build.status().unwrap().success(), "{program} cannot be built");
                assert!(folder.join(program).exists(), "cargo test puts no programs into {}", folder.display());
            }
        }
        folder
    })
}

/// Where the adapters lie.
pub(crate) fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// An implementation of the table, or why it is not there.
pub(crate) fn find(name: &str) -> Result<Implementation, String> {
    let peers = peers();
    let places = Places { programs: programs(), peers: &peers };
    let row = rows().unwrap().into_iter().find(|row| row.name == name).unwrap();
    row.find(places).map_err(|missing| missing.to_string())
}

/// Says something to whoever runs the tests, even if all is well.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether a scenario waits for long intervals, or moves a lot.
pub(crate) fn slow(id: &str) -> bool {
    let slow =
        ["idle/", "silence/", "fragments/text-8", "fragments/binary-8", "fragments/mebi", "d2/13", "d2/14", "e/"];
    slow.iter().any(|beginning| id.starts_with(beginning))
}

static ALONE: Mutex<()> = Mutex::const_new(());

/// A test that starts many processes, one at a time.
pub(crate) struct Running {
    _alone: MutexGuard<'static, ()>,
}

impl Running {
    pub(crate) async fn alone() -> Self {
        Self { _alone: ALONE.lock().await }
    }
}
