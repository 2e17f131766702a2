//! Frames of a client, in pieces: what the relay reads and passes on is what tungstenite reads out of the same bytes,
//! wherever the pieces are cut.
//!
//! Input: how many pieces the relay reads for itself, in the lower half, and whether frames are built, in the highest bit;
//! how many cuts; a byte for each, the length of the piece before it; then the frames, or what they are built from.

mod said;

use ratatosk_relay::inputs::{self, Fault, Relayed};
use tokio_tungstenite::tungstenite::protocol::Role;

use self::said::{Said, in_order, tungstenite};

/// A frame that is not there as a whole is passed on in parts of so many bytes or more.
const LEAST_PIECE: usize = 8 * 1024;

/// How tungstenite, and therefore perhaps a client, names a code that is none.
const NO_CODE: &str = "Protocol violation";

pub fn run(data: &[u8]) {
    let Some((&[how, count], rest)) = data.split_first_chunk() else { return };
    let (cuts, rest) = rest.split_at(usize::from(count % 16).min(rest.len()));
    let bytes = if how & 0x80 == 0 { rest.to_vec() } else { built(rest) };
    let pieces = pieces(&bytes, cuts, how & 0x80 != 0);
    let relayed = inputs::frames(said::LIMIT, &pieces, usize::from(how & 0x0f));
    assert!(relayed.waited < LEAST_PIECE, "{} bytes wait", relayed.waited);
    assert!(relayed.pong.len() <= 127);
    let ours = in_order(&relayed);
    if !long_way(&bytes) {
        assert!(agree(&ours, &tungstenite(Role::Server, &bytes)));
    }

    let mut again = in_order(&inputs::frames(said::LIMIT, &[&bytes], 0));
    let mut ours = ours;
    // Of a frame that is not there as a whole, a part is looked at only when it is passed on.
    for said in [&mut ours, &mut again] {
        said.pop_if(|said| *said == Said::Fault(Fault::NotUtf8));
    }
    assert!(ours == again, "the cuts make a difference");
}

/// The same messages and the same end. What is wrong we see in the first byte that shows it, tungstenite when the frame is
/// there, or the message, and perhaps under another name.
fn agree(ours: &[Said], theirs: &[Said]) -> bool {
    let Some((end, before)) = ours.split_last() else { return theirs.is_empty() };
    match end {
        Said::Fault(fault) => match theirs.strip_prefix(before) {
            Some([] | [Said::Fault(_)]) => true,
            Some([Said::Closed(..)]) => *fault == Fault::NotUtf8,
            _ => false,
        },
        Said::Closed(_, reason) if reason == NO_CODE => theirs.starts_with(before),
        _ => ours == theirs,
    }
}

/// Whether the length of a control frame is written as if it were long (RFC 6455 §5.2, §5.5). We refuse that, tungstenite
/// looks at the length alone.
fn long_way(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [first, second, more @ ..] = rest {
        let (field, len) = match second & 0x7f {
            126 => (2, more.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into())),
            127 => (8, more.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))),
            short => (0, Some(short.into())),
        };
        if first & 0x08 != 0 && field > 0 {
            return true;
        }
        let end = len.and_then(|len| usize::try_from(len).ok()).and_then(|len| len.checked_add(4 + field));
        let Some(after) = end.and_then(|end| more.get(end..)) else { break };
        rest = after;
    }
    false
}

/// The bytes, cut. The pieces of short inputs that make long frames are longer.
fn pieces<'a>(bytes: &'a [u8], cuts: &[u8], long: bool) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for &cut in cuts {
        let len = if long { usize::from(cut) * 40 } else { cut.into() };
        let (piece, more) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

/// Frames out of a first byte, a byte of the mask, how often the content is repeated, its length, and the content.
fn built(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = data;
    while let Some((&[first, key, times, len], more)) = rest.split_first_chunk() {
        let (content, more) = more.split_at(usize::from(len).min(more.len()));
        rest = more;
        // All control frames are small, but for one in sixteen.
        let times = if first & 0x08 != 0 && times < 0xf0 { 1 } else { times.into() };
        append(&mut bytes, first, key, &content.repeat(times));
        if bytes.len() > 4 * said::LIMIT {
            break;
        }
    }
    bytes
}

/// Appends a client's frame.
fn append(bytes: &mut Vec<u8>, first: u8, key: u8, payload: &[u8]) {
    bytes.push(first);
    match u16::try_from(payload.len()) {
        Ok(len @ 0..126) => bytes.push(0x80 | len.to_be_bytes()[1]),
        Ok(len) => {
            bytes.push(0x80 | 126);
            bytes.extend(len.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [key, key.rotate_left(3), !key, key.wrapping_mul(7)];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}
