//! Beside the audited crates, at every width that this machine can run.
use std::array;

use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Tag, XSalsa20Poly1305};
use fearless_simd::Level;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The audited crate.
struct Audited(XSalsa20Poly1305);

impl Audited {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(XSalsa20Poly1305::new(key.into()))
    }

    fn nonce(end: [u8; 8]) -> crypto_secretbox::Nonce {
        let mut nonce = [0; 24];
        nonce[16..].copy_from_slice(&end);
        nonce.into()
    }

    fn seal(&self, nonce: [u8; 8], message: &mut [u8]) -> [u8; TAG_LEN] {
        self.0.encrypt_in_place_detached(&Self::nonce(nonce), &[], message).unwrap().into()
    }

    fn open(&self, nonce: [u8; 8], message: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        self.0.decrypt_in_place_detached(&Self::nonce(nonce), &[], message, Tag::from_slice(tag)).is_ok()
    }
}

/// Every width that this machine can run, the widest first.
fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_sse4_2().map(Level::Sse4_2));
        levels.extend(best.as_sse2().map(Level::Sse2));
    }
    levels
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256).to_le_bytes()[0]).collect()
}

/// Sealed and opened by both, at every level.
fn compare(key: &[u8; KEY_LEN], nonce: [u8; 8], message: &[u8]) {
    let audited = Audited::new(key);
    let mut expected = message.to_vec();
    let tag = audited.seal(nonce, &mut expected);
    let ours = Secretbox::new(key);
    for level in levels() {
        let mut sealed = message.to_vec();
        assert_eq!(ours.seal_at(level, nonce, &mut sealed), tag, "tag of {} bytes, {level:?}", message.len());
        assert!(sealed == expected, "{} bytes, {level:?}", message.len());
        assert_eq!(ours.open_at(level, nonce, &mut sealed, &tag), Ok(()));
        assert!(sealed == message, "{} bytes opened, {level:?}", message.len());
    }
}

#[test]
fn every_length_up_to_some_batches() {
    let key = array::from_fn(|at| at.to_le_bytes()[0]);
    for len in 0..4200 {
        compare(&key, (len as u64).to_be_bytes(), &message(len));
    }
}

#[test]
fn long_messages() {
    for len in [8191, 16_384, 65_535, 65_536, 65_537, 65_536 + 293, 1 << 20, (4 << 20) + 1] {
        compare(&[0x5a; 32], [0xff; 8], &message(len));
    }
}

#[test]
fn keys_at_the_edges() {
    for key in [[0; 32], [0xff; 32]] {
        for nonce in [[0; 8], [0xff; 8], [0, 0, 0, 0, 0, 0, 0, 1]] {
            for byte in [0, 0xff] {
                for len in [0, 1, 31, 32, 33, 223, 224, 225, 480, 991, 992, 993, 3000] {
                    compare(&key, nonce, &vec![byte; len]);
                }
            }
        }
    }
}

/// Counters beyond what a test can count up to, beside the audited stream.
#[test]
fn counters_with_two_words() {
    use fearless_simd::{dispatch, u32x4};
    use salsa20::Salsa20;
    use salsa20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

    let key: [u8; 32] = array::from_fn(|at| 200 - at.to_le_bytes()[0]);
    let words = array::from_fn(|at| u32::from_le_bytes(array::from_fn(|byte| key[4 * at + byte])));
    for block in [0_u64, 16, (1 << 32) - 16, 1 << 32, (1 << 32) + 16, 1 << 40] {
        let mut expected = [0; 256];
        let mut audited = Salsa20::new(&key.into(), &[9; 8].into());
        audited.seek(block * 64);
        audited.apply_keystream(&mut expected);
        let mut ours = [0; 256];
        let state = State::new(&words, [9; 8]);
        dispatch!(Level::new(), simd => stream::xor_batch::<_, u32x4<_>>(simd, &state, block, &mut ours));
        assert_eq!(ours, expected, "block {block}");
    }
}

#[test]
fn a_change_anywhere_is_refused_and_leaves_the_message() {
    let ours = Secretbox::new(&[7; 32]);
    for len in [0, 1, 16, 100, 300, 700] {
        let mut sealed = message(len);
        let tag = ours.seal([1; 8], &mut sealed);
        for level in levels() {
            for bit in 0..8 * (TAG_LEN + len) {
                let (mut changed, mut changed_tag) = (sealed.clone(), tag);
                match bit.checked_sub(8 * TAG_LEN) {
                    None => changed_tag[bit / 8] ^= 1 << (bit % 8),
                    Some(bit) => changed[bit / 8] ^= 1 << (bit % 8),
                }
                let before = changed.clone();
                assert_eq!(ours.open_at(level, [1; 8], &mut changed, &changed_tag), Err(Forged), "bit {bit}");
                assert_eq!(changed, before);
            }
        }
        assert_eq!(ours.open([2; 8], &mut sealed.clone(), &tag), Err(Forged), "another nonce");
        assert_eq!(Secretbox::new(&[8; 32]).open([1; 8], &mut sealed, &tag), Err(Forged), "another key");
    }
}

