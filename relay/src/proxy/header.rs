//! The header of the PROXY protocol, version 2, as HAProxy specifies it (proxy-protocol.txt, section 2.2). Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of the part that every header has.
pub(crate) const FIXED_LEN: usize = 16;

/// Most bytes of a whole header. The specification's example of a buffer that is enough, and no proxy sends more: the
/// addresses are 36 bytes, the rest is extensions.
pub(crate) const MAX_LEN: usize = 536;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    /// `PROXY TCP4 …` as text.
    #[error("version 1 of the PROXY protocol is not spoken, only version 2")]
    VersionOne,
    /// Something else: HTTP, TLS, junk.
    #[error("no header of the PROXY protocol")]
    NoHeader,
    /// A version, command, family or transport that version 2 does not have.
    #[error("an invalid header of the PROXY protocol")]
    Invalid,
    /// More than [`MAX_LEN`].
    #[error("a header of the PROXY protocol of more than {MAX_LEN} bytes")]
    TooLong,
    /// Less than its addresses.
    #[error("a header of the PROXY protocol without room for its addresses")]
    TooShort,
}

/// The first part of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    addresses: Addresses,
    /// How many bytes follow.
    pub(crate) rest: usize,
}

/// What stands in the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    /// Nothing that counts: the proxy speaks for itself, or does not know.
    None,
    V4,
    V6,
}

impl Fixed {
    /// Reads the first part.
    ///
    /// # Errors
    ///
    /// [`HeaderError`], but not that the rest is too short for its addresses.
    pub(crate) fn parse(bytes: &[u8; FIXED_LEN]) -> Result<Self, HeaderError> {
        let [signature @ .., version_and_command, family_and_transport, high, low] = bytes;
        if signature != &SIGNATURE {
            let is_text = bytes.starts_with(b"PROXY ");
            return Err(if is_text { HeaderError::VersionOne } else { HeaderError::NoHeader });
        }
        let addresses = match (version_and_command, family_and_transport) {
            // LOCAL: a health check of the proxy itself. What stands behind is to be skipped.
            (0x20, _) | (0x21, 0x00) => Addresses::None,
            (0x21, 0x11) => Addresses::V4,
            (0x21, 0x21) => Addresses::V6,
            _ => return Err(HeaderError::Invalid),
        };
        let rest = usize::from(u16::from_be_bytes([*high, *low]));
        if FIXED_LEN + rest > MAX_LEN {
            return Err(HeaderError::TooLong);
        }
        Ok(Self { addresses, rest })
    }

    /// Where the connection comes from: `None` if it is the proxy's own. Extensions behind the addresses are skipped.
    ///
    /// # Errors
    ///
    /// [`HeaderError::TooShort`]
    pub(crate) fn source(self, rest: &[u8]) -> Result<Option<IpAddr>, HeaderError> {
        // Source and target address, then both ports.
        let source = match self.addresses {
            Addresses::None => return Ok(None),
            Addresses::V4 => rest
                .first_chunk::<12>()
                .and_then(|all| all.first_chunk())
                .map(|at: &[u8; 4]| Ipv4Addr::from(*at).into()),
            Addresses::V6 => rest
                .first_chunk::<36>()
                .and_then(|all| all.first_chunk())
                .map(|at: &[u8; 16]| Ipv6Addr::from(*at).into()),
        };
        source.map(Some).ok_or(HeaderError::TooShort)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Result<Option<IpAddr>, HeaderError> {
        let fixed = Fixed::parse(bytes.first_chunk().unwrap())?;
        fixed.source(&bytes[FIXED_LEN..FIXED_LEN + fixed.rest])
    }

    fn header(kind: [u8; 2], rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &kind, &length, rest].concat()
    }

    #[test]
    fn the_source_is_read_and_extensions_are_skipped() {
        let v4 = [&[192, 0, 2, 1, 203, 0, 113, 9, 1, 2, 3, 4][..], &[0x04; 40]].concat();
        assert_eq!(parse(&header([0x21, 0x11], &v4)), Ok(Some("192.0.2.1".parse().unwrap())));
        let v6 = [&[0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[7], &[9; 20]].concat();
        assert_eq!(parse(&header([0x21, 0x21], &v6)), Ok(Some("2001:db8::7".parse().unwrap())));
    }

    #[test]
    fn the_proxy_may_speak_for_itself() {
        for kind in [[0x20, 0x00], [0x20, 0x11], [0x20, 0xff], [0x21, 0x00]] {
            assert_eq!(parse(&header(kind, &[1; 20])), Ok(None), "{kind:?}");
            assert_eq!(parse(&header(kind, &[])), Ok(None), "{kind:?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let cases = [
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), HeaderError::VersionOne),
            (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), HeaderError::NoHeader),
            (header([0x11, 0x11], &[0; 12]), HeaderError::Invalid),
            (header([0x22, 0x11], &[0; 12]), HeaderError::Invalid),
            // UDP and Unix sockets.
            (header([0x21, 0x12], &[0; 12]), HeaderError::Invalid),
            (header([0x21, 0x31], &[0; 216]), HeaderError::Invalid),
            (header([0x21, 0x11], &[0; 11]), HeaderError::TooShort),
            (header([0x21, 0x21], &[0; 35]), HeaderError::TooShort),
            (header([0x21, 0x11], &[0; MAX_LEN - FIXED_LEN + 1]), HeaderError::TooLong),
        ];
        for (bytes, error) in cases {
            assert_eq!(parse(&bytes), Err(error), "{bytes:?}");
        }
        assert!(parse(&header([0x21, 0x11], &[0; MAX_LEN - FIXED_LEN])).is_ok());
    }

    proptest! {
        #[test]
        fn an_address_that_is_written_is_read(source: [u8; 16], is_v4: bool, more in proptest::collection::vec(any::<u8>(), 0..400)) {
            let (kind, source, size): (_, IpAddr, usize) = if is_v4 {
                (0x11, Ipv4Addr::from(*source.first_chunk::<4>().unwrap()).into(), 12)
            } else {
                (0x21, Ipv6Addr::from(source).into(), 36)
            };
            let mut rest = match source {
                IpAddr::V4(source) => source.octets().to_vec(),
                IpAddr::V6(source) => source.octets().to_vec(),
            };
            rest.resize(size, 0);
            rest.extend(more);
            prop_assert_eq!(parse(&header([0x21, kind], &rest)), Ok(Some(source)));
        }

        #[test]
        fn nothing_long_is_asked_for(bytes: [u8; FIXED_LEN]) {
            let mut bytes = bytes;
            bytes[..12].copy_from_slice(&SIGNATURE);
            if let Ok(fixed) = Fixed::parse(&bytes) {
                prop_assert!(FIXED_LEN + fixed.rest <= MAX_LEN);
            }
        }
    }
}
