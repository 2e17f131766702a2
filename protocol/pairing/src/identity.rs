//! Who somebody is: the identity that travels in pairing (`spec/one.md §3`).

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::{InstanceId, PersonId, WriteError};
use ratatosk_protocol::key::{KEY_LEN, KeyPair, PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{instance_id, person_id};

/// Most bytes of an email address and of an instance's name. The reference has no bound; its generated ones have 64.
pub const MAX_NAME_LEN: usize = 1024;
/// Most bytes of a URL.
pub const MAX_URL_LEN: usize = 2048;

/// The public identity of a person on an instance. All ids follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person's email address; it alone makes the person's id. Text of the other end: not to be shown unescaped.
    pub email: String,
    /// The instance's name. Text of the other end.
    pub instance_name: String,
    /// The person's encryption key.
    pub person_key: PublicKey,
    /// The person's signature key.
    pub person_sign_key: SignPublicKey,
    /// The instance's encryption key: the one that is dialled, and under which it is registered.
    pub instance_key: PublicKey,
    /// The instance's signature key.
    pub instance_sign_key: SignPublicKey,
    /// The CommServer at which the instance is registered. Text of the other end.
    pub url: Option<String>,
}

/// The same as it stands in JSON, in the order of the reference.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityText {
    r#type: String,
    person_email: String,
    instance_name: String,
    person_key_public: String,
    person_sign_key_public: String,
    instance_key_public: String,
    instance_sign_key_public: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Identity {
    /// The ids of person and instance.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the names are too long for any object.
    pub fn ids(&self) -> Result<(PersonId, InstanceId), WriteError> {
        let person = person_id(&self.email)?;
        Ok((person, instance_id(&self.instance_name, person)?))
    }

    /// As the `obj` of an `identity` message.
    #[must_use]
    pub fn to_json(&self) -> impl Serialize + use<> {
        IdentityText {
            r#type: "public".to_owned(),
            person_email: self.email.clone(),
            instance_name: self.instance_name.clone(),
            person_key_public: self.person_key.to_hex(),
            person_sign_key_public: hex::encode(self.person_sign_key.as_bytes()),
            instance_key_public: self.instance_key.to_hex(),
            instance_sign_key_public: hex::encode(self.instance_sign_key.as_bytes()),
            url: self.url.clone(),
        }
    }

    /// Reads the `obj` of an `identity` message. Unknown fields do not matter, as to the reference; stricter than there, keys have
    /// 32 bytes and texts a length.
    #[must_use]
    pub fn from_json(map: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str, max: usize| {
            map.get(name).and_then(Value::as_str).filter(|text| text.len() <= max).map(str::to_owned)
        };
        let key = |name: &str| map.get(name).and_then(Value::as_str).and_then(|text| PublicKey::from_hex(text).ok());
        let sign_key = |name: &str| map.get(name).and_then(Value::as_str).and_then(sign_key_from_hex);
        if map.get("type").and_then(Value::as_str) != Some("public") {
            return None;
        }
        Some(Self {
            email: text("personEmail", MAX_NAME_LEN)?,
            instance_name: text("instanceName", MAX_NAME_LEN)?,
            person_key: key("personKeyPublic")?,
            person_sign_key: sign_key("personSignKeyPublic")?,
            instance_key: key("instanceKeyPublic")?,
            instance_sign_key: sign_key("instanceSignKeyPublic")?,
            url: match map.get("url") {
                None => None,
                Some(_) => Some(text("url", MAX_URL_LEN)?),
            },
        })
    }
}

/// Reads 64 hex digits of either case. Any 32 bytes may be announced as a sign key.
pub(crate) fn sign_key_from_hex(text: &str) -> Option<SignPublicKey> {
    let mut bytes = [0; KEY_LEN];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(SignPublicKey::from_bytes(bytes))
}

/// Our own identity, with the secret that proves the person key. The secret is wiped when the last holder drops it.
#[derive(Debug)]
pub struct Myself {
    identity: Identity,
    person: PersonId,
    instance: InstanceId,
    person_key: KeyPair,
}

impl Myself {
    /// Puts an identity and the secret of its person key together.
    ///
    /// # Errors
    ///
    /// [`MyselfError`].
    pub fn new(identity: Identity, person_secret: SecretKey) -> Result<Self, MyselfError> {
        let person_key = KeyPair::from(person_secret);
        if *person_key.public() != identity.person_key {
            return Err(MyselfError::ForeignSecret);
        }
        if identity.email.len() > MAX_NAME_LEN || identity.instance_name.len() > MAX_NAME_LEN {
            return Err(MyselfError::NameTooLong);
        }
        let (person, instance) = identity.ids()?;
        Ok(Self { identity, person, instance, person_key })
    }

    /// What others may know.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Our person.
    #[must_use]
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// Our instance.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    pub(crate) fn secret(&self) -> &SecretKey {
        self.person_key.secret()
    }
}

/// Why an identity cannot be ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MyselfError {
    /// The secret key belongs to another person key.
    #[error("the secret key does not belong to the person key of the identity")]
    ForeignSecret,
    /// Others would not take it.
    #[error("the email address or the instance's name is longer than {MAX_NAME_LEN} bytes")]
    NameTooLong,
    /// There are no ids for it.
    #[error(transparent)]
    Ids(#[from] WriteError),
}
