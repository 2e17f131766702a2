//! Two ends of a connection without a socket between them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ratatosk_benches::{Contender, Outcome};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Layer, NonceParity, Outgoing, Stack};

use crate::sets::{Form, stack};

/// Two open stacks.
pub(crate) struct Ends(pub(crate) [Stack; 2]);

impl Ends {
    /// With the same plugins on both sides.
    pub(crate) fn new(form: Form<'_>, layers: &[Layer]) -> Outcome<Self> {
        let [one, other] = [NonceParity::Odd, NonceParity::Even].map(|sends| stack(form, layers, sends));
        let mut ends = [one?, other?];
        for end in &mut ends {
            end.handle_incoming(Instant::now(), Incoming::Opened);
            while end.poll_event().is_some() {}
        }
        Ok(Self(ends))
    }

    /// Sends a message from one end to the other, where it has to arrive whole.
    pub(crate) fn exchange(&mut self, from: usize, message: &Payload) -> Outcome<()> {
        let [one, other] = &mut self.0;
        let (sender, receiver) = if from == 0 { (one, other) } else { (other, one) };
        sender.send(Instant::now(), message.clone())?;
        while let Some(frame) = sender.poll_transmit() {
            let Outgoing::Message(frame) = frame else { return Err("an end has closed".into()) };
            receiver.handle_incoming(Instant::now(), Incoming::Message(frame));
        }
        match black_box(receiver.poll_event()) {
            Some(Incoming::Message(arrived)) if arrived.len() == message.len() => Ok(()),
            other => Err(format!("instead of a message of {} bytes: {other:.200?}", message.len()).into()),
        }
    }

    /// Sealing and opening one message, as a contender.
    pub(crate) fn contender<'a>(mut self, name: impl Into<String>, message: &'a Payload) -> Outcome<Contender<'a>> {
        self.exchange(0, message)?;
        // Once as a whole; during the turns its length is enough.
        let [one, other] = &mut self.0;
        one.send(Instant::now(), message.clone())?;
        while let Some(Outgoing::Message(frame)) = one.poll_transmit() {
            other.handle_incoming(Instant::now(), Incoming::Message(frame));
        }
        if other.poll_event() != Some(Incoming::Message(message.clone())) {
            return Err("another message arrives than was sent".into());
        }
        Ok(Contender::timed(name, move |times| {
            let began = Instant::now();
            for _ in 0..times {
                self.exchange(0, message)?;
            }
            Ok::<Duration, _>(began.elapsed())
        }))
    }
}
