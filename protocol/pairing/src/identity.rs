//! Who somebody is: the identity that travels in pairing (`spec/one.md §3`).

use std::fmt;

use ratatosk_protocol::key::{KEY_LEN, KeyPair, PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{InstanceId, PersonId, instance_id, person_id};

/// Most bytes of an email address and of an instance's name. The reference has no bound; its generated ones have 64.
pub const MAX_NAME_LEN: usize = 1024;
/// Most bytes of a URL.
pub const MAX_URL_LEN: usize = 2048;

/// An Ed25519 public key as identities carry it. Not checked to be a point: a signature that is made with none never verifies.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicSignKey([u8; KEY_LEN]);

impl PublicSignKey {
    /// Takes 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits of either case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; KEY_LEN];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for PublicSignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicSignKey({})", self.to_hex())
    }
}

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
    pub person_sign_key: PublicSignKey,
    /// The instance's encryption key: the one that is dialled, and under which it is registered.
    pub instance_key: PublicKey,
    /// The instance's signature key.
    pub instance_sign_key: PublicSignKey,
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
    /// The id of the person.
    #[must_use]
    pub fn person_id(&self) -> PersonId {
        person_id(&self.email)
    }

    /// The id of the instance.
    #[must_use]
    pub fn instance_id(&self) -> InstanceId {
        instance_id(&self.instance_name, &self.person_id())
    }

    /// As the `obj` of an `identity` message.
    #[must_use]
    pub fn to_json(&self) -> impl Serialize + use<> {
        IdentityText {
            r#type: "public".to_owned(),
            person_email: self.email.clone(),
            instance_name: self.instance_name.clone(),
            person_key_public: self.person_key.to_hex(),
            person_sign_key_public: self.person_sign_key.to_hex(),
            instance_key_public: self.instance_key.to_hex(),
            instance_sign_key_public: self.instance_sign_key.to_hex(),
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
        let sign_key = |name: &str| map.get(name).and_then(Value::as_str).and_then(PublicSignKey::from_hex);
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

/// Our own identity, with the secret that proves the person key. The secret is wiped when the last holder drops it.
#[derive(Debug)]
pub struct Myself {
    identity: Identity,
    person_key: KeyPair,
}

impl Myself {
    /// Puts an identity and the secret of its person key together.
    ///
    /// # Errors
    ///
    /// [`ForeignSecret`] if the secret belongs to another key.
    pub fn new(identity: Identity, person_secret: SecretKey) -> Result<Self, ForeignSecret> {
        let person_key = KeyPair::from(person_secret);
        if *person_key.public() != identity.person_key {
            return Err(ForeignSecret);
        }
        Ok(Self { identity, person_key })
    }

    /// What others may know.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn secret(&self) -> &SecretKey {
        self.person_key.secret()
    }
}

/// A secret key does not belong to the identity's person key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret key does not belong to the person key of the identity")]
pub struct ForeignSecret;
