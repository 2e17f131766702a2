//! What a daemon can be asked for.

use std::fmt::Write;
use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::transport::PATIENCE;
use super::{Client, ClientError};
use crate::api::types::{
    AcceptInvitation, Agent, Agents, BackupDone, Contact, Contacts, EditAgent, EditMe, EditTopic, ImportModel,
    Invitation, Message, Messages, Model, Models, NewAgent, NewBackup, NewInvitation, NewMessage, NewTopic, PageQuery,
    Queue, Repair, Report, Status, Stopped, Topic, Topics, Trace,
};

/// How long the other end of an invitation may take.
const PAIRING: Duration = Duration::from_secs(120);
/// How long a disk may take with what is large: a copy of a model, a backup, an examination of everything.
const DISK: Duration = Duration::from_secs(3600);

/// The body of a request that has none.
const NONE: Option<&()> = None;

impl Client {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.transport.json(Method::GET, path, NONE, PATIENCE).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.transport.json(Method::POST, path, Some(body), PATIENCE).await
    }

    async fn order(&self, method: Method, path: &str) -> Result<(), ClientError> {
        self.transport.json::<IgnoredAny>(method, path, NONE, PATIENCE).await.map(|_| ())
    }

    /// How the daemon is.
    ///
    /// # Errors
    ///
    /// That it is not there, or what it says: so for all of these.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status").await
    }

    /// The same, but whoever does not answer within this time is not there.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn status_within(&self, patience: Duration) -> Result<Status, ClientError> {
        self.transport.json(Method::GET, "/v1/status", NONE, patience).await
    }

    /// Asks the daemon to end.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn stop(&self) -> Result<(), ClientError> {
        self.order(Method::POST, "/v1/stop").await
    }

    /// Changes the name that contacts see.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn rename(&self, name: &str) -> Result<(), ClientError> {
        let edit = EditMe { name: name.to_owned() };
        self.transport.json::<IgnoredAny>(Method::PATCH, "/v1/me", Some(&edit), PATIENCE).await.map(|_| ())
    }

    /// Everybody we know.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn contacts(&self) -> Result<Vec<Contact>, ClientError> {
        self.get::<Contacts>("/v1/contacts").await.map(|contacts| contacts.contacts)
    }

    /// Trusts the keys of a contact no longer.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn forget_keys(&self, person: &str) -> Result<(), ClientError> {
        self.order(Method::POST, &format!("/v1/contacts/{}/forget-keys", escape(person))).await
    }

    /// A new invitation, to ourselves or to an AI of ours.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn invite(&self, invitation: &NewInvitation) -> Result<Invitation, ClientError> {
        self.post("/v1/invitations", invitation).await
    }

    /// Accepts an invitation. The contact is stored when this returns.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn accept(&self, invitation: &str) -> Result<Contact, ClientError> {
        let body = AcceptInvitation { invitation: invitation.to_owned() };
        self.transport.json(Method::POST, "/v1/invitations/accept", Some(&body), PAIRING).await
    }

    /// Takes an invitation of ours back.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn revoke(&self, invitation: &str) -> Result<(), ClientError> {
        let body = AcceptInvitation { invitation: invitation.to_owned() };
        self.post::<IgnoredAny>("/v1/invitations/revoke", &body).await.map(|_| ())
    }

    /// All conversations.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn topics(&self) -> Result<Vec<Topic>, ClientError> {
        self.get::<Topics>("/v1/topics").await.map(|topics| topics.topics)
    }

    /// A conversation.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn topic(&self, topic: &str) -> Result<Topic, ClientError> {
        self.get(&format!("/v1/topics/{}", escape(topic))).await
    }

    /// A new conversation of several, or the one with one person.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<Topic, ClientError> {
        self.post("/v1/topics", topic).await
    }

    /// Changes what only this node knows of a conversation.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn edit_topic(&self, topic: &str, edit: &EditTopic) -> Result<(), ClientError> {
        let path = format!("/v1/topics/{}", escape(topic));
        self.transport.json::<IgnoredAny>(Method::PATCH, &path, Some(edit), PATIENCE).await.map(|_| ())
    }

    /// A page of what was said.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn messages(&self, topic: &str, page: &PageQuery) -> Result<Messages, ClientError> {
        let mut path = format!("/v1/topics/{}/messages?", escape(topic));
        // Writing to a string does not fail.
        if let Some(before) = &page.before {
            let _ = write!(path, "before={}&", escape(before));
        }
        if let Some(limit) = page.limit {
            let _ = write!(path, "limit={limit}&");
        }
        path.pop();
        self.get(&path).await
    }

    /// Says something. It is stored and signed when this returns.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn say(&self, topic: &str, message: &NewMessage) -> Result<Message, ClientError> {
        self.post(&format!("/v1/topics/{}/messages", escape(topic)), message).await
    }

    /// Ends what AIs of ours are writing in a conversation, or would.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn stop_answers(&self, topic: &str) -> Result<Stopped, ClientError> {
        self.post(&format!("/v1/topics/{}/stop", escape(topic)), &()).await
    }

    /// The catalogue.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn models(&self) -> Result<Vec<Model>, ClientError> {
        self.get::<Models>("/v1/models").await.map(|models| models.models)
    }

    /// A model.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn model(&self, name: &str) -> Result<Model, ClientError> {
        self.get(&format!("/v1/models/{}", escape(name))).await
    }

    /// Makes a model of a file.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn import_model(&self, model: &ImportModel) -> Result<Model, ClientError> {
        self.transport.json(Method::POST, "/v1/models", Some(model), DISK).await
    }

    /// Removes a model that no AI uses.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn remove_model(&self, name: &str) -> Result<(), ClientError> {
        self.order(Method::DELETE, &format!("/v1/models/{}", escape(name))).await
    }

    /// The AIs of this node.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn agents(&self) -> Result<Vec<Agent>, ClientError> {
        self.get::<Agents>("/v1/agents").await.map(|agents| agents.agents)
    }

    /// An AI of this node.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn agent(&self, slug: &str) -> Result<Agent, ClientError> {
        self.get(&format!("/v1/agents/{}", escape(slug))).await
    }

    /// Makes an AI, with an identity of its own.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn create_agent(&self, agent: &NewAgent) -> Result<Agent, ClientError> {
        self.post("/v1/agents", agent).await
    }

    /// Changes an AI.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn edit_agent(&self, slug: &str, edit: &EditAgent) -> Result<Agent, ClientError> {
        let path = format!("/v1/agents/{}", escape(slug));
        self.transport.json(Method::PATCH, &path, Some(edit), PATIENCE).await
    }

    /// Removes an AI and its keys; what it has said stays.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn remove_agent(&self, slug: &str) -> Result<(), ClientError> {
        self.order(Method::DELETE, &format!("/v1/agents/{}", escape(slug))).await
    }

    /// What the engines have to do.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn queue(&self) -> Result<Queue, ClientError> {
        self.get("/v1/queue").await
    }

    /// What happened on the connections, phase by phase.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn trace(&self) -> Result<Trace, ClientError> {
        self.get("/v1/trace").await
    }

    /// Examines the node.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn examine(&self) -> Result<Report, ClientError> {
        self.transport.json(Method::GET, "/v1/doctor", NONE, DISK).await
    }

    /// Repairs what can be repaired.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn repair(&self) -> Result<Repair, ClientError> {
        self.transport.json(Method::POST, "/v1/doctor/repair", NONE, DISK).await
    }

    /// Writes a backup.
    ///
    /// # Errors
    ///
    /// See [`Self::status`].
    pub async fn backup(&self, backup: &NewBackup) -> Result<BackupDone, ClientError> {
        self.transport.json(Method::POST, "/v1/backup", Some(backup), DISK).await
    }
}

/// A text as a part of an address (RFC 3986 §2.1).
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_ends_its_part_of_an_address() {
        assert_eq!(escape("a/b?c=d&e#f%ä .gguf"), "a%2Fb%3Fc%3Dd%26e%23f%25%C3%A4%20.gguf");
    }
}
