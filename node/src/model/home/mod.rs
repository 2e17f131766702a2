//! The folder of a node: who it is, sealed; its database; and a lock, so that one program at a time uses it.
//!
//! | file | what |
//! | --- | --- |
//! | `identity.json` | e-mail, instance name, the four secret keys sealed |
//! | `identity.key` | what opens it, unless that is a passphrase or a key file elsewhere |
//! | `store.db` | objects, contacts, messages |
//! | `lock` | held while a program uses the folder |
//! | `agents/` | the homes of AIs that belong to this one: the same files, opened by a key that follows from ours |
//!
//! The folder has mode 0700 and its secret files 0600; what others can read is refused. The identity is written before the
//! database: whatever happens in between, the keys are the ones that others may have seen already, and the next start goes on
//! from there.

mod files;
mod sealed;
mod secrets;
#[cfg(test)]
pub(crate) mod tests;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use ratatosk_protocol::entropy::{Entropy, array};
use zeroize::Zeroizing;

pub(crate) use self::files::replace_private;
pub use self::sealed::Cost;
use self::sealed::{FORMAT, Header, Lock, SealError, SealKey, Sealed};
pub use self::secrets::{AgentKey, Secrets};

const IDENTITY: &str = "identity.json";
const KEY: &str = "identity.key";
const LOCK: &str = "lock";

/// A key file: 64 hex digits and a line end, of which some editors write two characters.
const KEY_FILE_LEN: u64 = 66;

/// The longest e-mail or instance name, in bytes.
pub const MAX_ID_TEXT: usize = 256;
/// The longest display name, in bytes.
pub const MAX_NAME: usize = 256;
/// The longest passphrase, in bytes.
pub const MAX_PASSPHRASE: usize = 1024;

/// What protects the keys of a node at rest.
#[derive(Clone)]
pub enum Protection {
    /// A passphrase, that has to be typed at every start. The cost is for new homes; an existing one says itself what it cost.
    Passphrase(Zeroizing<String>, Cost),
    /// A file with 32 random bytes in hex, for machines that start by themselves. `None`: in the folder itself, which protects
    /// against nothing but a copy of the other files alone.
    KeyFile(Option<PathBuf>),
    /// A key that follows from the secrets of another home, so that whoever opens that one is asked for nothing more.
    Owner(AgentKey),
}

/// How a home is protected: what somebody has to be asked for before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// By a passphrase.
    ByPassphrase,
    /// By a key file.
    ByKeyFile,
    /// By the keys of the home in which it lies: it is an AI's.
    ByOwner,
}

/// Whom a new home is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    /// The e-mail, which alone makes the person id (`spec/one.md §4`): two people with one e-mail are one person.
    pub email: String,
    /// What this device is called among those of the person.
    pub instance: String,
    /// The name that contacts see.
    pub name: String,
}

/// The steps of a creation, after each of which everything may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Folder,
    KeyWritten,
    Key,
    IdentityWritten,
    Identity,
}

/// The folder of a node, opened and locked.
pub struct Home {
    dir: PathBuf,
    header: Header,
    secrets: Secrets,
    /// Unlocked when it is closed, also by the end of the process.
    _lock: File,
}

/// What is wrong with a home. The texts are for the person whose home it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// The system refused.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others have access to what must be private.
    #[error(
        "{path} belongs to what keeps your keys, and others have access to it (mode {mode:03o}); if nobody can have used that: \
         chmod {wanted} '{path}'; otherwise make a new node and pair again"
    )]
    Loose {
        /// The folder or file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What they must be.
        wanted: &'static str,
    },
    /// There is no home here.
    #[error("there is no node in {0}; make one first (ratatosk init)")]
    Missing(PathBuf),
    /// There is one already.
    #[error("there is a node in {0} already; it was left as it is")]
    Exists(PathBuf),
    /// Another program uses it.
    #[error("another program uses the node in {0}; end it first")]
    Busy(PathBuf),
    /// The passphrase does not open it.
    #[error("the passphrase is wrong (or {0} was changed)")]
    WrongPassphrase(PathBuf),
    /// The key file does not open it.
    #[error("the key in {key} does not belong to {identity} (or one of the two was changed)")]
    WrongKey {
        /// The key file.
        key: PathBuf,
        /// What it should open.
        identity: PathBuf,
    },
    /// The keys of this owner do not open it.
    #[error("{0} was sealed by another owner (or was changed)")]
    OtherOwner(PathBuf),
    /// It is protected in another way than the caller thought.
    #[error("this node is protected by {0}")]
    OtherProtection(&'static str),
    /// A file is not what it should be.
    #[error("{path} cannot be used: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A text that a home cannot have.
    #[error("{what}: {why}")]
    Refused {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A test ended the work here.
    #[cfg(test)]
    #[error("interrupted")]
    Interrupted,
}

impl HomeError {
    fn io(what: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), error }
    }

    fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}

