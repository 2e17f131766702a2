//! Requesters that come between two spares of a key (`spec/phases.md`, last paragraph).

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::scrape::Page;
use common::{Client, HANDOVER, NO_LISTENER, end, key, raw, relay, relay_with, until, until_empty, within};
use ratatosk_protocol::message::{PING, PONG, Payload};
use ratatosk_relay::Config;
use ratatosk_relay::registry::{Limits, Phase, Rate, Rates};
use ratatosk_relay::session::Timer;

/// Longer than any of these tests.
const LONG: (Timer, u64) = (Timer::SpareWait, 15_000);

/// Nobody listens with key 1 any more, but somebody did a moment ago: a pair of it with key 2, and its listener.
async fn used_up(server: &ratatosk_relay::Server) -> (Client, Client) {
    common::pair(server.local_addr(), &key(2), &key(1)).await
}

#[tokio::test]
async fn the_next_spare_goes_to_who_waits_and_brings_what_was_said_meanwhile() {
    let server = relay(&[LONG]).await;
    let pair = used_up(&server).await;
    let mut requester = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    requester.send(Payload::text("early")).await;
    until(&server, |snapshot| snapshot.waiting == 1).await;
    let page = Page::of(&server);
    assert_eq!(page.value("waiting_requesters", &[]), 1.0);
    let mut listener = Client::register(server.local_addr(), &key(1)).await;
    listener.handed_over(&key(3), &key(1)).await;
    assert_eq!(listener.recv().await, Payload::text("early"));
    listener.send(Payload::text("at last")).await;
    assert_eq!(requester.recv().await, Payload::text("at last"));
    assert_eq!(server.snapshot().waiting, 0);
    drop((pair, requester, listener));
    until_empty(&server).await;
}

#[tokio::test]
async fn who_came_first_is_served_first() {
    let server = relay(&[LONG]).await;
    let _pair = used_up(&server).await;
    let mut requesters = Vec::new();
    for number in 0..4 {
        requesters.push(Client::request(server.local_addr(), &key(10 + number), key(1).public()).await);
        until(&server, |snapshot| snapshot.waiting == usize::from(number) + 1).await;
    }
    // The second one gives up.
    drop(requesters.remove(1));
    until(&server, |snapshot| snapshot.waiting == 3).await;
    let mut listeners = Vec::new();
    for number in [0, 2, 3] {
        let mut listener = Client::register(server.local_addr(), &key(1)).await;
        listener.handed_over(&key(10 + number), &key(1)).await;
        listeners.push(listener);
    }
    let _spare = Client::register(server.local_addr(), &key(1)).await;
    until(&server, |snapshot| (snapshot.spares, snapshot.reserved, snapshot.waiting) == (1, 0, 0)).await;
}

