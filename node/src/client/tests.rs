//! A client and somebody on the port who is not always a daemon.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Client, ClientError};
use crate::api::types::{Event, NewMessage};

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers one request after another with these bytes, each on a connection of its own that ends then. Gives the requests.
async fn server(answers: Vec<Vec<u8>>) -> (Client, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = mpsc::channel(answers.len().max(1));
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let read = socket.read(&mut request).await.unwrap();
            sender.send(String::from_utf8_lossy(&request[..read]).into_owned()).await.unwrap();
            // Who has heard enough may go.
            let _ = socket.write_all(&answer).await;
        }
    });
    (Client::new(port, "the-token"), requests)
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

#[tokio::test]
async fn a_request_says_who_asks_and_whom() {
    let (client, mut requests) = server(vec![answer("200 OK", "{\"topics\": []}"), answer("204 No Content", "")]).await;
    assert_eq!(within(client.topics()).await.unwrap(), []);
    within(client.forget_keys("../x y")).await.unwrap();
    let request = requests.recv().await.unwrap().to_lowercase();
    assert!(request.starts_with("get /v1/topics http/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: bearer the-token\r\n") && request.contains("host: 127.0.0.1:"),
        "{request}"
    );
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("POST /v1/contacts/..%2Fx%20y/forget-keys HTTP/1.1\r\n"), "{request}");
}

#[tokio::test]
async fn what_a_daemon_refuses_is_told_as_it_says() {
    let said = r#"{"error": {"code": "not_found", "message": "there is no such topic", "help": "look"}}"#;
    let (client, _requests) = server(vec![answer("404 Not Found", said)]).await;
    let message = NewMessage { text: "x".to_owned(), attachments: vec![] };
    let error = within(client.say("t", &message)).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Some("not_found"), "there is no such topic"));
    assert!(matches!(error, ClientError::Refused { status: 404, help: Some(help), .. } if help == "look"));
}

#[tokio::test]
async fn who_is_no_daemon_is_found_out() {
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b' '; (64 << 20) + 1]].concat();
    type Wanted = fn(&ClientError) -> bool;
    let cases: [(Vec<u8>, Wanted); 6] = [
        (b"220 mail.example.test ESMTP\r\n".to_vec(), |error| error.is_gone()),
        (Vec::new(), |error| error.is_gone()),
        (answer("500 Oh", "no JSON"), |error| matches!(error, ClientError::Answer(_))),
        (answer("200 OK", "{\"contacts\": 1}"), |error| matches!(error, ClientError::Answer(_))),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(), |error| error.is_gone()),
        (endless, |error| matches!(error, ClientError::TooLong)),
    ];
    for (bytes, wanted) in cases {
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        let (client, _requests) = server(vec![bytes]).await;
        let error = within(client.contacts()).await.unwrap_err();
        assert!(wanted(&error), "{begin:?}: {error:?}");
    }
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(listener.local_addr().unwrap().port(), "");
    let error = within(client.status_within(Duration::from_millis(50))).await.unwrap_err();
    assert!(matches!(error, ClientError::Silent), "{error:?}");
    drop(listener);
    assert!(within(client.status()).await.unwrap_err().is_gone());
}

#[tokio::test]
async fn events_go_on_after_an_interruption_and_end_when_nobody_comes_back() {
    let stream =
        |events: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{events}").into_bytes();
    let (client, _requests) = server(vec![
        stream("event: ready\ndata: {\"type\": \"ready\"}\n\nevent: new\ndata: {\"type\": \"unknown\"}\n\ndata: {\"ty"),
        stream(": nothing\n\nevent: online\ndata: {\"type\": \"online\", \"data\": {\"online\": true}}\n\n"),
    ])
    .await;
    let mut events = within(client.events()).await.unwrap();
    assert_eq!(within(events.next()).await.unwrap(), Event::Ready);
    assert_eq!(within(events.next()).await.unwrap(), Event::Online { online: true });
    assert!(within(events.next()).await.unwrap_err().is_gone());
}
