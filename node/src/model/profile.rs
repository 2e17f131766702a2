//! Our own profile: what contacts get to know of us.

use ratatosk_objects::typed::{OneInstanceEndpoint, PersonName, Profile};
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
        self.store.transaction(|tx| {
            let mut profile = own(tx, &self.me)?;
            let mut descriptions = vec![db::put(tx, &PersonName { name: name.to_owned() })?];
            for hash in profile.person_description {
                if db::object_of::<PersonName>(tx, hash)?.is_none() {
                    descriptions.push(hash);
                }
            }
            profile.person_description = descriptions;
            db::store(tx, &profile, now).map(drop)
        })
    }
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
