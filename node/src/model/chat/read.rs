//! Reading messages, from the newest back, and finding out who has written them.

use std::fmt;
use std::str::FromStr;

use ratatosk_objects::affirm::{Affirmation, Forged, verify_affirmation};
use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::typed::{ChannelInfo, ChatMessage, Typed};
use ratatosk_objects::{HashError, IdHash, ObjectHash, PersonId};
use ratatosk_store::View;
use ratatosk_versions::list::{self, Change, Entry};

use super::super::contacts::Contacts;
use super::super::genesis::Me;
use super::super::topics::TopicId;
use super::super::{ModelError, db};
use super::attachments::{self, Attachment};

/// The most messages of a page.
pub const MAX_PAGE: usize = 1000;
/// The most entries that one page looks at, so that a channel full of other things costs no more.
const MAX_LOOK: usize = 10 * MAX_PAGE;
/// A page ends with the message that makes its texts longer than this, in bytes.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// A message of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Which one: the hash of its CreationTime. It stays the same whatever comes before or after the message.
    pub id: ObjectHash,
    /// What was written. Text of somebody else: not to be shown unescaped.
    pub text: String,
    /// Who claims to have written it.
    pub author: PersonId,
    /// Whether that is ourselves.
    pub own: bool,
    /// When, in milliseconds since 1970, as the author says.
    pub creation_time: u64,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Whether it is from that author.
    pub affirmed: Affirmed,
}

/// Whether a message is from whom it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affirmed {
    /// Signed with a key that we know to be the author's. What is signed is who has said what and when, not in which topic
    /// (`spec/one.md §5`): participants of two topics with the author can repeat in one what was said in the other.
    Verified,
    /// Nobody can tell: there is no signature, or the author's keys are not known, or they were replaced since.
    Unverified,
    /// Signed by somebody else, or for something else; or its author takes no part in the topic.
    Forged,
}

/// Messages of a topic, in the order of the channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Where the page before begins; `None` at the beginning of the channel.
    pub older: Option<Cursor>,
}

/// A place in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(ObjectHash);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = HashError;

    /// Reads a place as it was written. Whether there is such a place shows when it is gone to.
    fn from_str(text: &str) -> Result<Self, HashError> {
        text.parse().map(Self)
    }
}

/// What has come to a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    /// The newest of the messages, oldest first: at most [`MAX_PAGE`], and about 16 MiB of text.
    pub messages: Vec<Message>,
    /// How many entries there are in all.
    pub total: usize,
}

/// What it takes to judge messages.
pub(in super::super) struct Reader<'a> {
    pub(in super::super) me: &'a Me,
    pub(in super::super) contacts: &'a Contacts,
    pub(in super::super) topic: &'a TopicId,
}

impl Reader<'_> {
    /// A page of a channel: the newest messages, or those before a place. Reads nothing else of the channel.
    pub(in super::super) fn page(
        &self,
        view: &View<'_>,
        channel: IdHash,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, ModelError> {
        let head = match before {
            Some(Cursor(hash)) => Some(hash),
            None => db::current::<ChannelInfo>(view, channel)?.and_then(|version| version.value.head),
        };
        let (mut messages, mut bytes, mut older) = (Vec::new(), 0, head);
        for (looked, entry) in list::iterate_back(view, head).enumerate() {
            if messages.len() >= limit.min(MAX_PAGE) || bytes > MAX_PAGE_BYTES || looked >= MAX_LOOK {
                break;
            }
            let entry = entry?;
            let message = self.message(view, &entry)?;
            bytes += message.as_ref().map_or(0, |message| message.text.len());
            messages.extend(message);
            older = entry.previous;
        }
        messages.reverse();
        Ok(Page { messages, older: older.map(Cursor) })
    }

    /// What a channel has that it did not have before. Reads what lies above the part that both have in common.
    pub(in super::super) fn arrivals(
        &self,
        view: &View<'_>,
        now: Option<ObjectHash>,
        before: Option<ObjectHash>,
    ) -> Result<Arrivals, ModelError> {
        let mut arrivals = Arrivals { messages: Vec::new(), total: 0 };
        let mut bytes = 0;
        for change in list::difference(view, now, before) {
            let Change::Added(entry) = change? else { continue };
            arrivals.total += 1;
            if arrivals.messages.len() < MAX_PAGE && bytes <= MAX_PAGE_BYTES {
                let message = self.message(view, &entry)?;
                bytes += message.as_ref().map_or(0, |message| message.text.len());
                arrivals.messages.extend(message);
            }
        }
        arrivals.messages.reverse();
        Ok(arrivals)
    }

    /// The message of an entry; `None` if it holds something else.
    fn message(&self, view: &View<'_>, entry: &Entry) -> Result<Option<Message>, ModelError> {
        let microdata = view.object(&entry.data)?.ok_or(ModelError::MissingObject(entry.data))?;
        let Ok(ChatMessage { text, attachments: files, sender, .. }) = ChatMessage::read(&microdata) else {
            return Ok(None);
        };
        Ok(Some(Message {
            id: entry.creation_time,
            text,
            author: sender,
            own: sender == self.me.person,
            creation_time: entry.timestamp,
            attachments: attachments::of(view, &files.unwrap_or_default())?,
            affirmed: self.affirmed(view, entry, sender)?,
        }))
    }

    fn affirmed(&self, view: &View<'_>, entry: &Entry, sender: PersonId) -> Result<Affirmed, ModelError> {
        let metadata = entry.metadata.as_deref().unwrap_or_default();
        let judge = |keys: &[SignPublicKey]| verify_affirmation(view, entry.creation_time, metadata, sender, keys);
        if sender == self.me.person {
            return Ok(judge(&[self.me.sign_key()])?.into());
        }
        let Some(contact) = self.contacts.get(sender) else { return Ok(judge(&[])?.into()) };
        let affirmation = judge(&contact.sign_keys)?;
        // Signed before a new pairing: nobody knows since when the key is in other hands.
        if affirmation == Affirmation::Forged(Forged::WrongSignature)
            && judge(&contact.former_sign_keys)? == Affirmation::Verified
        {
            return Ok(Affirmed::Unverified);
        }
        // They have signed it, and somebody else has put it where they never were.
        if affirmation == Affirmation::Verified && !self.topic.participants().contains(&sender) {
            return Ok(Affirmed::Forged);
        }
        Ok(affirmation.into())
    }
}

impl From<Affirmation> for Affirmed {
    fn from(affirmation: Affirmation) -> Self {
        match affirmation {
            Affirmation::Verified => Self::Verified,
            Affirmation::Unverified(_) => Self::Unverified,
            Affirmation::Forged(_) => Self::Forged,
        }
    }
}