impl Home {
    /// Makes a home in a folder that has none. A creation that was interrupted is begun again, or, where keys exist already, can
    /// be gone on with by [`Home::open`].
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn create(
        dir: &Path,
        person: &NewPerson,
        protection: &Protection,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, HomeError> {
        Self::create_in_steps(dir, person, protection, entropy, &mut |_| Ok(()))
    }

    /// As [`Home::create`]; `done` is told of each step and can end the work there.
    pub(super) fn create_in_steps(
        dir: &Path,
        person: &NewPerson,
        protection: &Protection,
        entropy: &mut dyn Entropy,
        done: &mut dyn FnMut(Step) -> Result<(), HomeError>,
    ) -> Result<Self, HomeError> {
        person.check()?;
        protection.check()?;
        files::private_folder(dir)?;
        let held = lock(dir)?;
        let identity = dir.join(IDENTITY);
        if identity.exists() {
            return Err(HomeError::Exists(dir.to_owned()));
        }
        done(Step::Folder)?;
        let (lock, key) = protection.prepare(dir, entropy, done)?;
        done(Step::Key)?;
        let NewPerson { email, instance, name } = person.clone();
        let header = Header { format: FORMAT, email, instance, name, lock };
        let secrets = Secrets::generate(entropy);
        let text = sealed::seal(header.clone(), secrets.packed(), &key, entropy)
            .map_err(|error| HomeError::damaged(&identity, error.to_string()))?;
        replace_private(&identity, &text, &mut || done(Step::IdentityWritten))?;
        done(Step::Identity)?;
        Ok(Self { dir: dir.to_owned(), header, secrets, _lock: held })
    }

    /// Opens a home.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn open(dir: &Path, protection: &Protection) -> Result<Self, HomeError> {
        let sealed = read(dir)?;
        let held = lock(dir)?;
        let identity = dir.join(IDENTITY);
        let key = protection.key(dir, &identity, &sealed.header.lock)?;
        let bytes = sealed.open(&key).map_err(|error| match (error, protection) {
            (SealError::WrongKey, Protection::Passphrase(..)) => HomeError::WrongPassphrase(identity.clone()),
            (SealError::WrongKey, Protection::Owner(_)) => HomeError::OtherOwner(identity.clone()),
            (SealError::WrongKey, Protection::KeyFile(path)) => {
                HomeError::WrongKey { key: key_path(dir, path.as_deref()), identity: identity.clone() }
            }
            (error, _) => HomeError::damaged(&identity, error.to_string()),
        })?;
        let secrets =
            Secrets::from_packed(&bytes).ok_or_else(|| HomeError::damaged(&identity, "it does not hold four keys"))?;
        Ok(Self { dir: dir.to_owned(), header: sealed.header, secrets, _lock: held })
    }

    /// Whom the home in a folder is for, without opening it.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn whose(dir: &Path) -> Result<NewPerson, HomeError> {
        let Header { email, instance, name, .. } = read(dir)?.header;
        Ok(NewPerson { email, instance, name })
    }

    /// How the home in a folder is protected.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn protected(dir: &Path) -> Result<Protected, HomeError> {
        Ok(match read(dir)?.header.lock {
            Lock::Passphrase { .. } => Protected::ByPassphrase,
            Lock::KeyFile {} => Protected::ByKeyFile,
            Lock::Owner {} => Protected::ByOwner,
        })
    }

    /// Protects the keys in another way from now on. Interrupted, the home opens as before or as from now on.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn protect(&mut self, protection: &Protection, entropy: &mut dyn Entropy) -> Result<(), HomeError> {
        protection.check()?;
        let identity = self.dir.join(IDENTITY);
        let (lock, key) = protection.prepare(&self.dir, entropy, &mut |_| Ok(()))?;
        let header = Header { lock, ..self.header.clone() };
        let text = sealed::seal(header.clone(), self.secrets.packed(), &key, entropy)
            .map_err(|error| HomeError::damaged(&identity, error.to_string()))?;
        replace_private(&identity, &text, &mut || Ok(()))?;
        self.header = header;
        Ok(())
    }

    /// Whom it was made for.
    #[must_use]
    pub fn person(&self) -> NewPerson {
        let Header { email, instance, name, .. } = self.header.clone();
        NewPerson { email, instance, name }
    }

    /// The secret keys.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The folder, where the store is, too.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl NewPerson {
    fn check(&self) -> Result<(), HomeError> {
        let refused = |what, why| Err(HomeError::Refused { what, why });
        let texts = [
            ("the e-mail", &self.email, MAX_ID_TEXT),
            ("the name of the instance", &self.instance, MAX_ID_TEXT),
            ("the name", &self.name, MAX_NAME),
        ];
        for (what, text, limit) in texts {
            if text.trim().is_empty() {
                return refused(what, "it is empty");
            }
            if text.len() > limit {
                return refused(what, "it is too long");
            }
            if text.chars().any(char::is_control) {
                return refused(what, "it has control characters");
            }
        }
        Ok(())
    }
}

