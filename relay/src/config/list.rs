//! A list of keys and addresses, as text that people write.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;
use ratatosk_protocol::key::PublicKey;

/// Most characters of a line that an error quotes.
const QUOTED: usize = 40;

/// Keys and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    keys: HashSet<PublicKey>,
    networks: Vec<IpNet>,
}

/// What is wrong with the text of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text:?} is neither a public key (64 hexadecimal digits) nor an address like 192.0.2.0/24")]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    /// The beginning of it.
    pub text: String,
}

impl List {
    /// Reads one key, address or network (`192.0.2.0/24`) a line; `#` begins a comment.
    ///
    /// # Errors
    ///
    /// The first line that is none of these. What cannot be understood may not be left out: a typing mistake in a list
    /// of whom to refuse would let them in.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        let mut list = Self::default();
        for (number, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or("").trim();
            if entry.is_empty() {
                continue;
            }
            if let Ok(key) = PublicKey::from_hex(entry) {
                list.keys.insert(key);
            } else if let Some(network) = network(entry) {
                list.networks.push(network);
            } else {
                return Err(ListError { line: number + 1, text: entry.chars().take(QUOTED).collect() });
            }
        }
        Ok(list)
    }

    /// Whether there are keys in it at all.
    #[must_use]
    pub fn names_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether there are addresses in it at all.
    #[must_use]
    pub fn names_addresses(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Whether `key` is in it.
    #[must_use]
    pub fn has_key(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// Whether `address` is in one of its networks.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|address| address.to_canonical().into()))
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::key::SecretKey;

    use super::*;

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes([number; 32]).public_key()
    }

    #[test]
    fn a_list_is_read_line_by_line() {
        let text = format!("# who\n\n{}  # a laptop\n192.0.2.0/24\r\n 2001:db8::1 \n", key(7).to_hex().to_uppercase());
        let list = List::parse(&text).unwrap();
        assert!(list.names_keys() && list.names_addresses());
        assert!(list.has_key(&key(7)) && !list.has_key(&key(8)));
        for (address, is_in) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("::ffff:192.0.2.1", true),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(list.has_address(address.parse().unwrap()), is_in, "{address}");
        }
        assert_eq!(List::parse(" # nothing\n"), Ok(List::default()));
    }

    #[test]
    fn a_line_that_is_neither_is_an_error_with_its_number() {
        for line in ["192.0.2.0/33", "192.0.2", "localhost", &"ab".repeat(31), &"\u{1b}".repeat(99)] {
            let error = List::parse(&format!("192.0.2.1\n{line}\n")).unwrap_err();
            assert_eq!(error.line, 2, "{line}");
            assert!(error.to_string().len() < 400 && !error.to_string().contains('\u{1b}'), "{error}");
        }
    }
}
