//! Too much, too many, too slow.

use ratatosk_node::api::types::{NewMessage, NewTopic};
use ratatosk_node::client::ClientError;
use ratatosk_node::daemon::{Config, Purpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Person, parse, within};

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let ada = Person::alone("ada").await;
    let nobody = "0".repeat(64);
    let message = NewMessage { text: "x".repeat(17 << 20), attachments: Vec::new() };
    match ada.client.say(&nobody, &message).await {
        Err(ClientError::Refused { status: 413, code, .. }) => assert_eq!(code, "too_large"),
        // What was being sent when the answer came may have ended the connection.
        Err(ClientError::Gone(_)) => {}
        other => panic!("{other:?}"),
    }
    let (host, token) = (ada.host(), ada.token());
    let (status, body) = ada.ask("POST /v1/files?name=x", &[&host, &token, "Content-Length: 99999999999"]).await;
    assert_eq!((status, body["error"]["code"].as_str()), (413, Some("too_large")));
    let long = "x".repeat(100 * 1024);
    let answer = ada.raw(&format!("GET /{long} HTTP/1.1\r\n{host}\r\n\r\n")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(ada.client.status().await.is_ok());
}

#[tokio::test]
async fn what_is_no_request_for_this_api_is_refused() {
    let ada = Person::alone("ada").await;
    for people in [vec!["x".to_owned()], vec!["0".repeat(64); 100], Vec::new()] {
        let new = NewTopic { name: None, people };
        assert!(matches!(ada.client.create_topic(&new).await, Err(ClientError::Refused { status: 400, .. })));
    }
    let (host, token) = (ada.host(), ada.token());
    for body in ["{", "[]", "{\"unknown\": 1}", "{\"name\": \"A\", \"slug\": \"A B\", \"model\": \"\"}"] {
        let length = format!("Content-Length: {}", body.len());
        let head = [host.as_str(), &token, &length, "Connection: close"].join("\r\n");
        let (status, said) = parse(&ada.raw(&format!("POST /v1/agents HTTP/1.1\r\n{head}\r\n\r\n{body}")).await);
        assert!(status == 400 || status == 404, "{body}: {said}");
    }
}

#[tokio::test]
async fn connections_that_say_nothing_leave_room_when_they_go() {
    let mut config = Config::default();
    config.api.connections = 2;
    let ada = Person::with("ada", config, Purpose::Local).await;
    let address = ada.daemon.address().unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET ").await.unwrap();
    // The second one is there once it was answered.
    let mut other = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /v1/status HTTP/1.1\r\n{}\r\n{}\r\n\r\n", ada.host(), ada.token());
    other.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    within(other.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let client = ada.client.clone();
    let waiting = tokio::spawn(async move { client.status().await });
    assert!(!waiting.is_finished());
    drop(silent);
    within(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_file_that_breaks_off_is_not_stored() {
    let ada = Person::alone("ada").await;
    let mut stream = TcpStream::connect(ada.daemon.address().unwrap()).await.unwrap();
    let head = format!("{}\r\n{}\r\nContent-Length: 1000000", ada.host(), ada.token());
    stream.write_all(format!("POST /v1/files?name=x HTTP/1.1\r\n{head}\r\n\r\nsome").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = within(stream.read_to_string(&mut answer)).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(ada.client.status().await.is_ok());
}