/// A tag by our code at every level, each beside the audited crate's.
fn tag(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let expected: [u8; 16] =
        <::poly1305::Poly1305 as ::poly1305::universal_hash::KeyInit>::new(key.into()).compute_unpadded(message).into();
    for level in levels() {
        let ours = dispatch!(level, simd => poly1305::tag(simd, key, message));
        assert_eq!(ours, expected, "{} bytes, {level:?}", message.len());
    }
    expected
}

fn poly_key(point: &str, pad: &str) -> [u8; 32] {
    let mut key = [0; 32];
    hex::decode_to_slice(format!("{point}{pad}"), &mut key).unwrap();
    key
}

/// The vectors of RFC 8439 A.3 that overflow somewhere, also behind zero blocks, where they go through lanes.
#[test]
fn tags_at_the_edges_of_the_field() {
    let (zero, ones) = ("00".repeat(16), "ff".repeat(16));
    let (one, two) = (format!("01{}", "00".repeat(15)), format!("02{}", "00".repeat(15)));
    let twelve = format!("e33594d7505e43b9{}3394d7505e4379cd01{}", "00".repeat(8), "00".repeat(23));
    let point = format!("01{}04{}", "00".repeat(7), "00".repeat(7));
    let cases = [
        (&two, &zero, ones.clone(), format!("03{}", "00".repeat(15))),
        (&two, &ones, two.clone(), format!("03{}", "00".repeat(15))),
        (&one, &zero, format!("{ones}f0{}11{}", "ff".repeat(15), "00".repeat(15)), format!("05{}", "00".repeat(15))),
        (&one, &zero, format!("{ones}fb{}{}", "fe".repeat(15), "01".repeat(16)), zero.clone()),
        (&two, &zero, format!("fd{}", "ff".repeat(15)), format!("fa{}", "ff".repeat(15))),
        (&point, &zero, format!("{twelve}01{}", "00".repeat(15)), format!("1400000000000000{:0<16}", "55")),
        (&point, &zero, twelve.clone(), format!("13{}", "00".repeat(15))),
    ];
    for (point, pad, message, expected) in cases {
        let message = hex::decode(message).unwrap();
        let key = poly_key(point, pad);
        assert_eq!(hex::encode(tag(&key, &message)), expected);
        for blocks in [11, 12, 15, 16, 17, 127, 128, 129, 143, 144] {
            for byte in [0, 0xff] {
                let mut long = vec![byte; 16 * blocks];
                long.extend_from_slice(&message);
                tag(&key, &long);
                long.splice(..0, message.iter().copied());
                tag(&key, &long);
            }
        }
    }
}

/// What libsodium makes of the same.
#[test]
fn known_boxes() {
    let ours = Secretbox::new(&array::from_fn(|at| at.to_le_bytes()[0]));
    let nonce = 0x0102_0304_0506_0708_u64.to_be_bytes();
    let mut text = *b"The quick brown fox jumps over the lazy dog.";
    let tag = ours.seal(nonce, &mut text);
    assert_eq!(hex::encode(tag), "07b98f268c3f0b833764a2c51b2b0c02");
    assert_eq!(
        hex::encode(text),
        "48a71b318bdbd1d0b99a5e14adc163f081039247a7ce46dbc8d01beffd2ccb00acf143ae89b705575100555b"
    );
    let mut long = message(3000);
    assert_eq!(hex::encode(ours.seal(nonce, &mut long)), "56d850efc94a3ab9a46f1db750f18089");
    assert_eq!(hex::encode(&long[2984..]), "10f9f410d7d1300717b66dfc0774cb11");
}

#[test]
fn keys_are_wiped() {
    fn on_drop<T: ZeroizeOnDrop>() {}
    on_drop::<Secretbox>();
    on_drop::<State>();
    let mut key = Secretbox::new(&[1; 32]);
    assert_ne!(key.key, [0; 8]);
    key.zeroize();
    assert_eq!(key.key, [0; 8]);
}

proptest! {
    #[test]
    fn any_message(key: [u8; 32], nonce: [u8; 8], message in vec(any::<u8>(), 0..6000)) {
        compare(&key, nonce, &message);
    }

    #[test]
    fn any_tag(key: [u8; 32], message in vec(prop::sample::select(vec![0, 1, 0xfa, 0xfb, 0xff]), 0..4000)) {
        tag(&key, &message);
        tag(&[0xff; 32], &message);
    }

    /// Neither opens what the other refuses.
    #[test]
    fn any_box(key: [u8; 32], nonce: [u8; 8], tag: [u8; 16], mut boxed in vec(any::<u8>(), 0..600)) {
        prop_assert!(!Audited::new(&key).open(nonce, &mut boxed.clone(), &tag));
        prop_assert_eq!(Secretbox::new(&key).open(nonce, &mut boxed, &tag), Err(Forged));
    }
}
