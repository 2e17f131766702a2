//! Labels are closed sets: enums, so that no client can make a series. A key or an address is never a label.

use crate::registry::Limit;
use crate::session::Cause;

/// The values of one or more labels.
pub(super) trait Labels: Copy + 'static {
    /// How many combinations there are.
    const COUNT: usize;

    /// All of them, in the order of [`Self::index`].
    fn all() -> Vec<Self>;

    /// The place among them.
    fn index(self) -> usize;

    /// Names and values.
    fn pairs(self) -> Vec<(&'static str, &'static str)>;
}

impl<A: Labels, B: Labels> Labels for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn all() -> Vec<Self> {
        A::all().into_iter().flat_map(|a| B::all().into_iter().map(move |b| (a, b))).collect()
    }

    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        [self.0.pairs(), self.1.pairs()].concat()
    }
}

/// An enum that is the value of one label.
macro_rules! label {
    ($(#[$doc:meta])* $vis:vis enum $name:ident: $label:literal { $($(#[$about:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$about])* $variant,)* }

        impl Labels for $name {
            const COUNT: usize = [$(Self::$variant),*].len();

            fn all() -> Vec<Self> {
                vec![$(Self::$variant),*]
            }

            fn index(self) -> usize {
                self as usize
            }

            fn pairs(self) -> Vec<(&'static str, &'static str)> {
                vec![($label, match self { $(Self::$variant => $value,)* })]
            }
        }
    };
}
pub(super) use label;

label! {
    /// What a connection came in through.
    pub(crate) enum Listener: "listener" {
        /// TCP without TLS.
        Plain = "ws",
        /// TLS.
        Tls = "wss",
    }
}

label! {
    /// What became of reading the TLS certificate again.
    pub(crate) enum Reload: "outcome" {
        /// It is in use.
        Ok = "ok",
        /// It cannot be used; the one before stays.
        Error = "error",
    }
}

label! {
    /// The side of a pair that bytes come from and go to.
    pub(crate) enum Direction: "direction" {
        /// From who asked to who was asked.
        ToListener = "to_listener",
        /// The other way.
        ToConnector = "to_connector",
    }
}

label! {
    /// Why the operating system gave us no connection.
    pub(crate) enum AcceptError: "class" {
        /// It says something about one client: it has left again.
        Connection = "connection",
        /// The process has too many files open (EMFILE).
        ProcessFiles = "process_files",
        /// The system has (ENFILE).
        SystemFiles = "system_files",
        /// No memory (ENOMEM, ENOBUFS).
        Memory = "memory",
        /// Anything else.
        Other = "other",
    }
}

label! {
    /// What became of a handover.
    pub(crate) enum Handover: "outcome" {
        /// The spare has the request.
        Ok = "ok",
        /// The requester was told that nobody listens.
        NoSpare = "no_spare",
        /// A spare was reserved and turned out to be dead; the next was tried.
        StaleSpare = "stale_spare",
        /// The requester's time was up.
        Timeout = "timeout",
    }
}

label! {
    /// Where the spare was.
    pub(crate) enum Placement: "placement" {
        /// In this process.
        Local = "local",
    }
}

impl Labels for Cause {
    const COUNT: usize = Self::ALL.len();

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        self as usize
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("reason", self.name())]
    }
}

impl Labels for Limit {
    const COUNT: usize = Self::ALL.len();

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        self as usize
    }

    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![("limit", self.name()), ("scope", self.scope().name())]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Whether the places are 0, 1, 2… and no two combinations read the same.
    pub(crate) fn check<L: Labels>() {
        let all = L::all();
        assert_eq!(all.len(), L::COUNT);
        let mut seen = Vec::new();
        for (place, labels) in all.into_iter().enumerate() {
            assert_eq!(labels.index(), place);
            let pairs = labels.pairs();
            assert!(!seen.contains(&pairs), "{pairs:?}");
            seen.push(pairs);
        }
    }

    #[test]
    fn every_combination_has_a_place_of_its_own() {
        check::<(Direction, AcceptError)>();
        check::<(Handover, Placement)>();
        check::<Listener>();
        check::<Reload>();
        check::<Cause>();
        check::<Limit>();
    }
}
