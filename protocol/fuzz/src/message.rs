//! Control messages: every parser gets the input as text and as binary.

use std::fmt::Debug;

use ratatosk_protocol::close::{CloseRequest, MAX_REASON_LEN};
use ratatosk_protocol::message::{
    self, AuthenticationRequest, AuthenticationResponse, CommunicationRequest, Envelope, FirstMessage, MAX_CONTROL_LEN,
    MessageError, Payload, SpareMessage,
};

pub fn run(data: &[u8]) {
    parse(&Payload::binary(data.to_vec()));
    parse(&Payload::text(String::from_utf8_lossy(data)));
}

fn parse(payload: &Payload) {
    let envelope = check(payload, Envelope::parse(payload));
    let first = check(payload, FirstMessage::parse(payload));
    let response = check(payload, AuthenticationResponse::parse(payload));
    let request = check(payload, AuthenticationRequest::parse(payload));
    let communication = check(payload, CommunicationRequest::parse(payload));
    check(payload, message::parse_authentication_success(payload));
    let spare = check(payload, SpareMessage::parse(payload));
    let ready = check(payload, message::expect_communication_ready(payload)).is_some();
    let pong = message::is_pong(payload);

    let command = envelope.as_ref().and_then(Envelope::command);
    assert_eq!(pong, command == Some("pong"));
    assert_eq!(ready, command == Some("communication_ready"));
    assert_eq!(spare.is_some(), matches!(command, Some("ping" | "connection_handover")));

    // What was read can be written, and reads the same again.
    if let Some(FirstMessage::Register(key)) = &first {
        assert_eq!(FirstMessage::parse(&message::register(key)), Ok(FirstMessage::Register(*key)));
    }
    if let Some(request) = communication {
        assert_eq!(first, Some(FirstMessage::CommunicationRequest(request.clone())));
        if let Ok(target) = &request.target {
            assert_eq!(
                CommunicationRequest::parse(&message::communication_request(&request.source, target)),
                Ok(request)
            );
        }
    }
    if let Some(request) = request {
        let written = message::authentication_request(&request.server, &request.challenge);
        rewritten(&AuthenticationRequest::parse(&written), &request);
    }
    if let Some(response) = response {
        rewritten(&AuthenticationResponse::parse(&message::authentication_response(&response.response)), &response);
    }
}

/// Long hex may be longer still when it is written, and then too long.
fn rewritten<T: PartialEq + Debug>(again: &Result<T, MessageError>, first: &T) {
    assert!(again.as_ref() == Ok(first) || *again == Err(MessageError::TooLong));
}

/// Whatever is wrong fits into a close reason, and nothing long is read.
fn check<T>(payload: &Payload, result: Result<T, MessageError>) -> Option<T> {
    if result.is_ok() {
        assert!(payload.len() <= MAX_CONTROL_LEN && matches!(payload, Payload::Text(_)));
    }
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    if let MessageError::UnexpectedCommand { received, .. } = &error {
        assert!(received.len() <= MAX_REASON_LEN);
    }
    for text in [error.to_string(), error.client_text()] {
        assert!(CloseRequest::because(text).reason().len() <= MAX_REASON_LEN);
    }
    None
}
