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
    /// In order, and no two of them overlap: lists of whom to refuse can be long, and everybody is looked up in them.
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
            } else if let Some(network) = parse_network(entry) {
                list.networks.push(network);
            } else {
                return Err(ListError { line: number + 1, text: entry.chars().take(QUOTED).collect() });
            }
        }
        list.networks = IpNet::aggregate(&list.networks);
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
        let behind = self.networks.partition_point(|network| network.network() <= address);
        self.networks[..behind].last().is_some_and(|network| network.contains(&address))
    }
}

/// Reads a network, or one address. IPv4 within IPv6 (`::ffff:192.0.2.0/120`) is IPv4, as it is for the address of a client:
/// it would contain none otherwise.
#[must_use]
pub fn parse_network(text: &str) -> Option<IpNet> {
    let network: IpNet = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(prefix)) => IpNet::new(address, prefix).ok(),
        _ => Some(network),
    }
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
    fn a_network_of_ipv4_in_ipv6_is_one_of_ipv4() {
        let list = List::parse("::ffff:192.0.2.0/120\n::ffff:203.0.113.9").unwrap();
        assert_eq!(list, List::parse("203.0.113.9/32\n192.0.2.0/24").unwrap());
        for (address, is_in) in [("192.0.2.7", true), ("::ffff:192.0.2.7", true), ("192.0.3.7", false)] {
            assert_eq!(list.has_address(address.parse().unwrap()), is_in, "{address}");
        }
        // Larger than all of IPv4 is about IPv6.
        assert!(!List::parse("::/0").unwrap().has_address("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn networks_may_overlap_and_touch_in_any_order() {
        let text = "10.0.0.0/8\n192.0.2.128/25\n10.1.0.0/16\n192.0.2.0/25\n0.0.0.0/32\n255.255.255.255\n\
            2001:db8::/32\n2001:db8:1::/48\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n192.0.2.77/30";
        let list = List::parse(text).unwrap();
        for address in
            ["0.0.0.0", "10.0.0.0", "10.1.2.3", "10.255.255.255", "192.0.2.0", "192.0.2.255", "255.255.255.255"]
        {
            assert!(list.has_address(address.parse().unwrap()), "{address}");
        }
        for address in ["2001:db8::", "2001:db8:1::1", "2001:db8:ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
            assert!(list.has_address(address.parse().unwrap()), "{address}");
        }
        for address in ["0.0.0.1", "9.255.255.255", "11.0.0.0", "192.0.1.255", "192.0.3.0", "::", "2001:db9::"] {
            assert!(!list.has_address(address.parse().unwrap()), "{address}");
        }
        assert!(!List::default().has_address("10.0.0.1".parse().unwrap()));
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
