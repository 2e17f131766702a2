//! How often and when an AI has answered.
//!
//! An object would grow by a version with each answer, for nobody; so a setting counts, and the `LLM` object follows once an hour,
//! and when the node stops.

use jiff::Timestamp;
use ratatosk_objects::typed::Llm;
use ratatosk_store::{SettingKey, Transaction, View};
use serde::{Deserialize, Serialize};

use super::super::node::Node;
use super::super::{ModelError, db};
use super::book::{self, Entry};
use super::email::AgentEmail;

/// How old what the object says may be, in milliseconds.
const OBJECT_AGE: u64 = 3_600_000;

/// The counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) count: u64,
    /// Milliseconds since 1970.
    pub(super) last: Option<u64>,
    /// Until when the object has it, in milliseconds since 1970.
    written: u64,
}

fn key(email: &AgentEmail) -> SettingKey<String> {
    SettingKey::of("usage of agent", email.local())
}

/// What was counted; nothing if that cannot be read: it is not worth an error.
pub(super) fn of(view: &View<'_>, email: &AgentEmail) -> Result<Usage, ModelError> {
    let text = view.setting(&key(email))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

pub(super) fn clear(tx: &mut Transaction<'_>, email: &AgentEmail) -> Result<(), ModelError> {
    Ok(tx.clear_setting(&key(email))?)
}

/// A time as the `LLM` object has it; empty for never.
pub(super) fn written(time: Option<u64>) -> String {
    let time = time.and_then(|time| i64::try_from(time).ok());
    time.and_then(|time| Timestamp::from_millisecond(time).ok()).map(|time| time.to_string()).unwrap_or_default()
}

impl Node {
    /// An AI of ours has answered.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownAgent`].
    pub fn agent_used(&self, slug: &str) -> Result<(), ModelError> {
        let now = self.now();
        self.store.transaction(|tx| {
            let entry = book::entry(tx, self.me.person, slug)?;
            let entry = entry.ok_or_else(|| ModelError::UnknownAgent(slug.to_owned()))?;
            let mut usage = of(tx, &entry.email)?;
            usage.count += 1;
            usage.last = Some(now);
            set(tx, &entry, usage, now, now.saturating_sub(usage.written) >= OBJECT_AGE)
        })
    }

    /// Writes into the `LLM` objects what was counted since: for the end of a program.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn flush_usage(&self) -> Result<(), ModelError> {
        let now = self.now();
        let is_due = |view: &View<'_>, entry: &Entry| -> Result<Option<Usage>, ModelError> {
            let usage = of(view, &entry.email)?;
            Ok((entry.llm.usage_count.unwrap_or_default() != usage.count).then_some(usage))
        };
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        for entry in entries {
            if self.store.read(|view| is_due(view, &entry))?.is_none() {
                continue;
            }
            self.store.transaction(|tx| {
                let Some(entry) = book::entry(tx, self.me.person, &entry.email.slug)? else { return Ok(()) };
                match is_due(tx, &entry)? {
                    Some(usage) => set(tx, &entry, usage, now, true),
                    None => Ok::<_, ModelError>(()),
                }
            })?;
        }
        Ok(())
    }
}

fn set(
    tx: &mut Transaction<'_>,
    entry: &Entry,
    mut usage: Usage,
    now: u64,
    object_too: bool,
) -> Result<(), ModelError> {
    if object_too {
        usage.written = now;
        let llm = Llm { last_used: written(usage.last), usage_count: Some(usage.count), ..entry.llm.clone() };
        db::store(tx, &llm, now)?;
    }
    let text = serde_json::to_string(&usage).map_err(|_| ModelError::Setting("the usage of an AI"))?;
    Ok(tx.set_setting(&key(&entry.email), &text)?)
}
