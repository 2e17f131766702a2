//! The secret of an invitation.

use std::fmt;

use ratatosk_protocol::entropy::{Entropy, array};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Characters of a token that is made here or by the reference: 384 random bits.
pub const TOKEN_LEN: usize = 64;
/// Most bytes of a token that somebody else made: the reference takes any text.
const MAX_TOKEN_LEN: usize = 1024;
/// The characters. 64 divide 256, so that a random byte modulo 64 prefers none of them.
const CHARACTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";

/// The secret of an invitation. Never printed, wiped when dropped, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token(String);

impl Token {
    /// A new one: 64 random characters of `[0-9a-zA-Z_-]`.
    #[must_use]
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let bytes: Zeroizing<[u8; TOKEN_LEN]> = Zeroizing::new(array(entropy));
        Self(bytes.iter().map(|byte| char::from(CHARACTERS[usize::from(byte % 64)])).collect())
    }

    /// Any text that is not empty and not longer than 1024 bytes, as it stood in an invitation or where a node keeps its own.
    #[must_use]
    pub fn of_invitation(text: String) -> Option<Self> {
        let token = Self(text);
        let usable = !token.0.is_empty() && token.0.len() <= MAX_TOKEN_LEN;
        usable.then_some(token)
    }

    /// Whatever a peer sent: it is compared with tokens of ours, and nothing else is done with it.
    pub(crate) fn of_peer(text: String) -> Self {
        Self(text)
    }

    /// The text. Whoever copies it is responsible for the copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
