//! A backup of a node, while it is in use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use ratatosk_store::Store;
use zeroize::Zeroizing;

use super::archive::{self, Entry};
use super::seal::Sealer;
use super::{BackupError, MANIFEST, Manifest, Progress};
use crate::model::home::Cost;
use crate::model::{Home, Protected};

/// The folder in which copies of databases wait, in the folder of the node: they are protected there as the databases are.
const COPIES: &str = ".backup-";
/// Files of a home, besides its database.
const HOME: [&str; 2] = ["identity.json", "identity.key"];

/// How a file ends that is no backup yet.
const PARTIAL: &str = ".partial";

/// What a backup is made of.
pub struct Source {
    /// The folder of the node.
    pub dir: PathBuf,
    /// Its database.
    pub store: Store,
    /// The databases of its AIs, by their short names. One that is missing here is one whose AI is not up, and which nobody writes.
    pub agents: Vec<(String, Store)>,
    /// Whether files of models are to be in it.
    pub models: bool,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its bytes.
    pub size: u64,
    /// How many files are in it.
    pub files: u64,
    /// What is not in it, for a person.
    pub left_out: Vec<String>,
}

/// Makes a backup. `tell` hears how far it is, and can stop it.
///
/// # Errors
///
/// Why there is none; then nothing is left of it.
pub fn make(
    source: &Source,
    to: &Path,
    passphrase: &str,
    cost: Cost,
    tell: &mut dyn FnMut(Progress) -> bool,
) -> Result<Made, BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copies = Copies::create(&source.dir)?;
    let (entries, left_out) = collect(source, &copies)?;
    let total = entries.iter().map(|(entry, _)| entry.length).sum();
    let manifest = Manifest {
        email: Home::whose(&source.dir)?.email,
        created: crate::daemon::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        left_out,
    };
    let unfinished = Unfinished::create(to)?;
    let file = unfinished.file.try_clone().map_err(BackupError::io("write", to))?;
    let mut sealer = Sealer::new(BufWriter::new(file), passphrase, cost)?;
    let text = serde_json::to_vec(&manifest).map_err(|error| BackupError::Broken(error.to_string()))?;
    let first = Entry { name: MANIFEST.to_owned(), length: text.len() as u64 };
    archive::write(&mut sealer, &first, &mut text.as_slice(), &mut |_| Ok(()))?;
    let mut done = 0;
    for (entry, path) in &entries {
        let mut from = File::open(path).map_err(BackupError::io("read", path))?;
        archive::write(&mut sealer, entry, &mut from, &mut |bytes| {
            done += bytes;
            if tell(Progress { done, total }) { Ok(()) } else { Err(BackupError::Stopped) }
        })?;
    }
    archive::end(&mut sealer).map_err(BackupError::io("write", to))?;
    sealer.finish().map_err(BackupError::io("write", to))?;
    let size = unfinished.finish(to)?;
    Ok(Made { size, files: entries.len() as u64, left_out: manifest.left_out })
}

/// Removes what backups left in the folder of a node that did not come to their end.
///
/// # Errors
///
/// What the file system says.
pub fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(COPIES) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

type Collected = (Vec<(Entry, PathBuf)>, Vec<String>);

/// Everything that belongs into it, and what does not.
fn collect(source: &Source, copies: &Copies) -> Result<Collected, BackupError> {
    let (dir, mut entries, mut left_out) = (&source.dir, Vec::new(), Vec::new());
    let mut add = |name: String, path: PathBuf| -> Result<bool, BackupError> {
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            metadata => {
                let length = metadata.map_err(BackupError::io("examine", &path))?.len();
                entries.push((Entry { name, length }, path));
                Ok(true)
            }
        }
    };
    let mut has_key = false;
    for name in HOME {
        has_key |= add(name.to_owned(), dir.join(name))? && name == HOME[1];
    }
    if !has_key && Home::protected(dir)? == Protected::ByKeyFile {
        left_out.push("the key file: it lies outside of the folder of the node, and nothing else opens it".to_owned());
    }
    add(crate::daemon::config::FILE.to_owned(), dir.join(crate::daemon::config::FILE))?;
    add("store.db".to_owned(), copies.of("owner", &source.store)?)?;
    for slug in folders(&dir.join("agents"))? {
        let home = dir.join("agents").join(&slug);
        for name in HOME {
            add(format!("agents/{slug}/{name}"), home.join(name))?;
        }
        let up = source.agents.iter().find(|(name, _)| *name == slug);
        let copy = match up {
            Some((_, store)) => copies.of(&format!("agent-{slug}"), store)?,
            None => copies.of(&format!("agent-{slug}"), &Store::open(&home)?)?,
        };
        add(format!("agents/{slug}/store.db"), copy)?;
    }
    for model in folders(&dir.join("models"))? {
        let folder = dir.join("models").join(&model);
        let has_file = folder.join("model.gguf").exists();
        if source.models && has_file {
            add(format!("models/{model}/model.json"), folder.join("model.json"))?;
            add(format!("models/{model}/model.gguf"), folder.join("model.gguf"))?;
        } else {
            let where_ = if has_file { "import it again" } else { "its file lies elsewhere; import it again" };
            left_out.push(format!("the model {model}: {where_}"));
        }
    }
    match entries.len() as u64 {
        count if count > archive::MAX_FILES => Err(BackupError::Broken(format!("{count} files"))),
        _ => Ok((entries, left_out)),
    }
}

