//! Messages: posted, read from the newest back, and who they are really from (`spec/one.md §5`).

mod attachments;
mod post;
mod read;

pub(super) use self::attachments::store;
pub use self::attachments::{Attachment, FileInfo, MAX_ATTACHMENT, MAX_ATTACHMENTS, NewAttachment};
pub use self::post::Posted;
pub(super) use self::post::{Draft, post};
pub(super) use self::read::Reader;
pub use self::read::{Affirmed, Arrivals, Cursor, MAX_PAGE, Message, Page};

/// The longest text of a message, in bytes.
pub const MAX_TEXT: usize = 10 << 20;
