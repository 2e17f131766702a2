//! Counters as nonces (`spec/wire.md §4`): each end counts its own messages, in steps of two.

/// From this value on a nonce counter is not used any more: 2^53 − 2.
pub const MAX_NONCE_COUNTER: u64 = (1 << 53) - 2;

/// Which nonces one end sends with. The other end uses the other ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceParity {
    /// 0, 2, 4 …: the acceptor.
    Even,
    /// 1, 3, 5 …: the connector.
    Odd,
}

/// A counter that has run out. The text is the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Nonce counter reached its maximum value.")]
pub struct NonceExhausted;

/// The nonce for a counter: 16 zero bytes and the counter, big-endian.
///
/// # Errors
///
/// From [`MAX_NONCE_COUNTER`] on.
pub fn nonce(counter: u64) -> Result<[u8; 24], NonceExhausted> {
    let mut nonce = [0; 24];
    nonce[16..].copy_from_slice(&nonce_end(counter)?);
    Ok(nonce)
}

/// The bytes of a nonce that are not always zero.
pub(crate) fn nonce_end(counter: u64) -> Result<[u8; 8], NonceExhausted> {
    if counter >= MAX_NONCE_COUNTER {
        return Err(NonceExhausted);
    }
    Ok(counter.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_stands_at_the_end() {
        let nonce = nonce(0x0102).unwrap();
        assert_eq!((&nonce[..22], &nonce[22..]), (&[0; 22][..], &[1, 2][..]));
    }

    #[test]
    fn a_counter_runs_out_where_the_reference_gives_up() {
        assert!(nonce(MAX_NONCE_COUNTER - 1).is_ok());
        assert_eq!(nonce(MAX_NONCE_COUNTER), Err(NonceExhausted));
    }
}
