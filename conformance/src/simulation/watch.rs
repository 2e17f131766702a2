//! Watches the relay from its side of the wire: which spare it hands over, and how long it keeps whom.

use std::collections::BTreeMap;

use ratatosk_protocol::key::PublicKey;

use super::pipe::{LinkId, Millis};

/// What a connection is to the relay, as far as the wire tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Neither registered nor paired.
    New,
    /// Registered since then.
    Spare { since: Millis },
    /// Told of its partner, or hearing it.
    Paired,
    /// The relay has closed.
    Closing,
}

#[derive(Debug)]
struct Seen {
    key: PublicKey,
    accepted: Millis,
    standing: Standing,
    /// A ping is out since then, and nothing has come.
    owes: Option<Millis>,
    /// The last such debt: since when, and when it was paid.
    paid: Option<(Millis, Millis)>,
    /// When something last came from the peer, or its end.
    heard: Millis,
    order: u64,
}

/// All connections that the relay has at the moment.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: BTreeMap<LinkId, Seen>,
    registered: u64,
    /// Spares that were handed over in this instant: to be looked at when it is over.
    handed_over: Vec<(LinkId, PublicKey, u64, Millis)>,
    /// Keys for which somebody has left in this instant: their spares may have been given back.
    given_back: Vec<PublicKey>,
}

impl Watch {
    /// The relay has accepted a connection of somebody who registers `key` or asks for it.
    pub(super) fn accepted(&mut self, link: LinkId, key: PublicKey, now: Millis) {
        let standing = Standing::New;
        self.seen.insert(link, Seen { key, accepted: now, standing, owes: None, paid: None, heard: now, order: 0 });
    }

    pub(super) fn registered(&mut self, link: LinkId, now: Millis) {
        let order = self.registered;
        self.registered += 1;
        if let Some(seen) = self.seen.get_mut(&link) {
            (seen.standing, seen.order) = (Standing::Spare { since: now }, order);
        }
    }

    pub(super) fn pinged(&mut self, link: LinkId, now: Millis) {
        if let Some(seen) = self.seen.get_mut(&link) {
            seen.owes = Some(now);
        }
    }

    /// Something has come from the peer.
    pub(super) fn heard(&mut self, link: LinkId, now: Millis) {
        if let Some(seen) = self.seen.get_mut(&link) {
            seen.paid = seen.owes.take().map(|since| (since, now)).or(seen.paid);
            seen.heard = now;
        }
    }

    /// The peer has ended.
    pub(super) fn left(&mut self, link: LinkId, now: Millis) {
        if let Some(seen) = self.seen.get_mut(&link) {
            seen.heard = now;
            self.given_back.push(seen.key);
        }
    }

    pub(super) fn handed_over(&mut self, link: LinkId, now: Millis) {
        if let Some(seen) = self.seen.get_mut(&link) {
            if matches!(seen.standing, Standing::Spare { .. }) {
                // Whoever has waited for its pong may have chosen it at any time since the ping.
                let chosen = seen.paid.filter(|(_, paid)| *paid == now).map_or(now, |(since, _)| since);
                self.handed_over.push((link, seen.key, seen.order, chosen));
            }
            seen.standing = Standing::Paired;
        }
    }

    pub(super) fn paired(&mut self, link: LinkId) {
        if let Some(seen) = self.seen.get_mut(&link)
            && seen.standing == Standing::New
        {
            seen.standing = Standing::Paired;
        }
    }

    /// The relay has sent a close.
    pub(super) fn closing(&mut self, link: LinkId) {
        if let Some(seen) = self.seen.get_mut(&link) {
            seen.standing = Standing::Closing;
            self.given_back.push(seen.key);
        }
    }

    /// The relay's end is gone.
    pub(super) fn gone(&mut self, link: LinkId) {
        if let Some(seen) = self.seen.remove(&link) {
            self.given_back.push(seen.key);
        }
    }

    pub(super) fn standing(&self, link: LinkId) -> Option<Standing> {
        self.seen.get(&link).map(|seen| seen.standing)
    }

    pub(super) fn key(&self, link: LinkId) -> Option<&PublicKey> {
        self.seen.get(&link).map(|seen| &seen.key)
    }

