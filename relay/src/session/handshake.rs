//! From the first message to a proven registration (`spec/wire.md §2`).

use std::time::{Duration, Instant};

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::Challenge;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::{
    AuthenticationResponse, FirstMessage, Payload, authentication_request, authentication_success,
};

use super::{Cause, Close, QUEUE_LEN, Requesting, Spare};
use crate::registry::Limit;

/// A client that has said nothing.
#[derive(Debug)]
pub struct Fresh;

/// What the first message makes of a client.
#[derive(Debug)]
pub enum First {
    /// A listener.
    Register(Register),
    /// A connector. What it sends from now on is for the listener.
    Request(Requesting),
    /// Neither.
    Refused(Refused),
}

impl Fresh {
    /// Reads the first message. A request is validated completely here, before a spare is touched.
    #[must_use]
    pub fn on_message(self, payload: &Payload) -> First {
        match FirstMessage::parse(payload) {
            Ok(FirstMessage::Register(key)) => First::Register(Register { key }),
            Ok(FirstMessage::CommunicationRequest(request)) => match Requesting::new(&request) {
                Ok(requesting) => First::Request(requesting),
                Err(close) => First::Refused(Refused { close }),
            },
            Ok(_) => First::Refused(Refused {
                close: Close::because("Received unexpected or malformed message from client."),
            }),
            Err(error) => First::Refused(Refused { close: Close::because(error) }),
        }
    }
}

/// A client whose first message was no use.
#[derive(Debug)]
pub struct Refused {
    close: Close,
}

impl Refused {
    /// The close, given how many more messages came together with the first.
    #[must_use]
    pub fn on_queue(self, queued: usize) -> Close {
        if queued > QUEUE_LEN { Close::queue_full() } else { self.close }
    }
}

/// A listener that wants to register a key.
#[derive(Debug)]
pub struct Register {
    key: PublicKey,
}

impl Register {
    /// It may not register now.
    #[must_use]
    pub fn on_limit(self, limit: Limit) -> Close {
        Close::because(limit).caused_by(Cause::Limit)
    }

    /// Makes the challenge, given how many more messages came together with the first.
    ///
    /// # Errors
    ///
    /// The close for more than [`QUEUE_LEN`].
    pub fn on_queue(
        self,
        queued: usize,
        server: &KeyPair,
        entropy: &mut dyn Entropy,
    ) -> Result<(Challenged, Payload), Close> {
        if queued > QUEUE_LEN {
            return Err(Close::queue_full());
        }
        let shared = SharedKey::between(server.secret(), &self.key);
        let (challenge, boxed) = Challenge::issue(&shared, entropy);
        let send = authentication_request(server.public(), &boxed);
        Ok((Challenged { key: self.key, shared, challenge }, send))
    }
}

/// A listener that has been challenged.
#[derive(Debug)]
pub struct Challenged {
    key: PublicKey,
    shared: SharedKey,
    challenge: Challenge,
}

impl Challenged {
    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// The close for every other message, and for an answer that is wrong.
    pub fn on_message(self, payload: &Payload) -> Result<Authenticated, Close> {
        let answer = AuthenticationResponse::parse(payload).map_err(Close::because)?;
        match self.challenge.accepts(&self.shared, &answer.response) {
            Ok(true) => Ok(Authenticated { key: self.key }),
            Ok(false) => Err(Close::because("Client authentication failed.").caused_by(Cause::Unauthenticated)),
            Err(error) => Err(Close::because(error).caused_by(Cause::Unauthenticated)),
        }
    }
}

/// A listener that has proven to own its key. The next thing is to register it.
#[derive(Debug)]
pub struct Authenticated {
    key: PublicKey,
}

impl Authenticated {
    /// The key to register.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// It is in the registry: say so.
    #[must_use]
    pub fn on_registered(self, now: Instant, ping_interval: Duration, pong_timeout: Duration) -> (Spare, Payload) {
        (Spare::new(now, ping_interval, pong_timeout), authentication_success(ping_interval))
    }

    /// The registry is full.
    #[must_use]
    pub fn on_limit(self, limit: Limit) -> Close {
        Close::because(limit).caused_by(Cause::Limit)
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::crypto::challenge::respond;
    use ratatosk_protocol::entropy::OsEntropy;
    use ratatosk_protocol::message::{AuthenticationRequest, authentication_response, communication_request, register};

    use super::*;

    fn pair() -> KeyPair {
        KeyPair::generate(&mut OsEntropy)
    }

    fn challenge(server: &KeyPair, listener: &KeyPair) -> (Challenged, AuthenticationRequest) {
        let First::Register(wish) = Fresh.on_message(&register(listener.public())) else {
            panic!("a registration is one");
        };
        let (state, send) = wish.on_queue(QUEUE_LEN, server, &mut OsEntropy).unwrap();
        (state, AuthenticationRequest::parse(&send).unwrap())
    }

    #[test]
    fn who_owns_the_key_gets_in() {
        let (server, listener) = (pair(), pair());
        let (state, request) = challenge(&server, &listener);
        assert_eq!(&request.server, server.public());
        let shared = SharedKey::between(listener.secret(), server.public());
        let answer = respond(&shared, &request.challenge, &mut OsEntropy).unwrap();
        let state = state.on_message(&authentication_response(&answer)).unwrap();
        assert_eq!(state.key(), listener.public());
        let (_, send) = state.on_registered(Instant::now(), Duration::from_secs(25), Duration::from_secs(1));
        assert_eq!(send, Payload::text(r#"{"command":"authentication_success","pingInterval":25000}"#));
    }

    #[test]
    fn the_challenge_sent_back_is_no_answer() {
        let (server, listener) = (pair(), pair());
        let (state, request) = challenge(&server, &listener);
        let close = state.on_message(&authentication_response(&request.challenge)).unwrap_err();
        assert_eq!(close.reason, "Close called: Client authentication failed.");
        assert_eq!((close.code, close.cause), (1000, Cause::Unauthenticated));
    }

    #[test]
    fn more_than_ten_waiting_messages_are_too_many() {
        let full = "Close called: Queue is full, it reached its maximum length of 10";
        let First::Register(wish) = Fresh.on_message(&register(pair().public())) else { panic!() };
        assert_eq!(wish.on_queue(11, &pair(), &mut OsEntropy).unwrap_err().reason, full);
        for (queued, reason) in [(11, full), (10, "Close called: Received message that is not a string message.")] {
            let First::Refused(refused) = Fresh.on_message(&Payload::binary(vec![1])) else { panic!() };
            assert_eq!(refused.on_queue(queued).reason, reason);
        }
    }

    #[test]
    fn a_request_for_something_that_cannot_be_a_key_finds_nobody() {
        let good = communication_request(pair().public(), pair().public());
        assert!(matches!(Fresh.on_message(&good), First::Request(_)));
        let source = pair().public().to_hex();
        for target in ["", "abcd", &"00".repeat(32)] {
            let text = format!(
                r#"{{"command":"communication_request","sourcePublicKey":"{source}","targetPublicKey":"{target}"}}"#
            );
            let First::Refused(refused) = Fresh.on_message(&Payload::text(text)) else { panic!("{target}") };
            let reason = "Close called: No listening connection for the specified publicKey.";
            assert_eq!(refused.on_queue(0).reason, reason);
        }
    }
}
