//! A node of a backup.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read};
use std::path::{Path, PathBuf};

use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use ratatosk_store::Store;

use super::make::{private_folder, remove_leftovers, short, sync_folder};
use super::seal::Opener;
use super::{BackupError, MANIFEST, Manifest, Progress, archive};
use crate::model::{Home, is_slug};

/// The longest manifest, in bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// How a folder ends that is no node yet.
const RESTORING: &str = ".restoring";

/// A node that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The e-mail of its owner.
    pub email: String,
    /// When the backup was made, in milliseconds since 1970.
    pub created: u64,
    /// How many files were in it.
    pub files: u64,
    /// The short names of its AIs.
    pub agents: Vec<String>,
    /// What was not in it, for a person.
    pub left_out: Vec<String>,
}

/// Makes a node of a backup, in a folder that is empty or not there yet. Everything is checked before it is in its place. `tell` hears
/// how far it is, and can stop it.
///
/// The node has the keys of the one that was backed up: only one of the two may be in use from now on.
///
/// # Errors
///
/// Why there is none; then nothing is left of it.
pub fn restore(
    from: &Path,
    passphrase: &str,
    dir: &Path,
    tell: &mut dyn FnMut(Progress) -> bool,
) -> Result<Restored, BackupError> {
    check_empty(dir)?;
    let file = File::open(from).map_err(BackupError::io("open", from))?;
    let total = file.metadata().map_err(BackupError::io("examine", from))?.len();
    let mut opener = Opener::new(BufReader::new(file), passphrase, from)?;
    let manifest = manifest(&mut opener)?;
    let unfinished = Unfinished::create(dir)?;
    let (mut files, mut done) = (0, 0);
    while let Some(entry) = archive::next(&mut opener)? {
        files += 1;
        if files > archive::MAX_FILES {
            return Err(BackupError::Damaged("it has too many files"));
        }
        let path = archive::place(&unfinished.0, &entry.name)?;
        if !belongs(&entry.name) {
            return Err(BackupError::Damaged("there is a file in it that is none of a node"));
        }
        let mut to = create(&unfinished.0, &path)?;
        archive::content(&mut opener, &mut to, entry.length, &mut |bytes| {
            done += bytes;
            if tell(Progress { done, total: total.max(done) }) { Ok(()) } else { Err(BackupError::Stopped) }
        })?;
        let file = to.into_inner().map_err(|error| BackupError::io("write", &path)(error.into_error()))?;
        file.sync_all().map_err(BackupError::io("write", &path))?;
    }
    // Nothing may come behind the end; this also reads the last piece, which says that there is no more.
    let mut rest = [0; 1];
    match opener.read(&mut rest) {
        Ok(0) => {}
        Ok(_) => return Err(BackupError::Damaged("there is more than it says")),
        Err(_) => return Err(BackupError::Damaged("its end was changed")),
    }
    let agents = check(&unfinished.0, &manifest)?;
    unfinished.finish(dir)?;
    let Manifest { email, created, left_out, .. } = manifest;
    Ok(Restored { email, created, files, agents, left_out })
}

fn check_empty(dir: &Path) -> Result<(), BackupError> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::io("read", dir)(error)),
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(BackupError::NotEmpty(dir.to_owned())),
            None => Ok(()),
        },
    }
}

fn manifest(from: &mut impl Read) -> Result<Manifest, BackupError> {
    let damaged = BackupError::Damaged("it does not say what it is");
    match archive::next(from)? {
        Some(entry) if entry.name == MANIFEST => {
            let text = short(from, entry.length, MAX_MANIFEST)?;
            serde_json::from_slice(&text).map_err(|_| damaged)
        }
        _ => Err(damaged),
    }
}

/// Whether a file of this name belongs to a node. Whoever makes somebody take their backup puts nothing else into a folder that programs
/// believe, like the address of a daemon.
fn belongs(name: &str) -> bool {
    let is_home = |file: &str| matches!(file, "identity.json" | "identity.key" | "store.db");
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [file] => is_home(file) || *file == crate::daemon::config::FILE,
        ["agents", slug, file] => is_slug(slug) && is_home(file),
        ["models", _, file] => matches!(*file, "model.json" | "model.gguf"),
        _ => false,
    }
}