    /// The newest other spare of the same key.
    pub(super) fn sibling(&self, link: LinkId) -> Option<LinkId> {
        let key = self.key(link)?;
        let others = self.seen.iter().filter(|(other, seen)| {
            **other != link
                && seen.key == *key
                && matches!(seen.standing, Standing::Spare { .. })
                && seen.owes.is_none()
        });
        others.max_by_key(|(_, seen)| seen.order).map(|(other, _)| *other)
    }

    /// The peers of two connections have changed places.
    pub(super) fn swap(&mut self, one: LinkId, two: LinkId) {
        if let (Some(first), Some(second)) = (self.seen.get(&one), self.seen.get(&two)) {
            let (first, second) = (first.order, second.order);
            for (link, order) in [(one, second), (two, first)] {
                if let Some(seen) = self.seen.get_mut(&link) {
                    seen.order = order;
                }
            }
        }
    }

    /// The instant at `then` is over: each spare that was handed over in it must have been the newest of its key.
    ///
    /// # Errors
    ///
    /// Which one was not.
    pub(super) fn instant_is_over(&mut self, then: Millis) -> Result<(), String> {
        let given_back = std::mem::take(&mut self.given_back);
        for (link, key, order, chosen) in std::mem::take(&mut self.handed_over) {
            if given_back.contains(&key) {
                continue;
            }
            let newer = self.seen.iter().find(|(_, seen)| {
                let is_ready = matches!(seen.standing, Standing::Spare { since } if since < chosen);
                seen.key == key && seen.order > order && is_ready && seen.owes.is_none() && seen.heard < then
            });
            if let Some((newer, _)) = newer {
                return Err(format!("spare {link} was handed over although {newer} is newer"));
            }
        }
        Ok(())
    }

    /// Whether anybody stays longer than the relay's deadlines allow.
    ///
    /// # Errors
    ///
    /// Who.
    pub(super) fn overdue(&self, now: Millis, handshake: Millis) -> Result<(), String> {
        let late = self.seen.iter().find(|(_, seen)| seen.standing == Standing::New && now > seen.accepted + handshake);
        match late {
            Some((link, seen)) => {
                Err(format!("connection {link} is neither registered nor paired after {} ms", now - seen.accepted))
            }
            None => Ok(()),
        }
    }

    /// A new relay knows nobody.
    pub(super) fn forget(&mut self) {
        *self = Self { registered: self.registered, ..Self::default() };
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::key::SecretKey;

    use super::*;

    #[test]
    fn the_newest_that_is_free_is_to_be_handed_over() {
        let key = SecretKey::from_bytes([1; 32]).public_key();
        let watch = || {
            let mut watch = Watch::default();
            for link in 0..3 {
                watch.accepted(link, key, 1);
                watch.registered(link, 2);
            }
            watch
        };
        let after = |hand_over: LinkId, before: &dyn Fn(&mut Watch)| {
            let mut watch = watch();
            before(&mut watch);
            watch.handed_over(hand_over, 9);
            watch.instant_is_over(9)
        };
        assert_eq!(after(2, &|_| {}), Ok(()));
        assert!(after(1, &|_| {}).is_err());
        assert_eq!(after(1, &|watch| watch.pinged(2, 5)), Ok(()));
        assert_eq!(after(1, &|watch| watch.handed_over(2, 9)), Ok(()));
        assert_eq!(after(1, &|watch| watch.gone(2)), Ok(()));
        assert!(after(0, &|watch| watch.pinged(2, 5)).is_err());
        let waited = |pinged: Millis| {
            after(1, &|watch| {
                watch.pinged(1, pinged);
                watch.heard(1, 9);
            })
        };
        assert_eq!(waited(1), Ok(()));
        assert!(waited(5).is_err());
        assert_eq!(after(1, &|watch| watch.left(2, 9)), Ok(()));
    }

    #[test]
    fn who_is_nothing_for_long_is_overdue() {
        let mut watch = Watch::default();
        watch.accepted(7, SecretKey::from_bytes([1; 32]).public_key(), 100);
        assert_eq!(watch.overdue(110, 10), Ok(()));
        assert!(watch.overdue(111, 10).is_err());
        watch.paired(7);
        assert_eq!(watch.overdue(111, 10), Ok(()));
    }
}
