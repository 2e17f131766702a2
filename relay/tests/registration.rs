//! Registration: the messages, and every way of doing it wrong (`spec/wire.md §2, §6`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::{Client, answer, end, key, raw, relay, until_empty};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::boxed;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use ratatosk_relay::session::Timer;

#[tokio::test]
async fn the_messages_have_the_right_form_and_length() {
    let server = relay(&[]).await;
    let listener = key(1);
    let mut client = Client::connect(server.local_addr()).await;
    client.send(message::register(listener.public())).await;
    let request = client.recv().await;
    assert_eq!(request.len(), 338);
    let request = AuthenticationRequest::parse(&request).unwrap();
    assert_eq!(request.challenge.len(), 104);
    let answer = answer(&listener, &request);
    assert_eq!(answer.len(), 259);
    client.send(answer).await;
    assert_eq!(client.recv_text().await, r#"{"command":"authentication_success","pingInterval":25000}"#);
    let snapshot = server.snapshot();
    assert_eq!((snapshot.keys, snapshot.spares), (1, 1));
    client.close(1000, "bye").await;
    assert_eq!(client.ended().await, end(1000, "bye"));
    until_empty(&server).await;
}

#[tokio::test]
async fn leniency_where_peers_rely_on_it() {
    let server = relay(&[]).await;
    let listener = key(1);
    let hex = listener.public().to_hex();
    for text in [
        format!(" {{\"x\":1, \"publicKey\":\"{hex}\",\n\"command\":\"register\"}} "),
        format!(r#"{{"command":"register","publicKey":"{}"}}"#, hex.to_uppercase()),
        format!(r#"{{"command":"nonsense","publicKey":"00","publicKey":"{hex}","command":"register"}}"#),
    ] {
        let mut client = Client::connect(server.local_addr()).await;
        client.send_text(&text).await;
        let request = AuthenticationRequest::parse(&client.recv().await).unwrap();
        let Payload::Text(answer) = answer(&listener, &request) else { panic!() };
        // The box in upper case is the same box.
        let upper = answer.split_once("response\":\"").unwrap().1.trim_end_matches("\"}").to_uppercase();
        client.send_text(&format!(r#"{{"command":"authentication_response","response":"{upper}"}}"#)).await;
        message::parse_authentication_success(&client.recv().await).unwrap();
    }
}

#[tokio::test]
async fn a_first_message_that_is_none_gets_its_reason() {
    let server = relay(&[]).await;
    let no_client_message = "Received data does not match the data of a client message.";
    let odd = "Expected string to be an even number of characters";
    let no_key = "CYENC-ENSPUB: Data is not a public key";
    let unexpected = "Received unexpected or malformed message from client.";
    let register = |value: &str| format!(r#"{{"command":"register","publicKey":{value}}}"#);
    let good = key(1).public().to_hex();
    let request = |source: &str| {
        format!(r#"{{"command":"communication_request","sourcePublicKey":{source},"targetPublicKey":"{good}"}}"#)
    };
    let cases = [
        ("hello".to_owned(), "Received message that does not conform to JSON: SyntaxError"),
        (String::new(), "Received message that does not conform to JSON: SyntaxError"),
        ("5".to_owned(), no_client_message),
        ("[]".to_owned(), no_client_message),
        ("{}".to_owned(), no_client_message),
        (r#"{"command":"Register"}"#.to_owned(), no_client_message),
        (r#"{"command":"ping"}"#.to_owned(), no_client_message),
        (r#"{"command":"register"}"#.to_owned(), no_client_message),
        (r#"{"command":"comm_pong"}"#.to_owned(), unexpected),
        (r#"{"command":"authentication_response","response":"00"}"#.to_owned(), unexpected),
        (register("5"), odd),
        (register("true"), odd),
        (register("\"abc\""), odd),
        (register("\"\""), no_key),
        (register("\"abcd\""), no_key),
        (register(&format!("\"{good}00\"")), no_key),
        (register(&format!("\"{}\"", "zz".repeat(32))), "CYENC-ENSPUB: Data is not a public key (not hexadecimal)"),
        (register(&format!("\"{}\"", "00".repeat(32))), "CYENC-ENSPUB: Data is not a public key (low-order point)"),
        (request("5"), no_client_message),
        (request("\"abc\""), no_client_message),
        (request("\"abcd\""), no_key),
        (request(&format!("\"{}\"", "00".repeat(32))), "CYENC-ENSPUB: Data is not a public key (low-order point)"),
    ];
    for (text, reason) in &cases {
        let mut client = Client::connect(server.local_addr()).await;
        client.send_text(text).await;
        assert_eq!(client.ended().await, end(1000, &format!("Close called: {reason}")), "{text:?}");
    }
    for data in [vec![], br#"{"command":"ping"}"#.to_vec()] {
        let mut client = Client::connect(server.local_addr()).await;
        client.send(Payload::binary(data)).await;
        assert_eq!(client.ended().await, end(1000, "Close called: Received message that is not a string message."));
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn an_answer_that_is_wrong_gets_its_reason() {
    let server = relay(&[]).await;
    let listener = key(1);
    let failed = "Client authentication failed.";
    let undecryptable = "CYENC-SYMDEC: Decryption with symmetric key failed";
    type Wrong = fn(&AuthenticationRequest) -> Payload;
    fn text(text: &str) -> Payload {
        Payload::text(text)
    }
    fn boxed_bytes(request: &AuthenticationRequest, bytes: &[u8]) -> Payload {
        let shared = SharedKey::between(key(1).secret(), &request.server);
        message::authentication_response(&boxed::seal(&shared, bytes, &mut OsEntropy))
    }
    let cases: [(Wrong, &str); 16] = [
        (|request| message::authentication_response(&request.challenge), failed),
        (|request| boxed_bytes(request, &[]), failed),
        (|request| boxed_bytes(request, &[0; 63]), failed),
        (|request| boxed_bytes(request, &[0; 64]), failed),
        (|request| boxed_bytes(request, &[0; 65]), failed),
        (
            |request| {
                let shared = SharedKey::between(key(2).secret(), &request.server);
                message::authentication_response(&boxed::seal(&shared, &[0; 64], &mut OsEntropy))
            },
            undecryptable,
        ),
        (|_| message::authentication_response(&[0; 104]), undecryptable),
        (|_| message::authentication_response(&[0; 24]), undecryptable),
        (|_| message::authentication_response(&[0; 10]), "bad nonce size"),
        (
            |_| text(r#"{"command":"authentication_response","response":"abc"}"#),
            "Expected string to be an even number of characters",
        ),
        (
            |_| text(r#"{"command":"authentication_response"}"#),
            "Received data does not match the data expected for command 'authentication_response'",
        ),
        (|_| text("{}"), "Received message without a 'command' member."),
        (|_| text("5"), "Received message without a 'command' member."),
        (
            |_| text(r#"{"command":"register"}"#),
            "Received unexpected type 'register'. Expected type 'authentication_response'.",
        ),
        (|_| text("nope"), "Received message that does not conform to JSON: SyntaxError"),
        (|_| Payload::binary(vec![0]), "Received message that is not a string message."),
    ];
    for (place, (wrong, reason)) in cases.into_iter().enumerate() {
        let mut client = Client::connect(server.local_addr()).await;
        client.send(message::register(listener.public())).await;
        let request = AuthenticationRequest::parse(&client.recv().await).unwrap();
        client.send(wrong(&request)).await;
        assert_eq!(client.ended().await, end(1000, &format!("Close called: {reason}")), "case {place}");
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn twelve_messages_at_once_are_too_many_and_eleven_are_not() {
    // These clients do not answer a close.
    let server = relay(&[(Timer::Close, 50)]).await;
    let register = raw::message(&message::register(key(1).public()));
    let stream = raw::upgrade_and(server.local_addr(), &register.repeat(12)).await;
    raw::expect_close(stream, 1000, "Close called: Queue is full, it reached its maximum length of 10").await;

    // The second of eleven is taken for the answer.
    let mut stream = raw::upgrade_and(server.local_addr(), &register.repeat(11)).await;
    let rest = raw::rest(&mut stream).await;
    let reason = "Close called: Received unexpected type 'register'. Expected type 'authentication_response'.";
    assert!(rest.ends_with(&raw::close_frame(1000, reason)), "{}", String::from_utf8_lossy(&rest));
    drop(stream);
    until_empty(&server).await;
}

#[tokio::test]
async fn the_ninth_unexpected_message_closes_a_spare() {
    let server = relay(&[]).await;
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    for _ in 0..8 {
        spare.send_text("junk").await;
        spare.send_text(message::PONG).await;
    }
    // It is still a spare.
    let mut connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    spare.handed_over(&key(2), &key(1)).await;
    connector.close(1000, "").await;

    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    for _ in 0..9 {
        spare.send(Payload::binary(vec![1])).await;
    }
    let reason = "Close called: Queue is full, it reached its maximum length of 10";
    assert_eq!(spare.ended().await, end(1000, reason));
}

#[tokio::test]
async fn before_the_registration_messages_are_small() {
    let server = relay(&[]).await;
    let mut client = Client::connect(server.local_addr()).await;
    client.send_text(&" ".repeat(4097)).await;
    assert_eq!(client.ended().await, end(1009, ""));

    // A spare is no place for large messages either.
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    spare.send(Payload::binary(vec![0; 5000])).await;
    assert_eq!(spare.ended().await, end(1009, ""));

    drop((client, spare));

    let invalid = raw::upgrade_and(server.local_addr(), &raw::frame(raw::TEXT, b"\xff\xfe")).await;
    raw::expect_close(invalid, 1007, "").await;
    let unmasked = raw::upgrade_and(server.local_addr(), b"\x81\x02{}").await;
    raw::expect_close(unmasked, 1002, "").await;
    until_empty(&server).await;
}

#[tokio::test]
async fn two_processes_would_have_two_keys() {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let server = relay(&[]).await;
        let mut client = Client::connect(server.local_addr()).await;
        client.send(message::register(key(1).public())).await;
        keys.push(AuthenticationRequest::parse(&client.recv().await).unwrap().server);
    }
    assert_ne!(keys[0], keys[1]);
}
