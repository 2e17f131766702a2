//! Sealing and opening a message: modules, the same plugins linked, the bare cipher, and others.

use ratatosk_benches::{Outcome, Times, duel};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::Layer;

use crate::ends::Ends;
use crate::in_place;
use crate::options::Options;
use crate::others::Other;
use crate::sets::{ENCRYPTION, Form, Modules, THREE};

/// Bytes of a message.
pub(crate) const SIZES: [usize; 3] = [100, 1024, 65_536];

/// Both stacks with all three plugins, or with the encryption alone.
pub(crate) const SETS: [(&str, &[Layer]); 2] = [("all three", THREE), ("encryption", ENCRYPTION)];

/// Begins the names of contenders with these plugins; the name of their set follows.
pub(crate) const MODULES: &str = "modules";
pub(crate) const NARROW: &str = "linked, common vectors";
pub(crate) const LINKED: &str = "linked";

/// Contenders without a stack.
pub(crate) const BARE: &str = "its cipher, bare";
const IN_PLACE: &str = "linked, without a stack";
const AUDITED: &str = "crypto_secretbox, bare";

/// The name of the contender that has these plugins.
pub(crate) fn name(form: &str, set: &str) -> String {
    format!("{form}: {set}")
}

/// Times of all contenders at one size. Those that are programs come last.
pub(crate) fn measure(size: usize, modules: &Modules, others: &[&Other], options: &Options) -> Outcome<Vec<Times>> {
    let bytes = vec![0xa5; size];
    let message = Payload::binary(bytes.clone());
    let mut contenders = Vec::new();
    for (set, layers) in SETS {
        for (form, forms_name) in [(Form::Modules(modules), MODULES), (Form::Narrow, NARROW), (Form::Linked, LINKED)] {
            contenders.push(Ends::new(form, layers)?.contender(name(forms_name, set), &message)?);
        }
    }
    contenders.push(in_place::linked(IN_PLACE, &bytes));
    contenders.push(in_place::bare(BARE, &bytes));
    contenders.push(in_place::audited(AUDITED, &bytes));
    contenders.extend(others.iter().map(|other| other.contender(size)));
    duel(options.rounds, &mut contenders)
}
