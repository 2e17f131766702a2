//! Properties of the whole room, and what tungstenite makes of the same bytes.

#[path = "../../fuzz/src/frames/said.rs"]
mod said;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use self::said::{LIMIT, Said, tungstenite};
use super::forward::LEAST_PIECE;
use super::*;
use crate::inputs::{self, Relayed};

fn masked(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        len @ 0..126 => out.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..65536 => {
            out.push(0xfe);
            out.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            out.push(0xff);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend(key);
    out.extend(payload.iter().enumerate().map(|(place, byte)| byte ^ key[place % 4]));
    out
}

/// Cuts `bytes` at these places.
fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    places.push(bytes.len());
    let mut from = 0;
    places.into_iter().map(|place| &bytes[std::mem::replace(&mut from, place)..place]).collect()
}

/// What the relay has read, what a receiver reads after that, and the pong that is due.
fn relayed(pieces: &[&[u8]], own: usize) -> (Vec<Said>, Vec<u8>) {
    let relayed = inputs::frames(LIMIT, pieces, own);
    assert!(relayed.waited < LEAST_PIECE);
    (said::in_order(&relayed), relayed.pong)
}

/// A message in fragments with pings between them, and what should arrive.
fn message() -> impl Strategy<Value = (Vec<u8>, Option<Said>)> {
    let content = prop_oneof![
        ".{0,40}".prop_map(Said::Text),
        vec(any::<u8>(), 0..300).prop_map(Said::Binary),
        (9000..20_000_usize, any::<u8>()).prop_map(|(len, byte)| Said::Binary(vec![byte; len])),
        (3000..9000_usize).prop_map(|len| Said::Text("€".repeat(len))),
    ];
    (content, vec(any::<Index>(), 0..4), any::<[u8; 4]>(), any::<bool>()).prop_map(|(said, cuts, key, pings)| {
        let (opcode, content) = match &said {
            Said::Binary(data) => (2, data.as_slice()),
            Said::Text(text) => (1, text.as_bytes()),
            _ => unreachable!("no message"),
        };
        let fragments = pieces(content, &cuts);
        let mut bytes = Vec::new();
        for (place, fragment) in fragments.iter().enumerate() {
            let fin = if place + 1 == fragments.len() { 0x80 } else { 0 };
            let opcode = if place == 0 { opcode } else { 0 };
            if pings {
                bytes.extend(masked(0x89, key, b"are you there?"));
            }
            bytes.extend(masked(fin | opcode, key, fragment));
        }
        (bytes, (content.len() <= LIMIT).then_some(said))
    })
}

/// Frames as they may come from somebody who does not know the rules, or does not want to.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        6 => ".{0,12}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..200),
        1 => prop::sample::select(vec![20_000, LIMIT, LIMIT + 1]).prop_map(|len| vec![b'x'; len]),
    ];
    (first, any::<[u8; 4]>(), payload).prop_map(|(first, key, payload)| masked(first, key, &payload))
}

proptest! {
    #[test]
    fn messages_arrive_whatever_the_reads_bring(
        messages in vec(message(), 0..6), cuts in vec(any::<Index>(), 0..12), own in 0..6_usize,
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
        let expected: Vec<_> = messages.into_iter().map_while(|(_, said)| said).collect();
        let (said, _) = relayed(&pieces(&bytes, &cuts), own);
        prop_assert!(said == expected, "{} bytes", bytes.len());
    }

    #[test]
    fn byte_by_byte_is_the_same_as_at_once(frames in vec(any_frame(), 0..5)) {
        let bytes = frames.concat();
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert!(relayed(&single, 0) == relayed(&[&bytes], 0));
        prop_assert!(relayed(&single, bytes.len() / 2) == relayed(&[&bytes], 0));
    }

    #[test]
    fn tungstenite_reads_the_same_out_of_any_frames(
        frames in vec(any_frame(), 0..8), cuts in vec(any::<Index>(), 0..8), own in 0..4_usize,
    ) {
        let bytes = frames.concat();
        let theirs = tungstenite(Role::Server, &bytes);
        let (ours, _) = relayed(&pieces(&bytes, &cuts), own);
        prop_assert!(alike(&ours, &theirs), "ours {ours:?}\ntheirs {theirs:?}");
    }

    #[test]
    fn bytes_without_any_sense_do_no_harm(
        bytes in vec(any::<u8>(), 0..300), cuts in vec(any::<Index>(), 0..8), own in 0..8_usize,
    ) {
        let (mut said, pong) = relayed(&pieces(&bytes, &cuts), own);
        prop_assert!(pong.len() <= 127);
        let (mut at_once, _) = relayed(&[&bytes], 0);
        // Of a frame that is not there as a whole, a part is looked at only when it is passed on.
        for said in [&mut said, &mut at_once] {
            said.pop_if(|said| *said == Said::Fault(Fault::NotUtf8));
        }
        prop_assert_eq!(said, at_once);
    }
}

/// The same messages and the same kind of end. Where both find a fault, tungstenite may name another: it looks at the
/// content of a message after its last frame, and at a frame's size before its opcode.
fn alike(ours: &[Said], theirs: &[Said]) -> bool {
    let ends = |said: &Said| matches!(said, Said::Fault(_));
    match (ours.split_last(), theirs.split_last()) {
        (Some((our, ours)), Some((their, theirs))) if ends(our) && ends(their) => ours == theirs,
        _ => ours == theirs,
    }
}

#[test]
fn the_newest_ping_is_answered() {
    let bytes = [masked(0x89, [1, 2, 3, 4], b"first"), masked(0x89, [5, 6, 7, 8], b"second")].concat();
    for own in [0, 1] {
        let (said, pong) = relayed(&[&bytes], own);
        assert_eq!(said, []);
        assert_eq!(pong, b"\x8a\x06second");
    }
}

#[test]
fn small_frames_become_small_frames_in_one_piece() {
    let frames: Vec<u8> = (0..100_u8).flat_map(|number| masked(0x82, [number; 4], &[number; 100])).collect();
    let mut buffer = [&[0; HEADROOM][..], &frames].concat();
    let input = HEADROOM..buffer.len();
    let forwarded = Client::new(LIMIT).forward(&mut buffer, input, &mut Vec::new());
    assert_eq!((forwarded.count, forwarded.payload, forwarded.rest.len()), (100, 10_000, 0));
    let expected: Vec<u8> = (0..100_u8).flat_map(|number| [&[0x82, 100][..], &[number; 100]].concat()).collect();
    assert!(buffer[forwarded.frames] == expected);
}

#[test]
fn what_comes_before_a_fault_is_passed_on_and_what_comes_behind_it_is_not() {
    let bytes = [masked(0x81, [1; 4], b"fine"), masked(0x81, [2; 4], b"\xff"), masked(0x81, [3; 4], b"late")].concat();
    let (said, _) = relayed(&[&bytes], 0);
    assert_eq!(said, [Said::Text("fine".into()), Said::Fault(Fault::NotUtf8)]);
    let bytes = [masked(0x88, [1; 4], b"\x0f\xa1bye"), masked(0x81, [3; 4], b"late")].concat();
    let (said, _) = relayed(&[&bytes], 0);
    assert_eq!(said, [Said::Closed(Some(CloseCode::Library(4001).into()), "bye".into())]);
}
