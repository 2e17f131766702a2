//! Padding: the input is unpadded; then, less three bytes that say how, it is padded and unpadded again.

use ratatosk_protocol::padding::{self, PaddingError};

use ratatosk_protocol::entropy::Entropy;

use super::input::Counter;

pub fn run(data: &[u8]) {
    if let Ok((start, flags)) = padding::remove(data) {
        assert!((1..=data.len()).contains(&start) && flags <= 0x0f);
        let width = usize::from(data[0] & 0x0f);
        assert!(start > width, "the value begins inside the length");
        assert_eq!(flags, data[0] >> 4);
    }
    let Some((&[high, low, flags], value)) = data.split_first_chunk() else { return };
    let total = usize::from(u16::from_be_bytes([high, low]));
    let mut padded = b"before".to_vec();
    match padding::add(&mut padded, value, total, flags, &mut |bytes| Counter::default().fill(bytes)) {
        Ok(()) => {
            let padded = &padded[6..];
            assert_eq!(padded.len(), total);
            assert_eq!(padding::remove(padded), Ok((total - value.len(), flags)));
            assert!(padded.ends_with(value));
        }
        Err(PaddingError::Flags) => assert!(flags > 0x0f),
        Err(PaddingError::NoRoom) => assert!(total <= value.len()),
        Err(error) => panic!("adding gave {error}"),
    }
    assert!(padded.starts_with(b"before"));
}
