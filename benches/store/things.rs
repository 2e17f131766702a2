//! Objects as a conversation has them: a message, its time, and the entry of the list, in turns, each referring to what came
//! before it.

use ratatosk_benches::Outcome;
use ratatosk_objects::typed::{ChatMessage, CreationTime, LinkedListEntry};
use ratatosk_objects::{IdHash, Microdata, ObjectHash, PersonId, Typed};

/// Never gives the same one twice.
#[derive(Debug)]
pub(crate) struct Things {
    number: u64,
    last: ObjectHash,
    entry: Option<ObjectHash>,
}

impl Things {
    /// From `number` on. Far apart, two do not meet.
    pub(crate) const fn from(number: u64) -> Self {
        Self { number, last: ObjectHash::from_bytes([0; 32]), entry: None }
    }

    pub(crate) fn one(&mut self) -> Outcome<Microdata> {
        self.number += 1;
        let thing = match self.number % 3 {
            0 => ChatMessage {
                text: format!("Message {}: {}", self.number, "lorem ipsum ".repeat(usize::try_from(self.number % 7)?)),
                attachments: None,
                sender: PersonId::from(IdHash::from_bytes([7; 32])),
                thumbnails: None,
            }
            .microdata()?,
            1 => CreationTime { timestamp: 1_700_000_000_000 + self.number, data: self.last }.microdata()?,
            _ => {
                let entry = LinkedListEntry { data: self.last, metadata: Some(vec![self.last]), previous: self.entry };
                let entry = entry.microdata()?;
                self.entry = Some(entry.hash());
                entry
            }
        };
        self.last = thing.hash();
        Ok(thing)
    }

    pub(crate) fn many(&mut self, count: usize) -> Outcome<Vec<Microdata>> {
        (0..count).map(|_| self.one()).collect()
    }
}
