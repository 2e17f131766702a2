//! An invitation in the fragment of a link.

use super::InvitationError;

/// What a link begins with; the invitation follows.
pub const BASE_URL: &str = "https://edda.one/invites/invitePartner/#";

/// The link with this content, percent-encoded as JavaScript's `encodeURIComponent` does.
pub(super) fn write(content: &str) -> String {
    let mut url = String::from(BASE_URL);
    for byte in content.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => url.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => url.push(char::from(byte)),
            _ => {
                url.push('%');
                url.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    url
}

/// The content of a link, whatever its host and path: who shows the link is the inviter's choice.
pub(super) fn read(url: &str) -> Result<String, InvitationError> {
    let scheme = url.get(..8).ok_or(InvitationError::NeitherUrlNorJson)?;
    if !scheme.eq_ignore_ascii_case("https://") {
        return Err(InvitationError::NeitherUrlNorJson);
    }
    let (_, fragment) = url.split_once('#').ok_or(InvitationError::NoFragment)?;
    let content = fragment.strip_prefix("data=").unwrap_or(fragment);
    if content.is_empty() {
        return Err(InvitationError::NoFragment);
    }
    decode(content)
}

fn decode(text: &str) -> Result<String, InvitationError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_first_chunk::<2>().ok_or(InvitationError::Encoding)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| InvitationError::Encoding)?;
        bytes.push(byte[0]);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| InvitationError::Encoding)
}