/// Creates a file with the folders above it, for nobody else.
fn create(dir: &Path, path: &Path) -> Result<BufWriter<File>, BackupError> {
    let mut folder = dir.to_owned();
    let parent = path.parent().and_then(|parent| parent.strip_prefix(dir).ok()).unwrap_or(Path::new(""));
    for part in parent.components() {
        folder.push(part);
        if !folder.is_dir() {
            private_folder(&folder)?;
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(BufWriter::new).map_err(BackupError::io("write", path))
}

/// Whether what was read is a node: its identity, its database and those of its AIs. Gives the short names of these.
fn check(dir: &Path, manifest: &Manifest) -> Result<Vec<String>, BackupError> {
    let home = Home::whose(dir).map_err(|error| BackupError::Broken(error.to_string()))?;
    if home.email != manifest.email {
        return Err(BackupError::Broken("the identity is somebody else's".to_owned()));
    }
    database(dir, "the node")?;
    let mut agents = Vec::new();
    let entries = match fs::read_dir(dir.join("agents")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(agents),
        entries => entries.map_err(BackupError::io("read", dir))?,
    };
    for entry in entries {
        let path = entry.map_err(BackupError::io("read", dir))?.path();
        let slug = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Home::whose(&path).map_err(|error| BackupError::Broken(error.to_string()))?;
        database(&path, &slug)?;
        agents.push(slug);
    }
    agents.sort();
    Ok(agents)
}

/// Whether a database is one, to its last page. What somebody else has made wrong in it was so before the backup; `doctor` names it.
fn database(dir: &Path, whose: &str) -> Result<(), BackupError> {
    let broken = |error: ratatosk_store::Error| BackupError::Broken(format!("the database of {whose}: {error}"));
    if !dir.join("store.db").is_file() {
        return Err(BackupError::Broken(format!("the database of {whose} is missing")));
    }
    let report = Store::open(dir).map_err(broken)?.check(|_| ()).map_err(broken)?;
    let damage = report.findings.iter().find(|finding| matches!(finding, ratatosk_store::Finding::Database(_)));
    match damage {
        Some(finding) => Err(BackupError::Broken(format!("the database of {whose}: {finding}"))),
        None => Ok(()),
    }
}

/// A node that is being written, beside its place.
struct Unfinished(PathBuf);

impl Unfinished {
    fn create(dir: &Path) -> Result<Self, BackupError> {
        let parent = parent(dir);
        fs::create_dir_all(parent).map_err(BackupError::io("create", parent))?;
        let name = format!(".{}.", dir.file_name().unwrap_or_default().to_string_lossy());
        remove_leftovers(parent, &name, RESTORING)?;
        let path = parent.join(format!("{name}{}{RESTORING}", hex::encode(array::<4>(os_entropy().as_mut()))));
        private_folder(&path)?;
        Ok(Self(path))
    }

    fn finish(self, dir: &Path) -> Result<(), BackupError> {
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(BackupError::io("read", &folder))? {
                let entry = entry.map_err(BackupError::io("read", &folder))?;
                if entry.file_type().map_err(BackupError::io("read", &folder))?.is_dir() {
                    folders.push(entry.path());
                }
            }
            sync_folder(&folder)?;
        }
        match fs::remove_dir(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                return Err(BackupError::NotEmpty(dir.to_owned()));
            }
            removed => removed.map_err(BackupError::io("replace", dir))?,
        }
        fs::rename(&self.0, dir).map_err(BackupError::io("put in place", dir))?;
        sync_folder(parent(dir))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parent(dir: &Path) -> &Path {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_brings_files_of_nodes_and_nothing_else() {
        for name in [
            "identity.json",
            "identity.key",
            "config.toml",
            "store.db",
            "agents/munin/store.db",
            "agents/munin/identity.key",
            "models/small/model.json",
            "models/SmolLM2.Q4_1/model.gguf",
        ] {
            assert!(belongs(name), "{name}");
        }
        for name in [
            "daemon.json",
            "store.db-wal",
            "lock",
            "agents/munin/config.toml",
            "agents/-x/store.db",
            "agents/munin/x/store.db",
            "models/small/evil.so",
            "models/model.json",
            "x/store.db",
            "",
        ] {
            assert!(!belongs(name), "{name}");
        }
    }
}
