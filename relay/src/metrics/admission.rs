//! Labels of what was not let in, and of the hook that decides it.

use super::labels::{Labels, label};

label! {
    /// What became of a question to the hook.
    pub(crate) enum Asked: "outcome" {
        /// Yes.
        Allow = "allow",
        /// No.
        Deny = "deny",
        /// It took too long: no.
        Timeout = "timeout",
        /// Something else than an answer: no.
        Error = "error",
        /// The answer was there, or on its way: nothing was asked.
        Cached = "cached",
    }
}

/// What was not let in, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// An address that is on the wrong list, or not on the right one.
    AddressByList,
    /// A page whose origin is not in the list.
    Origin,
    /// A proven key that is on the wrong list, or not on the right one.
    RegisterByList,
    /// A proven key that the hook does not want.
    RegisterByHook,
    /// A request by or for a key that is on the wrong list.
    RequestByList,
    /// A request that the hook does not want.
    RequestByHook,
}

impl Denied {
    const ALL: [Self; 6] = [
        Self::AddressByList,
        Self::Origin,
        Self::RegisterByList,
        Self::RegisterByHook,
        Self::RequestByList,
        Self::RequestByHook,
    ];
}

impl Labels for Denied {
    const COUNT: usize = Self::ALL.len();

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        self as usize
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        let (what, by) = match self {
            Self::AddressByList => ("address", "list"),
            Self::Origin => ("origin", "list"),
            Self::RegisterByList => ("register", "list"),
            Self::RegisterByHook => ("register", "hook"),
            Self::RequestByList => ("request", "list"),
            Self::RequestByHook => ("request", "hook"),
        };
        vec![("what", what), ("by", by)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::labels::tests::check;

    #[test]
    fn every_refusal_has_a_place_of_its_own() {
        check::<Denied>();
        check::<Asked>();
    }
}
