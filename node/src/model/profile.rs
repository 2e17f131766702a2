//! Our own profile: what contacts get to know of us.

use ratatosk_objects::ObjectHash;
use ratatosk_objects::typed::{OneInstanceEndpoint, PersonName, PersonStatus, Profile, Typed};
use ratatosk_store::{Transaction, View};

use super::genesis::Me;
use super::home::MAX_NAME;
use super::node::Node;
use super::{ModelError, contacts, db};

impl Node {
    /// Our name, as contacts see it.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn name(&self) -> Result<String, ModelError> {
        let name = self.store.read(|view| {
            let profile = own(view, &self.me)?;
            let hash = contacts::name_object(view, &profile)?;
            hash.map(|hash| db::needed::<PersonName>(view, hash)).transpose()
        })?;
        Ok(name.map(|name: PersonName| name.name).unwrap_or_default())
    }

    /// Calls us something else.
    ///
    /// # Errors
    ///
    /// A name that is empty or too long; the store's.
    pub fn set_name(&self, name: &str) -> Result<(), ModelError> {
        if name.len() > MAX_NAME {
            return Err(ModelError::TooMuch { what: "bytes in a name", limit: MAX_NAME });
        }
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(ModelError::Unusable { what: "the name" });
        }
        let now = self.now();
        let own_name = |tx: &mut Transaction<'_>| db::put(tx, &PersonName { name: name.to_owned() });
        self.store.transaction(|tx| describe::<PersonName>(tx, &self.me, own_name, now))
    }

    /// Says something about us in our profile. Saying the same again changes nothing.
    ///
    /// # Errors
    ///
    /// The store's.
    pub(super) fn set_status(&self, status: &str) -> Result<(), ModelError> {
        let now = self.now();
        self.store.transaction(|tx| {
            if status_of(tx, &own(tx, &self.me)?)?.as_deref() == Some(status) {
                return Ok(());
            }
            let said = PersonStatus { value: status.to_owned(), timestamp: now, location: String::new() };
            describe::<PersonStatus>(tx, &self.me, |tx| db::put(tx, &said), now)
        })
    }
}

/// Puts one description into our profile in place of all of its type.
fn describe<T: Typed>(
    tx: &mut Transaction<'_>,
    me: &Me,
    put: impl FnOnce(&mut Transaction<'_>) -> Result<ObjectHash, ModelError>,
    now: u64,
) -> Result<(), ModelError> {
    let mut profile = own(tx, me)?;
    let mut descriptions = vec![put(tx)?];
    for hash in profile.person_description {
        if db::object_of::<T>(tx, hash)?.is_none() {
            descriptions.push(hash);
        }
    }
    profile.person_description = descriptions;
    db::store(tx, &profile, now).map(drop)
}

/// What a profile says about its person, in one line.
pub(super) fn status_of(view: &View<'_>, profile: &Profile) -> Result<Option<String>, ModelError> {
    for hash in &profile.person_description {
        if let Some(status) = db::object_of::<PersonStatus>(view, *hash)? {
            return Ok(Some(status.value));
        }
    }
    Ok(None)
}

/// Our profile as it is.
fn own(view: &View<'_>, me: &Me) -> Result<Profile, ModelError> {
    let id = me.profile()?;
    Ok(db::current(view, id)?.ok_or(ModelError::MissingId(id))?.value)
}

/// Says in our profile where this instance is reached.
pub(super) fn reachable_at(tx: &mut Transaction<'_>, me: &Me, url: &str, now: u64) -> Result<(), ModelError> {
    let mut profile = own(tx, me)?;
    for hash in &mut profile.communication_endpoint {
        if let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(tx, *hash)?
            && endpoint.instance_id == me.instance
        {
            *hash = db::put(tx, &OneInstanceEndpoint { url: Some(url.to_owned()), ..endpoint })?;
        }
    }
    db::store(tx, &profile, now).map(drop)
}