/// The names of the folders in a folder, those left out that begin with a dot; none if it is not there.
fn folders(dir: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    let read = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        read => read.map_err(BackupError::io("read", dir))?,
    };
    for entry in read {
        let entry = entry.map_err(BackupError::io("read", dir))?;
        let is_folder = entry.file_type().map_err(BackupError::io("read", dir))?.is_dir();
        if let Ok(name) = entry.file_name().into_string()
            && is_folder
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Copies of databases, as long as they are needed.
struct Copies(PathBuf);

impl Copies {
    fn create(dir: &Path) -> Result<Self, BackupError> {
        let path = dir.join(format!("{COPIES}{}", hex::encode(array::<8>(os_entropy().as_mut()))));
        private_folder(&path)?;
        Ok(Self(path))
    }

    fn of(&self, name: &str, store: &Store) -> Result<PathBuf, BackupError> {
        let path = self.0.join(name);
        store.copy_to(&path)?;
        Ok(path)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        // What stays is removed when the node is opened next.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A backup that is being written, beside its place.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn create(to: &Path) -> Result<Self, BackupError> {
        let (folder, name) = (folder_of(to), format!("{}.", to.file_name().unwrap_or_default().to_string_lossy()));
        remove_leftovers(folder, &name, PARTIAL)?;
        let path = folder.join(format!("{name}{}{PARTIAL}", hex::encode(array::<4>(os_entropy().as_mut()))));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(BackupError::io("write", &path))?;
        Ok(Self { path, file })
    }

    /// Puts it in its place, where nothing may have come meanwhile. Gives its size.
    fn finish(self, to: &Path) -> Result<u64, BackupError> {
        self.file.sync_all().map_err(BackupError::io("write", to))?;
        let size = self.file.metadata().map_err(BackupError::io("examine", to))?.len();
        match fs::hard_link(&self.path, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists(to.to_owned()));
            }
            // Not every file system has second names.
            Err(_) => fs::rename(&self.path, to).map_err(BackupError::io("put in place", to))?,
        }
        sync_folder(folder_of(to))?;
        Ok(size)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The folder in which a file is.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what an attempt left that was killed: it has a name of the same beginning and end, and eight digits between.
pub(super) fn remove_leftovers(folder: &Path, begins: &str, ends: &str) -> Result<(), BackupError> {
    let is_ours = |name: &str| {
        let mark = name.strip_prefix(begins).and_then(|rest| rest.strip_suffix(ends));
        mark.is_some_and(|mark| mark.len() == 8 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    for entry in fs::read_dir(folder).map_err(BackupError::io("read", folder))? {
        let entry = entry.map_err(BackupError::io("read", folder))?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(BackupError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Makes a folder that nobody else may look into.
pub(super) fn private_folder(path: &Path) -> Result<(), BackupError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(BackupError::io("create", path))
}

/// Without this a name may be forgotten when the power fails.
pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    if cfg!(unix) {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(BackupError::io("write", path))?;
    }
    Ok(())
}

/// A short file of a backup.
pub(super) fn short(from: &mut impl Read, length: u64, most: usize) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let length = usize::try_from(length).ok().filter(|length| *length <= most);
    let length = length.ok_or(BackupError::Damaged("what it says of itself is too long"))?;
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    archive::content(from, &mut *text, length as u64, &mut |_| Ok(()))?;
    Ok(text)
}
