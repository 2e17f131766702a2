//! The listener for operators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::http::{get, put, request};
use common::scrape::Page;
use common::{Client, key, pair, raw, relay, within};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{LogControl, Ops, Server};
use tokio::io::AsyncReadExt;

/// A log that only remembers.
struct Log(Mutex<String>);

impl LogControl for Log {
    fn filter(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn set_filter(&self, filter: &str) -> Result<(), String> {
        if filter == "bad" {
            return Err("\"bad\" is not a log filter".to_owned());
        }
        filter.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }
}

async fn with_ops(filter: &str) -> (Server, Ops, SocketAddr) {
    let server = relay(&[(Timer::Close, 100)]).await;
    let log = Arc::new(Log(Mutex::new(filter.to_owned())));
    let ops = Ops::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), server.view(), log).await.unwrap();
    let address = ops.local_addr();
    (server, ops, address)
}

#[tokio::test]
async fn health_metrics_and_a_page() {
    let (server, _ops, address) = with_ops("info").await;
    for (path, body) in [("/livez", "alive\n"), ("/readyz", "ready\n"), ("/log", "info\n")] {
        let answer = get(address, path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert!(answer.head.contains("cache-control: no-store") && answer.head.contains("connection: close"));
    }
    let _spare = Client::register(server.local_addr(), &key(1)).await;
    let answer = get(address, "/metrics?x=1").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    assert_eq!(Page::parse(&answer.body).value("connections", &[("state", "spare")]), 1.0);

    let page = get(address, "/").await;
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'none'"), "{}", page.head);
    assert!(page.body.contains("<h1>commserver: ready</h1>"), "{}", page.body);
    assert!(page.body.contains("<th>connections: spare</th><td>1</td>"), "{}", page.body);
    assert!(!page.body.contains("://"), "nothing comes from elsewhere");
}

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_done() {
    let (_server, _ops, address) = with_ops("info").await;
    assert_eq!(get(address, "/secret").await.status, 404);
    for (path, methods) in [("/livez", "get, head"), ("/", "get, head"), ("/log", "get, head, put")] {
        let answer = request(address, &format!("DELETE {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.head.contains(&format!("\r\nallow: {methods}")), "{}", answer.head);
    }
    let answer = request(address, "HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(request(address, "nonsense\r\n\r\n").await.status, 400);
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(request(address, &long[..9000]).await.status, 431);
}

#[tokio::test]
async fn while_it_drains_it_is_alive_and_not_ready() {
    let (server, _ops, address) = with_ops("info").await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let stopped = tokio::spawn(server.shutdown(Duration::from_secs(15)));
    while get(address, "/readyz").await.status == 200 {}
    let answer = get(address, "/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "draining\n"));
    assert_eq!(get(address, "/livez").await.status, 200);
    assert!(get(address, "/").await.body.contains("<h1>commserver: draining</h1>"));
    assert_eq!(Page::parse(&get(address, "/metrics").await.body).value("draining", &[]), 1.0);
    connector.close(1000, "").await;
    listener.ended().await;
    within(stopped).await.unwrap();
    for path in ["/livez", "/readyz"] {
        let answer = get(address, path).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, "the relay has ended\n"), "{path}");
    }
}

#[tokio::test]
async fn the_log_filter_can_be_changed() {
    let (_server, _ops, address) = with_ops("info").await;
    let answer = put(address, "/log", "", " debug\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "debug\n"));
    assert_eq!(get(address, "/log").await.body, "debug\n");
    let answer = put(address, "/log", "", "bad").await;
    assert_eq!((answer.status, answer.body.as_str()), (400, "\"bad\" is not a log filter\n"));
    assert_eq!(put(address, "/log", "", &"x".repeat(1025)).await.status, 413);
    for field in ["Origin: http://h\r\n", "X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n"] {
        assert_eq!(put(address, "/log", field, "trace").await.status, 403, "{field}");
    }
    assert_eq!(get(address, "/log").await.body, "debug\n", "nothing has changed since");
}

#[tokio::test]
async fn the_page_shows_text_as_text() {
    let (_server, _ops, address) = with_ops("<script>alert(1)</script>").await;
    let page = get(address, "/").await.body;
    assert!(page.contains("<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>"), "{page}");
    assert!(!page.contains("<script"), "{page}");
}

#[tokio::test]
async fn who_is_silent_goes_and_there_are_never_many() {
    let (_server, _ops, address) = with_ops("info").await;
    let start = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(raw::connect(address).await);
    }
    let mut one_more = raw::connect(address).await;
    assert_eq!(within(one_more.read(&mut [0])).await.unwrap_or(0), 0);
    assert!(start.elapsed() < Duration::from_secs(4), "at once");
    for stream in &mut silent {
        raw::rest(stream).await;
    }
    assert!((4..12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(get(address, "/livez").await.status, 200);
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let (_server, ops, address) = with_ops("info").await;
    drop(ops);
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
}
