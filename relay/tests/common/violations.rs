//! What RFC 6455 does not allow a client to send.

use super::raw;

/// Frames, what is wrong with them and where that stands, and the code of the close (§7.4.1).
pub type Violation = (&'static str, Vec<u8>, u16);

/// What is wrong whatever a connection is.
pub fn all() -> Vec<Violation> {
    [headers(), control(), text()].concat()
}

fn headers() -> Vec<Violation> {
    let mut late_mask = raw::frame(0x01, b"{");
    late_mask.extend(b"\x80\x01}");
    vec![
        ("the first reserved bit, as of a compressed message (§5.2)", raw::frame(0xc1, b"{}"), 1002),
        ("the second reserved bit (§5.2)", raw::frame(0xa1, b"{}"), 1002),
        ("the third reserved bit (§5.2)", raw::frame(0x91, b"{}"), 1002),
        ("a reserved bit on a ping (§5.2)", raw::frame(0xc9, b""), 1002),
        ("a reserved opcode (§5.2)", raw::frame(0x83, b"{}"), 1002),
        ("a reserved control opcode (§5.2)", raw::frame(0x8b, b""), 1002),
        ("2^63 bytes and more (§5.2)", [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat(), 1002),
        ("no mask (§5.1)", b"\x81\x02{}".to_vec(), 1002),
        ("no mask on a ping (§5.1)", b"\x89\x00".to_vec(), 1002),
        ("no mask on the second fragment (§5.1)", late_mask, 1002),
        ("a continuation of nothing (§5.4)", raw::frame(0x80, b"abc"), 1002),
        ("a message within a message (§5.4)", [raw::frame(0x01, b"a"), raw::frame(0x81, b"b")].concat(), 1002),
    ]
}

fn control() -> Vec<Violation> {
    let mut large_ping = raw::frame(0x82, &[0; 126]);
    large_ping[0] = 0x89;
    vec![
        ("a ping in fragments (§5.5)", raw::frame(0x09, b"abc"), 1002),
        ("a pong in fragments (§5.5)", raw::frame(0x0a, b"abc"), 1002),
        ("a close in fragments (§5.5)", raw::frame(0x08, b""), 1002),
        ("a ping of more than 125 bytes (§5.5)", large_ping, 1002),
        ("half a close code (§5.5.1)", raw::frame(0x88, b"\x03"), 1002),
        ("a close code that is none (§7.4.1)", raw::frame(0x88, &1006_u16.to_be_bytes()), 1002),
        ("a close code out of all ranges (§7.4.2)", raw::frame(0x88, &5000_u16.to_be_bytes()), 1002),
        ("a close reason that is no text (§5.5.1, §8.1)", raw::frame(0x88, b"\x03\xe8\xff"), 1007),
    ]
}

fn text() -> Vec<Violation> {
    let in_fragments = [raw::frame(0x01, b"\xe2"), raw::frame(0x80, b"\x28")].concat();
    vec![
        ("text that is no UTF-8 (§8.1)", raw::frame(raw::TEXT, b"{\xff}"), 1007),
        ("a surrogate in UTF-8 (§8.1)", raw::frame(raw::TEXT, b"\xed\xa0\x80"), 1007),
        ("an overlong form of UTF-8 (§8.1)", raw::frame(raw::TEXT, b"\xc0\xaf"), 1007),
        ("text that ends within a character (§8.1)", raw::frame(raw::TEXT, b"\xe2\x82"), 1007),
        ("text that is no UTF-8, in fragments (§8.1)", in_fragments, 1007),
    ]
}