#[tokio::test]
async fn who_waits_in_vain_is_told_what_the_reference_says() {
    let server = relay(&[(Timer::SpareWait, 300)]).await;
    let (requester, mut listener) = used_up(&server).await;
    let before = Instant::now();
    let mut late = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    assert_eq!(late.ended().await, end(1000, NO_LISTENER));
    assert!(before.elapsed() >= Duration::from_millis(300));
    assert_eq!(Page::of(&server).value("handovers_total", &[("outcome", "no_spare")]), 1.0);
    drop(requester);
    listener.ended().await;

    // The same when the spare was closed; the first one hears that.
    drop(Client::register(server.local_addr(), &key(1)).await);
    until(&server, |snapshot| snapshot.spares == 0).await;
    let just_lost = format!("{NO_LISTENER} This error should never happen!");
    for reason in [just_lost.as_str(), NO_LISTENER] {
        let mut late = Client::request(server.local_addr(), &key(3), key(1).public()).await;
        assert_eq!(late.ended().await, end(1000, reason));
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn an_unknown_key_is_refused_at_once_and_so_is_any_if_waiting_is_off() {
    let server = relay(&[LONG]).await;
    let mut stranger = Client::request(server.local_addr(), &key(3), key(9).public()).await;
    assert_eq!(stranger.ended().await, end(1000, NO_LISTENER));

    let server = relay(&[(Timer::SpareWait, 0), (Timer::Handshake, 60_000)]).await;
    let _pair = used_up(&server).await;
    let mut late = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    assert_eq!(late.ended().await, end(1000, NO_LISTENER));
}

#[tokio::test]
async fn the_queue_of_a_key_is_bounded() {
    let limits = Limits { waiting_per_key: 2, ..Limits::default() };
    let server = relay_with(Config { limits, ..Config::default() }, &[LONG]).await;
    let _pair = used_up(&server).await;
    let _other_pair = common::pair(server.local_addr(), &key(2), &key(5)).await;
    let mut waiting = Vec::new();
    for number in 0..2 {
        waiting.push(Client::request(server.local_addr(), &key(10), key(1).public()).await);
        until(&server, |snapshot| snapshot.waiting == number + 1).await;
    }
    let mut third = Client::request(server.local_addr(), &key(10), key(1).public()).await;
    assert_eq!(third.ended().await, end(1000, "Close called: Too many requests wait for this publicKey."));
    let limited = [("limit", "waiting"), ("scope", "key")];
    assert_eq!(Page::of(&server).value("limit_rejections_total", &limited), 1.0);
    // Each key has its own.
    let _of_other = Client::request(server.local_addr(), &key(10), key(5).public()).await;
    until(&server, |snapshot| snapshot.waiting == 3).await;
}

#[tokio::test]
async fn a_wait_ends_with_the_deadline_and_with_the_relay() {
    let server = relay(&[LONG, (Timer::Handshake, 400)]).await;
    let _pair = used_up(&server).await;
    let mut late = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    assert_eq!(late.ended().await, end(1000, NO_LISTENER), "the wait is a part of the handshake");

    let server = relay(&[LONG]).await;
    let pair = used_up(&server).await;
    let mut waiting = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    until(&server, |snapshot| snapshot.waiting == 1).await;
    let stop = tokio::spawn(server.shutdown(Duration::from_secs(10)));
    assert_eq!(waiting.ended().await, end(1000, "Close called."));
    drop(pair);
    within(stop).await.unwrap();
}

/// A burst on a listener that keeps one spare and opens the next when it is handed over.
#[tokio::test]
async fn nobody_of_a_burst_is_refused() {
    let server = relay(&[LONG]).await;
    let address = server.local_addr();
    let first = Client::register(address, &key(1)).await;
    let listening = tokio::spawn(async move {
        let (mut spare, mut busy) = (first, Vec::new());
        for _ in 0..50 {
            assert_eq!(spare.recv_text().await, HANDOVER);
            busy.push(spare);
            spare = Client::register(address, &key(1)).await;
        }
        busy
    });
    let mut requesters = Vec::new();
    for number in 100..150 {
        requesters.push(Client::request(address, &key(number), key(1).public()).await);
    }
    assert_eq!(within(listening).await.unwrap().len(), 50);
    assert_eq!(Page::of(&server).value("handovers_total", &[("outcome", "ok")]), 50.0);
    assert_eq!(Page::of(&server).value("handovers_total", &[("outcome", "no_spare")]), 0.0);
}

/// Comes and goes until `stop`, as a listener or as a requester of one of two keys. Gives how often it met somebody.
async fn come_and_go(address: SocketAddr, number: u16, stop: Instant) -> usize {
    let (mut state, mut met) = (u64::from(number) * 7919 + 1, 0);
    let mut dice = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    while Instant::now() < stop {
        let (target, patience) = (if dice(2) == 0 { 1 } else { 2 }, Duration::from_micros(dice(20_000)));
        if number.is_multiple_of(2) {
            let mut requester = Client::request(address, &key(9), key(target).public()).await;
            let _ = tokio::time::timeout(patience, requester.try_recv()).await;
            continue;
        }
        let mut spare = Client::register(address, &key(target)).await;
        let handed_over = async {
            while let Ok(Payload::Text(text)) = spare.try_recv().await {
                match text.as_str() {
                    HANDOVER => return true,
                    PING => spare.try_send(Payload::text(PONG)).await,
                    _ => false,
                };
            }
            false
        };
        met += usize::from(tokio::time::timeout(patience, handed_over).await == Ok(true));
    }
    met
}

/// Turns that come while requesters give up and spares vanish, on several threads at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_a_storm() {
    const OFF: Rate = Rate { per_second: 0, burst: 0 };
    const MOST: usize = 32;
    let rates = Rates {
        connections_per_ip: OFF,
        registrations_per_ip: OFF,
        registrations_per_key: OFF,
        requests_per_ip: OFF,
        requests_per_key: OFF,
    };
    let limits = Limits { connections_per_ip: MOST, ..Limits::default() };
    let config = Config { unlimited: Vec::new(), rates, limits, ..Config::default() };
    let server = relay_with(config, &[(Timer::SpareWait, 50), (Timer::PingInterval, 2)]).await;
    let stop = Instant::now() + Duration::from_secs(1);
    let everybody: Vec<_> =
        (0..16).map(|number| tokio::spawn(come_and_go(server.local_addr(), number, stop))).collect();
    let mut met = 0;
    for one in everybody {
        met += within(one).await.unwrap();
    }
    assert!(met > 100, "{met}");
    until_empty(&server).await;
    let page = Page::of(&server);
    assert_eq!(page.value("phase_entries_total", &[]), page.value("phase_duration_seconds_count", &[]));
    // The address is not counted for anybody any more: as many as before may come, and no more.
    let mut open = Vec::new();
    for _ in 0..MOST {
        open.push(raw::connect(server.local_addr()).await);
    }
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == MOST).await;
    let mut over = raw::connect(server.local_addr()).await;
    assert!(raw::rest(&mut over).await.starts_with(b"HTTP/1.1 429 "));
}
