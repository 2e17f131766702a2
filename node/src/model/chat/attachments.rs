//! Files that go with messages.

use std::io::Read;

use ratatosk_objects::typed::BlobDescriptor;
use ratatosk_objects::{BlobHash, ObjectHash, Reference};
use ratatosk_store::{Hold, Store, View};

use super::super::{ModelError, db};

/// The largest file, in bytes.
pub const MAX_ATTACHMENT: u64 = 1 << 30;
/// The most files of a message.
pub const MAX_ATTACHMENTS: usize = 64;
/// The longest name or media type of a file, in bytes.
const MAX_FILE_NAME: usize = 1024;
/// How much of a file is read at a time.
const CHUNK: usize = 64 << 10;

/// A file of a message. Name and type are texts of the other person: not to be shown unescaped, and not a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// Its BlobDescriptor.
    pub hash: ObjectHash,
    /// Its bytes.
    pub data: BlobHash,
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// How many bytes it has, as the author says.
    pub size: u64,
    /// When it was changed, in milliseconds since 1970.
    pub last_modified: f64,
    /// Whether its bytes are here.
    pub present: bool,
}

/// A file that is to go with a message. Its bytes are stored; dropped without being posted, they are garbage.
#[derive(Debug)]
pub struct NewAttachment {
    pub(in super::super) descriptor: BlobDescriptor,
    /// Until the message refers to it.
    _hold: Hold,
}

impl NewAttachment {
    /// The hash of its bytes.
    #[must_use]
    pub fn data(&self) -> BlobHash {
        self.descriptor.data
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.descriptor.size
    }
}

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct FileInfo {
    /// What it is called, without a path.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// When it was changed, in milliseconds since 1970.
    pub last_modified: u64,
}

/// Stores the bytes of a file, reading them piece by piece.
pub(in super::super) fn store(store: &Store, info: FileInfo, from: &mut dyn Read) -> Result<NewAttachment, ModelError> {
    let FileInfo { name, media_type, last_modified } = info;
    if name.len().max(media_type.len()) > MAX_FILE_NAME {
        return Err(ModelError::TooMuch { what: "bytes in the name or type of a file", limit: MAX_FILE_NAME });
    }
    let hold = store.hold();
    let mut writer = store.write_blob(MAX_ATTACHMENT);
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => writer.push(&chunk[..length])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ModelError::File(error)),
        }
    }
    let size = writer.length();
    let data = writer.finish(None)?;
    #[expect(clippy::cast_precision_loss, reason = "times of files are far below 2^53 milliseconds")]
    let last_modified = last_modified as f64;
    Ok(NewAttachment { descriptor: BlobDescriptor { data, last_modified, name, size, media_type }, _hold: hold })
}

/// The files of a message; what is no BlobDescriptor is left out.
pub(super) fn of(view: &View<'_>, hashes: &[ObjectHash]) -> Result<Vec<Attachment>, ModelError> {
    let mut attachments = Vec::new();
    for hash in hashes.iter().take(MAX_ATTACHMENTS) {
        let Some(file) = db::object_of::<BlobDescriptor>(view, *hash)? else { continue };
        let BlobDescriptor { data, last_modified, name, size, media_type } = file;
        let present = view.contains(&Reference::Blob(data))?;
        attachments.push(Attachment { hash: *hash, data, name, media_type, size, last_modified, present });
    }
    Ok(attachments)
}
