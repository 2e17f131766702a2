//! Who is let in: lists of addresses and keys, origins of web pages, and a hook that the operator runs.
//!
//! | Asked about | When | By |
//! | --- | --- | --- |
//! | an address | as soon as it is known | lists |
//! | an origin | with the upgrade request | list |
//! | a registration | when the key is proven, so that nobody can find out what is in the lists | lists, hook |
//! | a request | before a spare is touched | lists, hook |

mod cache;
mod call;
mod hook;
mod origin;
#[cfg(feature = "tls")]
mod secure;
mod url;

use std::net::IpAddr;

use ratatosk_protocol::key::PublicKey;

use crate::config::Admission;
use crate::metrics::Denied;
use crate::switchboard::Switchboard;
use call::{Question, Subject};
pub(crate) use hook::Hook;
pub(crate) use origin::{is_allowed as allows_origin, is_origin};
pub(crate) use url::HookUrl;

impl Admission {
    /// Whether anybody may connect from `address`.
    fn lists_allow_address(&self, address: IpAddr) -> bool {
        let allowed = self.allow.as_ref().is_none_or(|list| !list.names_addresses() || list.has_address(address));
        allowed && !self.deny.as_ref().is_some_and(|list| list.has_address(address))
    }

    /// Whether anybody may be registered with `key`.
    fn lists_allow_key(&self, key: &PublicKey) -> bool {
        let allowed = self.allow.as_ref().is_none_or(|list| !list.names_keys() || list.has_key(key));
        allowed && !self.lists_deny_key(key)
    }

    /// Whether `key` is one of those that are not wanted, proven or not.
    fn lists_deny_key(&self, key: &PublicKey) -> bool {
        self.deny.as_ref().is_some_and(|list| list.has_key(key))
    }
}

/// Whether anybody may connect from `address`.
pub(crate) fn may_connect(board: &Switchboard, address: IpAddr) -> bool {
    counted(board, board.config().admission.lists_allow_address(address), Denied::AddressByList)
}

/// Whether a page may connect that has these `Origin` fields.
pub(crate) fn may_come_from<'a>(board: &Switchboard, origins: impl Iterator<Item = &'a [u8]>) -> bool {
    counted(board, allows_origin(&board.config().origins, origins), Denied::Origin)
}

/// Whether the client at `address` may register `key`, which it has proven.
pub(crate) async fn may_register(board: &Switchboard, address: Option<IpAddr>, key: &PublicKey) -> bool {
    let admission = &board.config().admission;
    counted(board, admission.lists_allow_key(key), Denied::RegisterByList)
        && hook_allows(board, address, admission, Subject::Register(*key), Denied::RegisterByHook).await
}

/// Whether the client at `address`, which says that it is `source`, may ask for `target`. That `source` is on a list of whom
/// to let in would mean nothing, as it is not proven.
pub(crate) async fn may_request(
    board: &Switchboard,
    address: Option<IpAddr>,
    source: &PublicKey,
    target: &PublicKey,
) -> bool {
    let admission = &board.config().admission;
    let subject = Subject::Request { source: *source, target: *target };
    let listed = admission.lists_allow_key(target) && !admission.lists_deny_key(source);
    counted(board, listed, Denied::RequestByList)
        && hook_allows(board, address, admission, subject, Denied::RequestByHook).await
}

/// Whether a spare of `key` may stay whose client is at `address`, after the lists have changed perhaps.
pub(crate) fn may_stay(board: &Switchboard, address: Option<IpAddr>, key: &PublicKey) -> bool {
    let admission = &board.config().admission;
    let from = address.is_none_or(|address| admission.lists_allow_address(address));
    counted(board, from, Denied::AddressByList)
        && counted(board, admission.lists_allow_key(key), Denied::RegisterByList)
}

async fn hook_allows(
    board: &Switchboard,
    address: Option<IpAddr>,
    admission: &Admission,
    subject: Subject,
    what: Denied,
) -> bool {
    let Some(config) = &admission.hook else { return true };
    let question = Question { subject, address };
    counted(board, board.hook().allows(config, question).await, what)
}

fn counted(board: &Switchboard, allowed: bool, what: Denied) -> bool {
    if !allowed {
        board.metrics().denied(what);
    }
    allowed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatosk_protocol::key::SecretKey;

    use super::*;
    use crate::List;

    fn list(text: &str) -> Option<Arc<List>> {
        Some(Arc::new(List::parse(text).unwrap()))
    }

    #[test]
    fn the_list_of_whom_to_refuse_is_the_stronger() {
        let [key, other] = [1, 2].map(|number| SecretKey::from_bytes([number; 32]).public_key());
        let [near, far] = ["192.0.2.1", "203.0.113.9"].map(|text| text.parse().unwrap());
        let admission = |allow: &str, deny: &str| Admission { allow: list(allow), deny: list(deny), hook: None };
        let all = |admission: &Admission| {
            (
                admission.lists_allow_key(&key),
                admission.lists_allow_key(&other),
                admission.lists_allow_address(near),
                admission.lists_allow_address(far),
            )
        };
        assert_eq!(all(&Admission::default()), (true, true, true, true));
        // A list that names no key says nothing about keys, and the same for addresses.
        assert_eq!(all(&admission("192.0.2.0/24", "")), (true, true, true, false));
        assert_eq!(all(&admission(&key.to_hex(), "")), (true, false, true, true));
        assert_eq!(all(&admission("", &format!("{key}\n192.0.2.1"))), (false, true, false, true));
        let both = format!("{key}\n192.0.2.0/24");
        assert_eq!(all(&admission(&both, &both)), (false, false, false, false));
    }
}
