//! The peer's key: new for each run, or kept in a folder that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::key::{KeyPair, SecretKey};

const FILE: &str = "instance.key";

/// The longest key file: 64 hex digits and a line end.
const MAX_LEN: u64 = 66;

/// The key of the folder, or a new one.
///
/// # Errors
///
/// What is wrong with the folder or the file, for a person.
pub(super) fn load_or_create(dir: Option<&Path>) -> Result<KeyPair, String> {
    let Some(dir) = dir else { return Ok(KeyPair::generate(os_entropy().as_mut())) };
    let path = dir.join(FILE);
    let problem = |what: &str, error: &dyn std::fmt::Display| format!("cannot {what} {}: {error}", path.display());
    match File::open(&path) {
        Ok(file) => {
            let mut text = zeroize::Zeroizing::new(String::new());
            file.take(MAX_LEN).read_to_string(&mut text).map_err(|error| problem("read", &error))?;
            let secret = SecretKey::from_hex(text.trim()).map_err(|error| problem("use", &error))?;
            Ok(secret.into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(dir).map_err(|error| problem("create the folder of", &error))?;
            let secret = SecretKey::generate(os_entropy().as_mut());
            let mut file = private_file().open(&path).map_err(|error| problem("create", &error))?;
            let text = zeroize::Zeroizing::new(secret.to_hex());
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| problem("write", &error))?;
            Ok(secret.into())
        }
        Err(error) => Err(problem("open", &error)),
    }
}

/// A new file that nobody else may read, where the system has such a thing.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
