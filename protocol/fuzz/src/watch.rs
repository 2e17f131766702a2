//! The promises of every stack, checked after each step.

use ratatosk_protocol::close::MAX_REASON_LEN;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Outgoing, Stack};

#[derive(Default)]
pub struct Watch {
    closed: bool,
}

impl Watch {
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Everything that goes to the socket.
    pub fn sent(&mut self, stack: &mut Stack) -> Vec<Payload> {
        let mut sent = Vec::new();
        while let Some(event) = stack.poll_transmit() {
            assert!(!self.closed, "something was sent after the close");
            match event {
                Outgoing::Message(message) => sent.push(message),
                Outgoing::Close(request) => {
                    let reason = request.reason();
                    assert!(reason.len() <= MAX_REASON_LEN, "the reason is too long");
                    assert_eq!(stack.close_reason(), Some(reason.as_str()));
                    self.closed = true;
                }
            }
        }
        assert_eq!(stack.transmit_bytes(), 0, "bytes are counted that nobody has");
        assert!(stack.failure().is_none() || self.closed, "a failure did not close");
        if self.closed {
            assert_eq!(stack.poll_timeout(), None, "timers go on after the close");
        }
        sent
    }
}

/// Every message for the application.
pub fn delivered(stack: &mut Stack) -> Vec<Payload> {
    let message = |event| match event {
        Incoming::Message(message) => Some(message),
        Incoming::Opened | Incoming::Closed { .. } => None,
    };
    std::iter::from_fn(|| stack.poll_event()).filter_map(message).collect()
}
