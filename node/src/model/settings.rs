//! Small things that are kept besides objects.

use ratatosk_objects::IdHash;
use ratatosk_store::SettingKey;

use super::ModelError;
use super::node::Node;

/// The longest URL, in bytes: as in an invitation.
const MAX_URL: usize = 2048;

const COMM_SERVER: SettingKey<String> = SettingKey::new("comm server");

/// The least and the most important that a topic can be.
pub const PRIORITIES: std::ops::RangeInclusive<u8> = 1..=10;
/// How important a topic is of which nothing else was said.
pub const PRIORITY: u8 = 5;

/// How important a topic is.
fn priority(channel: &IdHash) -> SettingKey<i64> {
    SettingKey::of("priority", channel)
}

impl Node {
    /// How important a topic is to us, by its channel, from 1 to 10: of two answers that wait for an engine, that of the more
    /// important topic comes first. Others do not know.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn topic_priority(&self, channel: &IdHash) -> Result<u8, ModelError> {
        let set = self.store.read(|view| view.setting(&priority(channel)))?;
        Ok(set.and_then(|set| u8::try_from(set).ok()).filter(|set| PRIORITIES.contains(set)).unwrap_or(PRIORITY))
    }

    /// Sets it.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`]; [`ModelError::OutOfRange`].
    pub fn set_topic_priority(&self, channel: &IdHash, important: u8) -> Result<(), ModelError> {
        if !PRIORITIES.contains(&important) {
            return Err(ModelError::OutOfRange { what: "the priority of a topic", least: 1, most: 10 });
        }
        // Settings of what is no topic would stay for ever.
        if !self.known()?.topics.all().any(|topic| topic.channel == *channel) {
            return Err(ModelError::UnknownTopic);
        }
        Ok(self.store.transaction(|tx| tx.set_setting(&priority(channel), &i64::from(important)))?)
    }

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
