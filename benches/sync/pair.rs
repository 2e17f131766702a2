//! Two nodes that are contacts, and the machines of one connection between them.
//!
//! There is no network: what one machine sends is handed to the other. Time is a number that jumps to the next thing that is due,
//! so nothing is waited for, and what is measured is work.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_benches::Outcome;
use ratatosk_chum::{Chum, Event, Input, Output, Settings};
use ratatosk_node::model::{Library, NewPerson, Node, Protection};
use ratatosk_protocol::message::Payload;

/// What stands in a request for the list of roots (`spec/one.md §5`).
const ROOTS: &str = "\"serviceId\":2,";

/// A node and its end of the connection.
pub(crate) struct End {
    pub(crate) node: Arc<Node>,
    library: Library,
    machine: Chum,
    /// How often it has asked for everything that the other shares.
    polls: usize,
}

/// Two of them.
pub(crate) struct Pair {
    pub(crate) ends: [End; 2],
    /// The 1:1 topic.
    pub(crate) topic: String,
    now: Instant,
    /// Messages and bytes that went from one to the other.
    pub(crate) sent: [usize; 2],
}

impl Pair {
    /// Makes two nodes in a folder, which must not be there, with one topic.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let make = |name: &str| -> Outcome<Arc<Node>> {
            let dir = folder.join(name);
            fs::create_dir_all(folder)?;
            let person =
                NewPerson { email: format!("{name}@bench.test"), instance: "bench".to_owned(), name: name.to_owned() };
            Ok(Arc::new(Node::create(&dir, &person, &Protection::KeyFile(None))?))
        };
        let (anna, ben) = (make("anna")?, make("ben")?);
        for (one, other) in [(&anna, &ben), (&ben, &anna)] {
            one.add_contact(&other.me().identity)?;
        }
        let topic = anna.topic_with(ben.person())?.id.to_string();
        let now = Instant::now();
        let end = |node: &Arc<Node>, other: &Arc<Node>| End {
            node: node.clone(),
            library: node.library(other.me().person, other.me().instance),
            machine: Chum::new(Settings::default(), now),
            polls: 0,
        };
        Ok(Self { ends: [end(&anna, &ben), end(&ben, &anna)], topic, now, sent: [0; 2] })
    }

    /// Lets both work until neither has anything to do at once.
    fn settle(&mut self) -> Outcome<()> {
        loop {
            let mut is_idle = true;
            for from in [0, 1] {
                while let Some(message) = self.take(from)? {
                    is_idle = false;
                    self.sent[0] += 1;
                    self.sent[1] += match &message {
                        Payload::Text(text) => {
                            self.ends[from].polls += usize::from(text.contains(ROOTS));
                            text.len()
                        }
                        Payload::Binary(bytes) => bytes.len(),
                    };
                    let End { library, machine, .. } = &mut self.ends[1 - from];
                    machine.handle(Input::Message(message), library, self.now)?;
                }
                let End { library, machine, .. } = &mut self.ends[from];
                if machine.poll_timeout().is_some_and(|due| due <= self.now) {
                    is_idle = false;
                    machine.handle(Input::Timeout, library, self.now)?;
                }
            }
            if is_idle {
                return Ok(());
            }
        }
    }

    /// The next message of one end.
    fn take(&mut self, from: usize) -> Outcome<Option<Payload>> {
        let End { library, machine, .. } = &mut self.ends[from];
        while let Some(output) = machine.poll_output(library, self.now)? {
            match output {
                Output::Send(message) => return Ok(Some(message)),
                Output::Close(fault) => return Err(format!("a machine gave up: {fault}").into()),
                Output::Event(Event::Refused { refusal, .. }) => return Err(format!("refused: {refusal}").into()),
                Output::Event(_) => {}
            }
        }
        Ok(None)
    }

    /// Goes on until both have once more asked for everything and got it.
    pub(crate) fn poll(&mut self) -> Outcome<()> {
        let before = [self.ends[0].polls, self.ends[1].polls];
        loop {
            self.settle()?;
            if self.ends[0].polls > before[0] && self.ends[1].polls > before[1] {
                return Ok(());
            }
            let due = self.ends.iter().filter_map(|end| end.machine.poll_timeout()).min();
            self.now = due.ok_or("both machines wait for nothing")?.max(self.now + Duration::from_millis(1));
        }
    }

    /// Goes on until both have the same.
    pub(crate) fn converge(&mut self) -> Outcome<()> {
        for _ in 0..100 {
            self.poll()?;
            let heads = self.ends.each_ref().map(|end| end.node.head(&self.topic).ok());
            if heads[0].is_some() && heads[0] == heads[1] {
                return Ok(());
            }
        }
        Err("the two do not come to the same".into())
    }
}
