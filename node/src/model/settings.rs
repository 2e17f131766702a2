//! Small things that are kept besides objects.

use ratatosk_store::SettingKey;

use super::ModelError;
use super::node::Node;

/// The longest URL, in bytes: as in an invitation.
const MAX_URL: usize = 2048;

const COMM_SERVER: SettingKey<String> = SettingKey::new("comm server");

impl Node {
    /// The CommServer at which contacts reach us, if one was set.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn comm_server(&self) -> Result<Option<String>, ModelError> {
        Ok(self.store.read(|view| view.setting(&COMM_SERVER))?)
    }

    /// Sets the CommServer, and tells it in our profile. Setting the same again changes nothing.
    ///
    /// # Errors
    ///
    /// A URL that is too long, or has characters that no URL has; the store's.
    pub fn set_comm_server(&self, url: &str) -> Result<(), ModelError> {
        if url.len() > MAX_URL {
            return Err(ModelError::TooMuch { what: "bytes in a URL", limit: MAX_URL });
        }
        if url.is_empty() || url.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(ModelError::Unusable { what: "the URL" });
        }
        let now = self.now();
        self.store.transaction(|tx| {
            tx.set_setting(&COMM_SERVER, &url.to_owned())?;
            super::profile::reachable_at(tx, &self.me, url, now)
        })
    }
}
