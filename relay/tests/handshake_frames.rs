//! What RFC 6455 does not allow, from clients that are not paired: unauthenticated, challenged, and spare. What it means
//! inside a pair is in `frames.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::scrape::Page;
use common::violations::{self, Violation};
use common::{Client, key, raw, relay, until, until_empty, within};
use ratatosk_protocol::message::{self, MAX_CONTROL_LEN};
use ratatosk_relay::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is wrong anywhere, and what is more than the relay reads for itself.
fn cases() -> Vec<Violation> {
    let pieces = [raw::frame(0x01, &[b'x'; MAX_CONTROL_LEN]), raw::frame(0x80, b"x")].concat();
    let mut all = violations::all();
    all.push(("a message that is too large (§7.4.1)", raw::frame(raw::TEXT, &[b'x'; MAX_CONTROL_LEN + 1]), 1009));
    all.push(("one that is too large in fragments (§7.4.1)", pieces, 1009));
    all
}

/// Sends `frames`, then a request that must not be looked at any more, and sees to the close.
async fn refused(mut stream: TcpStream, what: &str, frames: &[u8], code: u16) {
    let behind = raw::message(&message::communication_request(key(7).public(), key(9).public()));
    // What is refused at its beginning may be refused before it is written.
    let _ = within(stream.write_all(&[frames, &behind].concat())).await;
    let bytes = raw::rest(&mut stream).await;
    let close = raw::close_frame(code, "");
    assert_eq!(bytes, close, "{what}: {:?}", String::from_utf8_lossy(&bytes));
}

/// After the upgrade.
async fn fresh(server: &Server) -> TcpStream {
    raw::upgrade_and(server.local_addr(), b"").await
}

/// With an open challenge.
async fn challenged(server: &Server) -> TcpStream {
    let mut client = Client::connect(server.local_addr()).await;
    client.send(message::register(key(1).public())).await;
    client.recv().await;
    client.ws.into_inner()
}

/// A spare.
async fn spare(server: &Server) -> TcpStream {
    Client::register(server.local_addr(), &key(1)).await.ws.into_inner()
}

#[tokio::test]
async fn what_no_client_may_send_closes_it_before_it_is_anybody() {
    let server = relay(&[]).await;
    let mut bystander = Client::register(server.local_addr(), &key(9)).await;
    let cases = cases();
    for (what, frames, code) in &cases {
        refused(fresh(&server).await, what, frames, *code).await;
        refused(challenged(&server).await, what, frames, *code).await;
    }
    until(&server, |snapshot| snapshot.connections.total() == 1).await;
    let page = Page::of(&server);
    for phase in ["first_message", "authentication"] {
        let labels = [("phase", phase), ("reason", "violation")];
        assert_eq!(page.value("connections_closed_total", &labels), cases.len() as f64, "{phase}");
    }
    // Nothing that came behind was heard.
    let _last = Client::request(server.local_addr(), &key(8), key(9).public()).await;
    bystander.handed_over(&key(8), &key(9)).await;
}

#[tokio::test]
async fn what_no_client_may_send_closes_a_spare() {
    let server = relay(&[]).await;
    let cases = cases();
    for (what, frames, code) in &cases {
        refused(spare(&server).await, what, frames, *code).await;
        until(&server, |snapshot| snapshot.spares == 0).await;
    }
    until_empty(&server).await;
    let labels = [("phase", "spare"), ("reason", "violation")];
    assert_eq!(Page::of(&server).value("connections_closed_total", &labels), cases.len() as f64);
}

#[tokio::test]
async fn the_largest_message_may_come_in_pieces_with_pings_between() {
    let server = relay(&[]).await;
    let mut stream = fresh(&server).await;
    let register = message::register(key(1).public());
    let message::Payload::Text(text) = register else { panic!("it is text") };
    // Spaces are allowed around JSON.
    let text = format!("{text}{}", " ".repeat(MAX_CONTROL_LEN - text.len()));
    let (first, rest) = text.as_bytes().split_at(10);
    let frames = [raw::frame(0x01, first), raw::frame(0x89, b"?"), raw::frame(0x00, b""), raw::frame(0x80, rest)];
    stream.write_all(&frames.concat()).await.unwrap();
    let mut pong = [0; 3];
    within(stream.read_exact(&mut pong)).await.unwrap();
    assert_eq!(pong, *b"\x8a\x01?");
    let mut challenge = [0; 30];
    within(stream.read_exact(&mut challenge)).await.unwrap();
    assert!(String::from_utf8_lossy(&challenge).contains(r#"{"command":"authentica"#), "{challenge:?}");
}

/// Somebody who registers and goes at once has its close answered, and hears nothing behind that (RFC 6455 §5.5.1).
#[tokio::test]
async fn nothing_follows_the_answer_to_a_close() {
    let server = relay(&[]).await;
    let register = raw::message(&message::register(key(1).public()));
    let goodbye = [&1000_u16.to_be_bytes(), b"bye".as_slice()].concat();
    let together = [register, raw::frame(0x89, b"ping"), raw::frame(0x88, &goodbye)].concat();
    let stream = raw::upgrade_and(server.local_addr(), &together).await;
    raw::expect_close(stream, 1000, "bye").await;
    until_empty(&server).await;
}
