//! Sealing and opening a message: modules, the same plugins linked, the bare cipher, and others.

use ratatosk_benches::{Outcome, Times, duel};
use ratatosk_protocol::message::Payload;

use crate::ends::Ends;
use crate::in_place;
use crate::options::Options;
use crate::others::Other;
use crate::sets::{ENCRYPTION, Modules, THREE};

/// Bytes of a message.
pub(crate) const SIZES: [usize; 3] = [100, 1024, 65_536];

/// The contenders that are always there, in the order of their turns.
pub(crate) const NAMES: [&str; 7] = [
    "modules, all three",
    "linked, all three",
    "module, encryption",
    "linked, encryption",
    "linked, without a stack",
    "its cipher, bare",
    "crypto_secretbox, bare",
];
pub(crate) const MODULES: usize = 0;
pub(crate) const LINKED: usize = 1;
pub(crate) const MODULE_ENCRYPTION: usize = 2;
pub(crate) const LINKED_ENCRYPTION: usize = 3;
pub(crate) const BARE: usize = 5;

/// Times of all contenders at one size. Those that are programs come last.
pub(crate) fn measure(size: usize, modules: &Modules, others: &[&Other], options: &Options) -> Outcome<Vec<Times>> {
    let bytes = vec![0xa5; size];
    let message = Payload::binary(bytes.clone());
    let mut contenders = vec![
        Ends::new(Some(modules), THREE)?.contender(NAMES[MODULES], &message)?,
        Ends::new(None, THREE)?.contender(NAMES[LINKED], &message)?,
        Ends::new(Some(modules), ENCRYPTION)?.contender(NAMES[MODULE_ENCRYPTION], &message)?,
        Ends::new(None, ENCRYPTION)?.contender(NAMES[LINKED_ENCRYPTION], &message)?,
        in_place::linked(NAMES[4], &bytes),
        in_place::bare(NAMES[BARE], &bytes),
        in_place::audited(NAMES[6], &bytes),
    ];
    contenders.extend(others.iter().map(|other| other.contender(size)));
    duel(options.rounds, &mut contenders)
}
