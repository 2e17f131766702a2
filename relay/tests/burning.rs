//! Requesters that would use up the spares of somebody whose key they know, or of everybody.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use common::network::connect_from;
use common::scrape::Page;
use common::{Client, NO_LISTENER, end, key, relay_with, within};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_relay::registry::{Rate, Rates};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};

const RATE: Rate = Rate { per_second: 1, burst: 3 };
const SPARES: usize = 40;

/// A relay with these rates of requests and with no others.
async fn with_rates(rates: Rates) -> Server {
    let off = Rate { per_second: 0, burst: 0 };
    let rates = Rates { connections_per_ip: off, registrations_per_ip: off, registrations_per_key: off, ..rates };
    // Who asks for nobody is told at once.
    relay_with(Config { unlimited: Vec::new(), rates, ..Config::default() }, &[(Timer::SpareWait, 0)]).await
}

fn host(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, number)
}

async fn request(server: &Server, client: Ipv4Addr, target: u16) -> Client {
    let mut connector = Client::over(connect_from(client, server.local_addr()).await).await;
    connector.send(message::communication_request(key(99).public(), key(target).public())).await;
    connector
}

/// Spares that greet whoever they are handed over to.
async fn spares(server: &Server, number: u16, count: usize) {
    for _ in 0..count {
        let mut spare = Client::register(server.local_addr(), &key(number)).await;
        tokio::spawn(async move {
            loop {
                match tokio::time::timeout(common::PATIENCE, futures_util::StreamExt::next(&mut spare.ws)).await {
                    Ok(Some(Ok(message)))
                        if message.to_text().is_ok_and(|text| text.contains("communication_request")) =>
                    {
                        let hello = common::to_message(Payload::text("hello"));
                        let _ = futures_util::SinkExt::send(&mut spare.ws, hello).await;
                    }
                    Ok(Some(Ok(_))) => {}
                    _ => return,
                }
            }
        });
    }
}

/// Asks until it is let in.
async fn served_again(server: &Server, target: u16) {
    within(async {
        while request(server, host(1), target).await.try_recv().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// How often something may have happened since then.
fn allowed(since: Instant) -> RangeInclusive<u64> {
    let burst = u64::from(RATE.burst);
    burst..=burst + since.elapsed().as_secs() + 1
}

#[tokio::test]
async fn whoever_knows_a_key_cannot_use_up_its_spares_not_even_from_many_addresses() {
    let server = with_rates(Rates { requests_per_key: RATE, ..Rates::default() }).await;
    spares(&server, 1, SPARES).await;
    spares(&server, 2, 1).await;
    let start = Instant::now();
    let mut paired = Vec::new();
    let mut refused = 0;
    for number in 1..=30 {
        let mut connector = request(&server, host(number), 1).await;
        match connector.try_recv().await {
            Ok(hello) => {
                assert_eq!(hello, Payload::text("hello"));
                paired.push(connector);
            }
            Err(refusal) => {
                let reason = "Close called: Too many requests for this publicKey; try again later.";
                assert_eq!(refusal, end(1000, reason));
                refused += 1;
            }
        }
    }
    let allowed = allowed(start);
    assert!(allowed.contains(&(paired.len() as u64)), "{} of {allowed:?}", paired.len());
    assert_eq!(server.snapshot().spares, SPARES + 1 - paired.len());
    let page = Page::of(&server);
    assert_eq!(
        page.value("limit_rejections_total", &[("limit", "request_rate"), ("scope", "key")]),
        f64::from(refused)
    );
    assert_eq!(page.value("limit_rejections_total", &[]), f64::from(refused));
    // Who asks for somebody else is served, from the same address.
    assert_eq!(request(&server, host(1), 2).await.recv_text().await, "hello");
    // And the key is reached again soon.
    served_again(&server, 1).await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_refused_whomever_he_asks_for() {
    let server = with_rates(Rates { requests_per_ip: RATE, ..Rates::default() }).await;
    for number in 0..8 {
        spares(&server, number, 1).await;
    }
    let start = Instant::now();
    let (mut paired, mut unknown, mut refused) = (Vec::new(), 0, 0);
    for number in 0..30 {
        // Asking for nobody counts as well.
        let target = if number % 2 == 0 { number / 2 % 8 } else { 1000 + number };
        let mut connector = request(&server, host(1), target).await;
        match connector.try_recv().await {
            Ok(_) => paired.push(connector),
            Err(Some((1000, reason))) if reason == NO_LISTENER => unknown += 1,
            Err(refusal) => {
                assert_eq!(refusal, end(1000, "Close called: Too many requests from this address; try again later."));
                refused += 1;
            }
        }
    }
    let allowed = allowed(start);
    let served = paired.len() + unknown;
    assert!(allowed.contains(&(served as u64)), "{served} of {allowed:?}");
    assert_eq!(server.snapshot().spares, 8 - paired.len());
    let page = Page::of(&server);
    assert_eq!(page.value("limit_rejections_total", &[("limit", "request_rate"), ("scope", "ip")]), f64::from(refused));
    assert_eq!(page.value("limit_rejections_total", &[]), f64::from(refused));
    // Others are served, and so is he soon.
    assert_eq!(request(&server, host(2), 7).await.recv_text().await, "hello");
    served_again(&server, 6).await;
}