impl Protection {
    fn check(&self) -> Result<(), HomeError> {
        let refused = |why| Err(HomeError::Refused { what: "the passphrase", why });
        match self {
            Self::Passphrase(passphrase, _) if passphrase.is_empty() => refused("it is empty"),
            Self::Passphrase(passphrase, _) if passphrase.len() > MAX_PASSPHRASE => refused("it is too long"),
            _ => Ok(()),
        }
    }

    /// The lock and the key for something that is sealed anew.
    fn prepare(
        &self,
        dir: &Path,
        entropy: &mut dyn Entropy,
        done: &mut dyn FnMut(Step) -> Result<(), HomeError>,
    ) -> Result<(Lock, SealKey), HomeError> {
        match self {
            Self::Passphrase(passphrase, cost) => {
                let lock = Lock::passphrase(*cost, entropy);
                let Lock::Passphrase { salt, cost } = &lock else {
                    return Err(HomeError::OtherProtection("a key file"));
                };
                let key = sealed::derive(passphrase, salt, *cost).map_err(|_| HomeError::Refused {
                    what: "the cost of the passphrase",
                    why: "it is out of bounds",
                })?;
                Ok((lock, key))
            }
            Self::KeyFile(path) => {
                let path = key_path(dir, path.as_deref());
                // One that is there may be all that opens something else, or what an interrupted creation left.
                if let Some(key) = read_key(&path)? {
                    return Ok((Lock::KeyFile {}, key));
                }
                let key: SealKey = Zeroizing::new(array(entropy));
                let mut text = Zeroizing::new([b'\n'; 65]);
                hex::encode_to_slice(*key, &mut text[..64])
                    .map_err(|error| HomeError::damaged(&path, error.to_string()))?;
                replace_private(&path, text.as_slice(), &mut || done(Step::KeyWritten))?;
                Ok((Lock::KeyFile {}, key))
            }
            Self::Owner(AgentKey(key)) => Ok((Lock::Owner {}, key.clone())),
        }
    }

    /// The key for something that was sealed.
    fn key(&self, dir: &Path, identity: &Path, lock: &Lock) -> Result<SealKey, HomeError> {
        match (self, lock) {
            (Self::Passphrase(passphrase, _), Lock::Passphrase { salt, cost }) => {
                self.check()?;
                sealed::derive(passphrase, salt, *cost).map_err(|error| HomeError::damaged(identity, error.to_string()))
            }
            (Self::KeyFile(path), Lock::KeyFile {}) => {
                let path = key_path(dir, path.as_deref());
                let missing = || {
                    HomeError::damaged(
                        &path,
                        "it is not there, and nothing else opens this node; if it lies elsewhere, name it with --key-file",
                    )
                };
                read_key(&path)?.ok_or_else(missing)
            }
            (Self::Owner(AgentKey(key)), Lock::Owner {}) => Ok(key.clone()),
            (_, Lock::Passphrase { .. }) => Err(HomeError::OtherProtection("a passphrase")),
            (_, Lock::KeyFile {}) => Err(HomeError::OtherProtection("a key file")),
            (_, Lock::Owner {}) => Err(HomeError::OtherProtection("the keys of its owner's home")),
        }
    }
}

/// Deletes a home, its keys first; one that is not there is no error.
pub(super) fn remove(dir: &Path) -> Result<(), HomeError> {
    match std::fs::remove_file(dir.join(IDENTITY)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(HomeError::io("delete", dir, error)),
        _ => {}
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(HomeError::io("delete", dir, error)),
        _ => Ok(()),
    }
}

fn key_path(dir: &Path, chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| dir.join(KEY), Path::to_owned)
}

fn read_key(path: &Path) -> Result<Option<SealKey>, HomeError> {
    let Some(text) = files::read_private(path, KEY_FILE_LEN)? else { return Ok(None) };
    let mut key = Zeroizing::new([0; 32]);
    match hex::decode_to_slice(text.trim_ascii(), key.as_mut_slice()) {
        Ok(()) => Ok(Some(key)),
        Err(_) => Err(HomeError::damaged(path, "it is not a key (64 hex digits)")),
    }
}

fn read(dir: &Path) -> Result<Sealed, HomeError> {
    let identity = dir.join(IDENTITY);
    if !identity.exists() {
        return Err(HomeError::Missing(dir.to_owned()));
    }
    files::check_private(dir, "700")?;
    let text = files::read_private(&identity, sealed::MAX_LEN)?.ok_or_else(|| HomeError::Missing(dir.to_owned()))?;
    sealed::parse(&text).map_err(|error| HomeError::damaged(&identity, error.to_string()))
}

fn lock(dir: &Path) -> Result<File, HomeError> {
    let path = dir.join(LOCK);
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(|error| HomeError::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HomeError::Busy(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(HomeError::io("lock", &path, error)),
    }
}
