//! Invitations: what one person hands another so that their peers can pair (`spec/one.md §3`).

#[cfg(test)]
mod tests;
mod token;
mod url;

use ratatosk_protocol::key::{KeyError, PublicKey};
use serde_json::{Map, Value};

pub use self::token::{TOKEN_LEN, Token};
pub use self::url::BASE_URL;

/// Most bytes of an invitation as JSON.
pub const MAX_INVITATION_LEN: usize = 4096;
/// Most bytes of an invitation as a URL: every byte of the JSON may be written as three.
pub const MAX_URL_LEN: usize = 3 * MAX_INVITATION_LEN + 1024;
/// Most bytes of a CommServer's URL in an invitation.
const MAX_SERVER_LEN: usize = 2048;

/// An invitation. Whoever holds it can become a contact of the one who made it: it is a secret until it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What proves that somebody was invited.
    pub token: Token,
    /// The inviter's instance key: the one to dial.
    pub public_key: PublicKey,
    /// The CommServer at which the inviter waits. Text of somebody else: not to be shown unescaped.
    pub url: String,
}

/// Why a text is no invitation: for whoever pasted it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// Nothing but white space.
    #[error("this is empty; an invitation is a link or a JSON text in braces")]
    Empty,
    /// Longer than any invitation.
    #[error("this is too long for an invitation")]
    TooLong,
    /// Neither a URL nor JSON.
    #[error("this is no invitation: it is neither a link that begins with https:// nor a JSON text in braces")]
    NeitherUrlNorJson,
    /// A URL without the part that carries the invitation.
    #[error("the link carries no invitation: the part after # is missing; was it cut off?")]
    NoFragment,
    /// A % without two hex digits, or bytes that are no text.
    #[error("the link is damaged: the part after # is not percent-encoded text; was it cut off?")]
    Encoding,
    /// No JSON object.
    #[error("the invitation is damaged: its content is not a JSON object; was it cut off?")]
    NotJson,
    /// A field is missing or no text.
    #[error("the invitation has no {0}")]
    Missing(&'static str),
    /// There is a field that invitations do not have.
    #[error("the invitation has something more than token, publicKey and url")]
    UnknownField,
    /// The token is empty, or longer than one can be.
    #[error("the invitation's token is not usable")]
    Token,
    /// The key is none.
    #[error("the invitation's public key is not usable: {0}")]
    Key(#[from] KeyError),
    /// The CommServer's URL is none that can be dialled.
    #[error("the invitation's url does not begin with ws:// or wss://")]
    Url,
}

impl Invitation {
    /// As JSON, with the fields in the order of the reference.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (token, url) = (Value::from(self.token.expose()), Value::from(self.url.as_str()));
        format!(r#"{{"token":{token},"publicKey":"{}","url":{url}}}"#, self.public_key)
    }

    /// Reads JSON: an object with `token`, `publicKey` and `url`, and nothing else, as the reference insists.
    ///
    /// # Errors
    ///
    /// [`InvitationError`].
    pub fn from_json(text: &str) -> Result<Self, InvitationError> {
        if text.len() > MAX_INVITATION_LEN {
            return Err(InvitationError::TooLong);
        }
        let Ok(Value::Object(map)) = serde_json::from_str(text) else { return Err(InvitationError::NotJson) };
        Self::from_map(map)
    }

    fn from_map(mut map: Map<String, Value>) -> Result<Self, InvitationError> {
        let mut take = |name| match map.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(InvitationError::Missing(name)),
        };
        let token = Token::of_invitation(take("token")?).ok_or(InvitationError::Token)?;
        let public_key = PublicKey::from_hex(&take("publicKey")?)?;
        let url = take("url")?;
        if !map.is_empty() {
            return Err(InvitationError::UnknownField);
        }
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if url.len() > MAX_SERVER_LEN || !matches!(scheme.as_deref(), Some("ws" | "wss")) {
            return Err(InvitationError::Url);
        }
        Ok(Self { token, public_key, url })
    }

    /// As a link, with the JSON percent-encoded in its fragment, which browsers do not send to the server.
    #[must_use]
    pub fn to_url(&self) -> String {
        url::write(&self.to_json())
    }

    /// Reads what a person pasted: a link with an invitation in its fragment, with or without `data=` in front, or the JSON itself,
    /// with white space around it.
    ///
    /// # Errors
    ///
    /// [`InvitationError`], whose text is for that person.
    pub fn parse(text: &str) -> Result<Self, InvitationError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvitationError::Empty);
        }
        if text.len() > MAX_URL_LEN {
            return Err(InvitationError::TooLong);
        }
        if text.starts_with('{') {
            return Self::from_json(text);
        }
        Self::from_json(url::read(text)?.trim())
    }
}
