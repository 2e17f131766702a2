//! What survives a restart: the account at the ACME server, and the certificate with its key. For the owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::config::AcmeConfig;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 512 * 1024;

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.json";

/// The folder.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// An account, and where it is one.
#[derive(Serialize, Deserialize)]
struct Account {
    directory: String,
    credentials: AccountCredentials,
}

/// A certificate, and what it was asked for.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Issued {
    directory: String,
    domains: Vec<String>,
    /// The certificate of the server and those between it and the root (PEM).
    pub(super) chain: String,
    /// Its private key (PEM).
    pub(super) key: String,
}

impl Issued {
    pub(super) fn new(config: &AcmeConfig, chain: String, key: String) -> Self {
        Self { directory: config.directory.clone(), domains: config.domains.clone(), chain, key }
    }
}

impl Cache {
    /// Makes the folder, if it is not there, and tries whether something can be kept in it: whoever finds that out later
    /// has orders in vain behind him.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let cache = Self { folder: folder.to_owned() };
        cache.write("probe", b"")?;
        fs::remove_file(folder.join("probe"))?;
        Ok(cache)
    }

    /// The account at the server of `config`.
    pub(super) fn account(&self, config: &AcmeConfig) -> Option<AccountCredentials> {
        let account: Account = self.read(ACCOUNT)?;
        (account.directory == config.directory).then_some(account.credentials)
    }

    pub(super) fn keep_account(&self, config: &AcmeConfig, credentials: AccountCredentials) -> io::Result<()> {
        self.keep(ACCOUNT, &Account { directory: config.directory.clone(), credentials })
    }

    /// The account is none any longer.
    pub(super) fn forget_account(&self) {
        // What cannot be removed is asked with once more, and refused once more.
        let _ = fs::remove_file(self.folder.join(ACCOUNT));
    }

    /// The certificate for what `config` asks for.
    pub(super) fn certificate(&self, config: &AcmeConfig) -> Option<Issued> {
        let issued: Issued = self.read(CERTIFICATE)?;
        (issued.directory == config.directory && issued.domains == config.domains).then_some(issued)
    }

    pub(super) fn keep_certificate(&self, issued: &Issued) -> io::Result<()> {
        self.keep(CERTIFICATE, issued)
    }

    /// `None` also for what cannot be used: there will be another.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.folder.join(name);
        let content = match read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "what ACME has kept cannot be read and is got anew");
                return None;
            }
        };
        let parsed = serde_json::from_slice(&content);
        if parsed.is_err() {
            // The error might quote a key.
            tracing::warn!(path = %path.display(), "what ACME has kept is broken and is got anew");
        }
        parsed.ok()
    }

    fn keep<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        self.write(name, &Zeroizing::new(serde_json::to_vec(value)?))
    }

    /// All of it or nothing.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let draft = self.folder.join(format!("{name}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(draft, self.folder.join(name))
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::new());
    File::open(path)?.take(MAX_FILE).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_for_what_it_was_asked_for_and_for_the_owner_alone() {
        let folder = std::env::temp_dir().join(format!("ratatosk-acme-cache-{}", std::process::id()));
        let config = AcmeConfig::new(vec!["a.test".to_owned()], folder.join("deep"));
        let cache = Cache::open(&config.cache).unwrap();
        assert!(cache.certificate(&config).is_none() && cache.account(&config).is_none());
        cache.keep_certificate(&Issued::new(&config, "chain".to_owned(), "key".to_owned())).unwrap();
        let issued = cache.certificate(&config).unwrap();
        assert_eq!((issued.chain.as_str(), issued.key.as_str()), ("chain", "key"));
        let more = AcmeConfig { domains: vec!["a.test".to_owned(), "b.test".to_owned()], ..config.clone() };
        let other = AcmeConfig { directory: "https://other.test/".to_owned(), ..config.clone() };
        assert!(cache.certificate(&more).is_none() && cache.certificate(&other).is_none());
        #[cfg(unix)]
        for (path, mode) in [(config.cache.clone(), 0o700), (config.cache.join(CERTIFICATE), 0o600)] {
            let metadata = fs::metadata(path).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, mode);
        }
        fs::write(config.cache.join(CERTIFICATE), "{").unwrap();
        assert!(cache.certificate(&config).is_none());
        fs::write(config.cache.join("file"), "").unwrap();
        assert!(Cache::open(&config.cache.join("file")).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
