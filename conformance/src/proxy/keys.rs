//! The secret keys that the proxy was given.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::key::{KeyPair, PublicKey, SecretKey};
use ratatosk_protocol::message::CommunicationRequest;

/// Longest key file.
const MAX_FILE: u64 = 64 << 10;

/// Long-term keys of peers.
#[derive(Debug, Default)]
pub struct Keys(Vec<KeyPair>);

impl Keys {
    /// Reads a file: one secret key in hex a line; empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    ///
    /// For people: the file cannot be read, others than its owner have access to it, or a line is no key.
    pub fn read(path: &Path) -> Result<Self, String> {
        let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(|error| problem(&error))?;
        private(&file).map_err(|error| problem(&error))?;
        let mut text = String::new();
        file.take(MAX_FILE).read_to_string(&mut text).map_err(|error| problem(&error))?;
        let keys = Self::parse(&text).map_err(|error| problem(&error))?;
        if keys.0.is_empty() {
            return Err(problem(&"no key in it"));
        }
        Ok(keys)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(index, line)| {
            // What stands there instead may be a secret all the same.
            SecretKey::from_hex(line)
                .map(KeyPair::from)
                .map_err(|_| format!("line {}: no key of 64 hex digits", index + 1))
        });
        keys.collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What the two ends of a connection share, if the key of one of them is here.
    pub(super) fn long_term(&self, request: &CommunicationRequest) -> Option<SharedKey> {
        let target = request.target.as_ref().ok()?;
        let between = |ours: &PublicKey, theirs: &PublicKey| {
            let pair = self.0.iter().find(|pair| pair.public() == ours)?;
            Some(SharedKey::between(pair.secret(), theirs))
        };
        between(&request.source, target).or_else(|| between(target, &request.source))
    }
}

impl From<Vec<KeyPair>> for Keys {
    fn from(pairs: Vec<KeyPair>) -> Self {
        Self(pairs)
    }
}

/// Refuses a file that others may read or change.
#[cfg(unix)]
fn private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("it holds secret keys, and others than its owner have access (mode {:03o}); chmod 600", mode & 0o777))
}

#[cfg(not(unix))]
fn private(_: &File) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::entropy::OsEntropy;

    use super::*;

    #[test]
    fn either_end_s_key_will_do() {
        let [connector, listener, other] = std::array::from_fn(|_| KeyPair::generate(&mut OsEntropy));
        let request = CommunicationRequest { source: *connector.public(), target: Ok(*listener.public()) };
        let shared = |pair: &KeyPair| Keys(vec![pair.clone()]).long_term(&request);
        assert_eq!(shared(&connector).unwrap().expose(), shared(&listener).unwrap().expose());
        assert!(shared(&other).is_none());
    }

    #[test]
    fn a_file_is_lines_of_keys() {
        let text = format!("# mine\n\n{}\n  {}  \n", "0a".repeat(32), "0B".repeat(32));
        assert_eq!(Keys::parse(&text).unwrap().count(), 2);
        let error = Keys::parse("# mine\nsecret").unwrap_err();
        assert_eq!(error, "line 2: no key of 64 hex digits");
    }
}
