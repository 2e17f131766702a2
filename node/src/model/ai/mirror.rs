//! Whom an AI knows: whoever its owner knows, if its audience allows.
//!
//! The owner's node gives the identities of those who have been paired with, or introduced; the AI's node takes their keys on the
//! owner's word, and trusts them no longer when the owner does not. Contacts that the AI's node has from elsewhere (pairing) stay.

use std::collections::{BTreeMap, BTreeSet};

use ratatosk_objects::typed::OneInstanceEndpoint;
use ratatosk_objects::{IdHash, PersonId, Reference};
use ratatosk_pairing::Identity;
use ratatosk_store::{Transaction, View};

use super::super::contacts::{self, Contact, Contacts, MAX_CONTACTS, record};
use super::super::node::Node;
use super::super::trust::{self, Age};
use super::super::{ModelError, db};
use super::book::{self, Entry};
use super::settings::{Agent, Audience};

/// Under which name persons are pinned whom the owner's node has given.
const MIRRORED: &str = "mirrored";

impl Node {
    /// Everybody whom an AI of ours may know: ourselves, and each device of our contacts of which we vouch for the keys, AIs
    /// among them.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn identities(&self) -> Result<Vec<Identity>, ModelError> {
        let known = self.known()?;
        let own = self.store.read(|view| book::entries(view, self.me.person))?;
        let is_usable = |contact: &Contact| match contact.ai() {
            Some(email) if email.owner == self.me.person => {
                let listed = |entry: &Entry| entry.person == contact.person && !entry.is_removing();
                own.iter().any(listed) && self.has_folder(&email)
            }
            _ => true,
        };
        let mut identities = vec![Identity { url: self.comm_server()?, ..self.me.identity.clone() }];
        self.store.read(|view| {
            for contact in known.contacts.all().filter(|contact| is_usable(contact)) {
                Self::vouched_identities(view, contact, &mut identities)?;
            }
            Ok(identities)
        })
    }

    /// The same, less whom the audience of this AI keeps out, and less itself. AIs that are there for their owner alone are known
    /// to the owner alone.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn identities_for(&self, agent: &Agent) -> Result<Vec<Identity>, ModelError> {
        let mut identities = self.identities()?;
        if agent.settings.audience == Audience::Owner {
            identities.truncate(1);
            return Ok(identities);
        }
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        let private: BTreeSet<_> = entries
            .iter()
            .filter(|entry| entry.settings().audience == Audience::Owner || entry.person == agent.person)
            .map(|entry| entry.email.to_string())
            .collect();
        identities.retain(|identity| !private.contains(&identity.email));
        Ok(identities)
    }

    /// Of an AI's node: knows these and nobody else of those that its owner's node has given before. Gives whether that has
    /// changed anything; nothing is written if not.
    ///
    /// # Errors
    ///
    /// The store's. Somebody who cannot be a contact is left out.
    pub fn mirror(&self, identities: &[Identity]) -> Result<bool, ModelError> {
        let known = self.known()?;
        let before = self.store.read(mirrored)?;
        let mut wanted = BTreeMap::<PersonId, Vec<&Identity>>::new();
        for identity in identities.iter().take(MAX_CONTACTS) {
            let (person, _) = identity.ids()?;
            if person != self.me.person {
                wanted.entry(person).or_default().push(identity);
            }
        }
        let gone: Vec<_> = before.iter().filter(|person| !wanted.contains_key(person)).copied().collect();
        wanted.retain(|person, devices| !before.contains(person) || !is_known(&known.contacts, *person, devices));
        if gone.is_empty() && wanted.is_empty() {
            return Ok(false);
        }
        let now = self.now();
        self.change(|tx| {
            for person in gone {
                tx.unpin(MIRRORED, Reference::Id(person.id()))?;
                match record::forget_keys(tx, person, now) {
                    Ok(()) | Err(ModelError::UnknownContact(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            wanted.iter().try_for_each(|(person, devices)| self.take(tx, *person, devices, now))
        })?;
        Ok(true)
    }

    /// Takes the keys of a person on the owner's word, in place of others.
    fn take(
        &self,
        tx: &mut Transaction<'_>,
        person: PersonId,
        devices: &[&Identity],
        now: u64,
    ) -> Result<(), ModelError> {
        let mut has_begun_anew = false;
        for device in devices {
            match self.take_device(tx, person, device) {
                Err(ModelError::KeysChanged { .. }) => has_begun_anew = true,
                // What fits no contact fits none.
                Err(ModelError::TooMuch { .. } | ModelError::Write(_)) => {}
                result => result?,
            }
        }
        if has_begun_anew {
            record::forget_keys(tx, person, now)?;
            for device in devices {
                match self.take_device(tx, person, device) {
                    Err(ModelError::TooMuch { .. } | ModelError::Write(_) | ModelError::KeysChanged { .. }) => {}
                    result => result?,
                }
            }
        }
        if contacts::is_known(tx, person)? {
            tx.pin(MIRRORED, Reference::Id(person.id()))?;
        }
        Ok(())
    }

    /// A device whose keys are known may be elsewhere; everything else is as after pairing.
    fn take_device(&self, tx: &mut Transaction<'_>, person: PersonId, device: &Identity) -> Result<(), ModelError> {
        let (_, instance) = device.ids()?;
        let issuer = (self.me.person, self.me.sign_key());
        let trusted = trust::vouched(tx, issuer, person, Age::Present)?;
        for hash in trusted.endpoints {
            let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(tx, hash)? else { continue };
            let same = Identity { url: device.url.clone(), ..device.clone() };
            let known = contacts::identity(tx, hash)?.map(|known| Identity { url: device.url.clone(), ..known });
            if known == Some(same) {
                let moved = db::put(tx, &OneInstanceEndpoint { url: device.url.clone(), ..endpoint })?;
                return record::moved(tx, person, instance, moved);
            }
        }
        self.add(tx, device).map(drop)
    }

    /// The identities of a contact that we vouch for, with the addresses that are known now.
    fn vouched_identities(
        view: &View<'_>,
        contact: &Contact,
        identities: &mut Vec<Identity>,
    ) -> Result<(), ModelError> {
        let mut seen = BTreeSet::<IdHash>::new();
        for hash in &contact.vouched {
            let Some(mut identity) = contacts::identity(view, *hash)? else { continue };
            let (_, instance) = identity.ids()?;
            let known = contact.endpoints.iter().find(|known| known.instance == instance);
            if let Some(known) = known.filter(|known| known.key == identity.instance_key)
                && seen.insert(instance.id())
            {
                identity.url.clone_from(&known.url);
                identities.push(identity);
            }
        }
        Ok(())
    }
}

/// The persons whom the owner's node has given.
pub(super) fn mirrored(view: &View<'_>) -> Result<BTreeSet<PersonId>, ModelError> {
    let id = |reference| if let Reference::Id(id) = reference { Some(PersonId::from(id)) } else { None };
    Ok(view.pinned(MIRRORED)?.into_iter().filter_map(id).collect())
}

/// Whether all devices are known with these keys, at these places.
fn is_known(contacts: &Contacts, person: PersonId, devices: &[&Identity]) -> bool {
    let Some(contact) = contacts.get(person) else { return false };
    devices.iter().all(|device| {
        contact.person_keys.contains(&device.person_key)
            && contact.sign_keys.contains(&device.person_sign_key)
            && contact
                .endpoints
                .iter()
                .any(|known| known.key == device.instance_key && (device.url.is_none() || known.url == device.url))
    })
}
