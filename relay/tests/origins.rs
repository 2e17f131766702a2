//! Which web pages may connect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::scrape::Page;
use common::{raw, relay, relay_with};
use ratatosk_relay::{Config, Server};
use tokio::io::AsyncWriteExt;

/// The first line of the answer to an upgrade with these fields.
async fn status(server: &Server, fields: &str) -> String {
    let mut stream = raw::connect(server.local_addr()).await;
    let request = raw::UPGRADE.replacen("\r\n", &format!("\r\n{fields}"), 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = raw::rest(&mut stream).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

const ACCEPTED: &str = "HTTP/1.1 101 Switching Protocols";
const REFUSED: &str = "HTTP/1.1 403 Forbidden";

#[tokio::test]
async fn without_a_list_every_page_may() {
    let server = relay(&[]).await;
    assert_eq!(status(&server, "Origin: https://anywhere.example\r\n").await, ACCEPTED);
}

#[tokio::test]
async fn with_a_list_only_those_on_it_and_clients_that_are_no_pages() {
    let origins = vec!["https://Good.example".to_owned(), "http://localhost:3000".to_owned()];
    let server = relay_with(Config { origins, ..Config::default() }, &[]).await;
    for (fields, answer) in [
        ("", ACCEPTED),
        ("Origin: https://good.example\r\n", ACCEPTED),
        ("Origin: HTTPS://GOOD.example:443\r\n", ACCEPTED),
        ("Origin: http://localhost:3000\r\n", ACCEPTED),
        ("Origin: http://good.example\r\n", REFUSED),
        ("Origin: http://localhost:3001\r\n", REFUSED),
        ("Origin: https://good.example.evil\r\n", REFUSED),
        ("Origin: null\r\n", REFUSED),
        ("Origin: \r\n", REFUSED),
        ("Origin: https://good.example\r\nOrigin: https://evil.example\r\n", REFUSED),
    ] {
        assert_eq!(status(&server, fields).await, answer, "{fields}");
    }
    let page = Page::of(&server);
    assert_eq!(page.value("admission_denied_total", &[("what", "origin"), ("by", "list")]), 6.0);
    assert_eq!(page.value("connections_closed_total", &[("phase", "upgrade"), ("reason", "denied")]), 6.0);
    // A reload counts for the next request.
    server.reconfigure(Config { origins: vec!["null".to_owned()], ..Config::default() }).unwrap();
    assert_eq!(status(&server, "Origin: null\r\n").await, ACCEPTED);
    assert_eq!(status(&server, "Origin: https://good.example\r\n").await, REFUSED);
}
