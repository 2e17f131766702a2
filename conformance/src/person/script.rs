//! Scenarios for peers with identities as data: what they are told, and what has to come of it.
//!
//! The text form stands in [`super::parse`].

use std::time::Duration;

use crate::scenario::Branch;
use crate::scenario::template::Template;

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Unique, short, stable: what it is about and a name, such as `pairing/reused`.
    pub id: String,
    /// What happens, in one line.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// How long invitations hold; a minute if nothing else is said.
    pub invitations: Option<Duration>,
    /// Whether peers make the topic with a new contact by themselves.
    pub makes_topics: bool,
    /// What happens, step by step.
    pub steps: Vec<Step>,
}

/// The name of one peer. `b`, `b2` … are of the implementation that invites, or of the one that is not under test; `a`,
/// `a2` … of the one that accepts; `m` is the hostile partner.
pub type Name = String;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A peer is started, and has said who it is. One that was there before is the same again.
    Start(Name),
    /// A peer can be reached.
    Online(Name),
    /// A peer makes an invitation; `accept` uses the last one.
    Invite(Name),
    /// The invitation gets another token.
    Spoil,
    /// A peer accepts the invitation, which works or must not.
    Accept {
        /// Which one.
        name: Name,
        /// Whether it works.
        works: bool,
    },
    /// A peer says that it is paired with another one.
    Paired {
        /// Which one.
        name: Name,
        /// With whom.
        with: Name,
    },
    /// A peer says that it exchanges objects with another one.
    Linked {
        /// Which one.
        name: Name,
        /// With whom.
        with: Name,
    },
    /// These are all contacts of a peer.
    Knows {
        /// Whose.
        name: Name,
        /// Who.
        whom: Vec<Name>,
    },
    /// A contact of a peer has this name.
    Called {
        /// Whose contact.
        name: Name,
        /// Who.
        whom: Name,
        /// How it is called.
        called: String,
    },
    /// A peer is told its name.
    Rename {
        /// Which one.
        name: Name,
        /// How it is called from now on.
        called: String,
    },
    /// A peer makes or finds its topic with another one.
    Topic {
        /// Which one.
        name: Name,
        /// With whom.
        with: Name,
    },
    /// A peer has the topic with another one without having been asked for it.
    Finds {
        /// Which one.
        name: Name,
        /// With whom.
        with: Name,
    },
    /// A peer posts.
    Say {
        /// Which one.
        name: Name,
        /// To whom.
        to: Name,
        /// What.
        text: String,
    },
    /// A peer gets a message of another one.
    Hear {
        /// Which one.
        name: Name,
        /// From whom.
        from: Name,
        /// What.
        text: String,
    },
    /// `a` and `b` post so many messages each, at the same time.
    Burst(usize),
    /// `a` and `b` have so many messages in their topic, the same in the same order, under the same head.
    Agree(usize),
    /// A peer posts a file of so many bytes.
    File {
        /// Which one.
        name: Name,
        /// To whom.
        to: Name,
        /// How many bytes.
        len: usize,
    },
    /// A peer has the last file of another one, as it was sent.
    HasFile {
        /// Which one.
        name: Name,
        /// From whom.
        from: Name,
    },
    /// A peer comes to so many connections.
    Connections {
        /// Which one.
        name: Name,
        /// How many.
        count: usize,
    },
    /// Peers are told to leave and to close their connections, all at once.
    Disconnect(Vec<Name>),
    /// Peers are told to come back, all at once.
    Reconnect(Vec<Name>),
    /// A peer is told to quit, and does, with exit code 0.
    Quit(Name),
    /// A peer's process is killed.
    Kill(Name),
    /// Nothing is done for so long.
    Wait(Duration),
    /// Nothing is said for so long, and no connection of `a` or `b` is lost.
    Idle(Duration),
    /// A hostile partner does something, with the last invitation if it needs one.
    Attack {
        /// Which one.
        name: Name,
        /// What.
        what: String,
    },
    /// What came of that, in its words.
    Got(Template),
    /// How a peer shows a message: `verified`, `unverified` or `forged`; `nothing` if it does not show it.
    Shown {
        /// Which peer.
        name: Name,
        /// In its topic with whom.
        with: Name,
        /// The text of the message.
        text: String,
        /// How.
        how: String,
    },
    /// One of several continuations; the first step of each tells which it is.
    Either(Vec<Branch<Step>>),
}

impl Step {
    /// Whether a branch may begin with it.
    #[must_use]
    pub fn tells_apart(&self) -> bool {
        matches!(self, Self::Got(_) | Self::Shown { .. })
    }

    /// Whether it can fail by what another peer does.
    #[must_use]
    pub fn judges(&self) -> bool {
        self.tells_apart()
            || matches!(
                self,
                Self::Accept { works: false, .. }
                    | Self::Knows { .. }
                    | Self::Called { .. }
                    | Self::Finds { .. }
                    | Self::Hear { .. }
                    | Self::Agree(_)
                    | Self::HasFile { .. }
                    | Self::Either(_)
            )
    }

    /// Who sends a file in it.
    #[must_use]
    pub fn sends_file(&self) -> Option<&str> {
        if let Self::File { name, .. } = self { Some(name) } else { None }
    }
}
