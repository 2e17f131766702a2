//! Frames of BLOB streams.
//!
//! A frame is the number of the request as a little-endian double, and data. The reference on Node means to send the same, but hands
//! an `ArrayBuffer` to a layer that expects a `Uint8Array`: what arrives from it is an empty message, and the data is lost
//! (`spec/one.md §6`, trap (e)). Whoever reads frames has to live with empty ones.

use bytes::{BufMut, Bytes, BytesMut};

use super::MAX_REQUEST_ID;

/// Bytes before the data.
pub const BINARY_HEAD_LEN: usize = 8;

/// A piece of a BLOB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryFrame {
    /// The request that is answered.
    pub id: i64,
    /// The data, in order.
    pub data: Bytes,
}

impl BinaryFrame {
    /// Reads a frame; none if it is too short, or its number is no whole number that a request can have.
    #[must_use]
    pub fn parse(mut message: Bytes) -> Option<Self> {
        let head = message.get(..BINARY_HEAD_LEN)?.try_into().ok()?;
        let id = whole(f64::from_le_bytes(head))?;
        bytes::Buf::advance(&mut message, BINARY_HEAD_LEN);
        Some(Self { id, data: message })
    }

    /// The frame as it goes out.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut message = BytesMut::with_capacity(BINARY_HEAD_LEN + self.data.len());
        message.put_f64_le(double(self.id));
        message.put_slice(&self.data);
        message.freeze()
    }
}

/// The whole number that a double stands for, if JavaScript could have counted to it.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
pub(super) fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= double(MAX_REQUEST_ID)).then_some(number as i64)
}

/// The double for a number of a request, which is exact up to [`MAX_REQUEST_ID`].
#[expect(clippy::cast_precision_loss, reason = "numbers of requests are below 2^53")]
fn double(id: i64) -> f64 {
    id as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_reference_frames_it() {
        let frame = BinaryFrame { id: 3, data: Bytes::from_static(b"xyz") };
        assert_eq!(&frame.encode()[..], b"\0\0\0\0\0\0\x08\x40xyz");
        assert_eq!(BinaryFrame::parse(frame.encode()), Some(frame));
    }

    #[test]
    fn numbers_that_no_request_has() {
        for number in [0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(BinaryFrame::parse(Bytes::copy_from_slice(&number.to_le_bytes())), None, "{number}");
        }
        assert_eq!(BinaryFrame::parse(Bytes::new()), None);
        assert_eq!(BinaryFrame::parse(Bytes::from_static(b"1234567")), None);
        let zero = BinaryFrame::parse(Bytes::copy_from_slice(&(-0.0f64).to_le_bytes()));
        assert_eq!(zero.map(|frame| frame.id), Some(0));
    }
}
