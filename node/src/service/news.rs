//! What a service tells its application.

use ratatosk_objects::{IdHash, InstanceId, PersonId};

/// Something has happened. An application that does not take it slows down the peers that it is about, and nobody else.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// Whether we can be reached at the CommServer.
    Online(bool),
    /// Somebody has become a contact, or a contact has been renewed.
    Paired {
        /// The person.
        person: PersonId,
        /// The instance that we are paired with.
        instance: InstanceId,
        /// Whether we have accepted an invitation; otherwise it was ours.
        initiated: bool,
    },
    /// A connection begins to synchronise.
    ProtocolStart {
        /// With whom.
        person: PersonId,
        /// With which instance.
        instance: InstanceId,
        /// Which protocol.
        protocol: &'static str,
        /// Whether we have dialled.
        initiated: bool,
    },
    /// A connection came up or went down.
    Connection(ConnectionInfo),
    /// Something of a contact has come, or is not as it was.
    Changed(crate::model::Change),
    /// A contact is writing something in a topic in which both of us take part. Nobody's word yet: it is not signed, and gone when the
    /// connection ends or the message comes.
    Draft {
        /// Who writes.
        person: PersonId,
        /// A piece of it.
        draft: ratatosk_chum::Draft,
    },
    /// A device of a contact has got what we have of something, with everything that it needs.
    Delivered {
        /// Whose device.
        person: PersonId,
        /// Of what: a topic's channel, our profile.
        id: IdHash,
    },
    /// A connection failed in a way that somebody may want to know of.
    Trouble {
        /// With what.
        place: &'static str,
        /// What happened, for a person; texts of the other end are escaped.
        text: String,
    },
}

/// A connection to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The number that timelines and transcripts have.
    pub id: u64,
    /// With whom.
    pub remote_person: PersonId,
    /// With which instance.
    pub remote_instance: InstanceId,
    /// What is spoken.
    pub protocol: &'static str,
    /// Whether it leads to another node of this process, and uses no network.
    pub local: bool,
    /// How it stands.
    pub status: Status,
}

/// How a connection to a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Both ends know who the other is, and synchronise.
    Open,
    /// It is over.
    Closed,
}
