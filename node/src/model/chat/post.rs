//! Posting: everything that makes a message, in one transaction.

use ratatosk_objects::affirm::affirm;
use ratatosk_objects::typed::{ChannelInfo, ChatMessage, Typed};
use ratatosk_objects::{ObjectHash, PersonId};
use ratatosk_store::Transaction;
use ratatosk_versions::{Limits, list};

use super::super::topics::Topic;
use super::super::trust::Issuer;
use super::super::{ModelError, db};

/// The most entries from the future that are written anew to put a message below them, where its time belongs. Fewer than people and
/// AIs look at: nobody can bury what others say.
const MOVED: Limits = Limits { entries: 100 };

/// The longest message in a JSON string, in bytes: what contacts take, less what stands around it (`ratatosk_chum::Settings`).
const MAX_SENT: usize = 15 << 20;

/// How long a text is in a JSON string, at most.
fn sent_len(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

/// What is to be posted.
pub(in super::super) struct Draft {
    pub(in super::super) text: String,
    /// BlobDescriptors; none is not the same as an empty list.
    pub(in super::super) attachments: Option<Vec<ObjectHash>>,
}

/// A message that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Which one: the hash of its CreationTime.
    pub id: ObjectHash,
    /// When, in milliseconds since 1970: later than what stood there, unless that is from the future.
    pub creation_time: u64,
    /// Who has written it: ourselves.
    pub author: PersonId,
}

/// Posts a message: ChatMessage, CreationTime, AffirmationCertificate, Signature, LinkedListEntry, and the new ChannelInfo.
pub(in super::super) fn post(
    tx: &mut Transaction<'_>,
    topic: &Topic,
    issuer: Issuer<'_>,
    draft: Draft,
    now: u64,
) -> Result<Posted, ModelError> {
    let channel = db::current::<ChannelInfo>(tx, topic.channel)?.ok_or(ModelError::UnknownTopic)?.value;
    let Draft { text, attachments } = draft;
    let message = ChatMessage { text, attachments, sender: issuer.person, thumbnails: None }.microdata()?;
    if sent_len(message.as_str()) > MAX_SENT {
        return Err(ModelError::TooMuch { what: "bytes in a message as it is sent (escaped)", limit: MAX_SENT });
    }
    let data = tx.put(&message)?;
    let metadata = |tx: &mut Transaction<'_>, creation_time| -> Result<Vec<ObjectHash>, ModelError> {
        let affirmed = affirm(creation_time, issuer.person, issuer.key)?;
        tx.put(&affirmed.license)?;
        tx.put(&affirmed.certificate)?;
        Ok(vec![tx.put(&affirmed.signature)?])
    };
    let appended = match list::append(tx, channel.head, data, now, &MOVED, metadata) {
        // Somebody has filled the future. So be it: on top of that it costs nothing, and it is seen.
        Err(ModelError::Versions(ratatosk_versions::Error::TooManyEntries(_))) => {
            let newest =
                list::iterate_back(&*tx, channel.head).next().transpose()?.map_or(now, |entry| entry.timestamp);
            list::append(tx, channel.head, data, newest, &Limits::DEFAULT, metadata)?
        }
        appended => appended?,
    };
    db::store(tx, &ChannelInfo { head: Some(appended.head), ..channel }, now)?;
    Ok(Posted { id: appended.creation_time, creation_time: appended.timestamp, author: issuer.person })
}
