//! The cipher of the encryption plugin: key, nonce and message are the input's, and the audited crate has to give the same.
//! Then the input is opened as a box, and so is the box with a change in it.

use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Nonce, Tag, XSalsa20Poly1305};
use ratatosk_plugin_encryption::secretbox::{Forged, KEY_LEN, Secretbox, TAG_LEN};

use super::input::Input;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut key = [0; KEY_LEN];
    fill(&mut key, &mut input);
    let mut nonce = [0; 24];
    fill(&mut nonce[16..], &mut input);
    let change = usize::from(input.byte().unwrap_or(0)) << 8 | usize::from(input.byte().unwrap_or(0));
    let message = input.content();

    let end = *nonce.last_chunk().unwrap();
    let (ours, audited) = (Secretbox::new(&key), XSalsa20Poly1305::new(&key.into()));
    let nonce = Nonce::from(nonce);
    let (mut sealed, mut expected) = (message.clone(), message.clone());
    let tag = ours.seal(end, &mut sealed);
    assert_eq!(Tag::from(tag), audited.encrypt_in_place_detached(&nonce, &[], &mut expected).unwrap());
    assert_eq!(sealed, expected);

    // The message itself, as if it were a box.
    if let Some((head, body)) = message.split_first_chunk::<TAG_LEN>() {
        let (mut opened, mut expected) = (body.to_vec(), body.to_vec());
        let verdict = ours.open(end, &mut opened, head);
        assert_eq!(verdict.is_ok(), audited.decrypt_in_place_detached(&nonce, &[], &mut expected, head.into()).is_ok());
        assert_eq!(opened, expected);
    }

    let (mut changed, mut changed_tag) = (sealed.clone(), tag);
    let bit = change % (8 * (TAG_LEN + sealed.len()));
    match bit.checked_sub(8 * TAG_LEN) {
        None => changed_tag[bit / 8] ^= 1 << (bit % 8),
        Some(bit) => changed[bit / 8] ^= 1 << (bit % 8),
    }
    let before = changed.clone();
    assert_eq!(ours.open(end, &mut changed, &changed_tag), Err(Forged));
    assert_eq!(changed, before, "a refused message is left as it is");

    assert_eq!(ours.open(end, &mut sealed, &tag), Ok(()));
    assert_eq!(sealed, message);
}

/// The next bytes of the input, or zeros.
fn fill(place: &mut [u8], input: &mut Input<'_>) {
    for byte in place {
        *byte = input.byte().unwrap_or(0);
    }
}
