//! The admission hook: what it is asked, and that everything but a clear yes is a no.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::hook::{Hook, asking, response};
use common::scrape::{Page, until};
use common::{Client, End, NO_LISTENER, end, key, relay_with};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, HookConfig, Server};

const NOT_ADMITTED: &str = "Close called: This publicKey is not admitted.";
const YES: &str = r#"{"allow":true}"#;
const NO: &str = r#"{"allow":false}"#;
const LONG: Duration = Duration::from_secs(15);

/// A hook with that answer, and a relay that asks it and keeps nothing.
async fn both(answer: &str) -> (Hook, Server) {
    let hook = Hook::start(answer).await;
    let server = relay_with(asking(hook.config(LONG, Duration::ZERO)), &[(Timer::Handshake, 60_000)]).await;
    (hook, server)
}

async fn register(server: &Server, number: u16) -> Result<Client, End> {
    Client::connect(server.local_addr()).await.try_register(&key(number)).await
}

async fn is_refused(server: &Server, number: u16) {
    assert_eq!(register(server, number).await.err(), Some(end(1000, NOT_ADMITTED)));
}

fn questions(server: &Server, outcome: &str) -> f64 {
    Page::of(server).value("admission_hook_total", &[("outcome", outcome)])
}

#[tokio::test]
async fn a_yes_lets_in_and_the_question_is_as_documented() {
    let (hook, server) = both(&response("200 OK", YES)).await;
    let mut spare = register(&server, 1).await.unwrap();
    let _connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    spare.handed_over(&key(2), &key(1)).await;
    let requests = hook.requests();
    assert_eq!(requests.len(), 2);
    let [one, two] = [1, 2].map(|number| key(number).public().to_hex());
    for (request, body) in requests.iter().zip([
        format!(r#"{{"version":1,"event":"register","publicKey":"{one}","address":"127.0.0.1"}}"#),
        format!(
            r#"{{"version":1,"event":"request","publicKey":"{one}","sourcePublicKey":"{two}","address":"127.0.0.1"}}"#
        ),
    ]) {
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(sent, body);
        let head = head.to_lowercase();
        assert!(head.starts_with("post /ask http/1.1\r\n"), "{head}");
        for field in [
            format!("host: {}", hook.address),
            "content-type: application/json".to_owned(),
            format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|line| line == field), "{field} in {head}");
        }
    }
    assert_eq!(questions(&server, "allow"), 2.0);
    let page = Page::of(&server);
    assert_eq!(page.value("admission_hook_duration_seconds_count", &[]), 2.0);
    assert!(page.value("admission_hook_duration_seconds_sum", &[]) > 0.0);
}

#[tokio::test]
async fn a_no_keeps_out() {
    let (hook, server) = both(&response("200 OK", YES)).await;
    let _spare = register(&server, 1).await.unwrap();
    hook.answer(&response("200 OK", NO));
    is_refused(&server, 2).await;
    let mut connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    assert_eq!(connector.ended().await, end(1000, NO_LISTENER));
    assert_eq!(server.snapshot().spares, 1, "it was not touched");
    assert_eq!(questions(&server, "deny"), 2.0);
    let page = Page::of(&server);
    for what in ["register", "request"] {
        assert_eq!(page.value("admission_denied_total", &[("what", what), ("by", "hook")]), 1.0);
    }
}

#[tokio::test]
async fn everything_else_is_a_no() {
    let long = format!(r#"{{"allow":true,"note":"{}"}}"#, "x".repeat(4096));
    let (hook, server) = both("").await;
    let elsewhere = Hook::start(&response("200 OK", YES)).await;
    let redirect =
        format!("HTTP/1.1 307 T\r\nLocation: http://{}/ask\r\nContent-Length: 14\r\n\r\n{YES}", elsewhere.address);
    let answers = [
        response("200 OK", &long),
        response("200 OK", r#"{"allow":1}"#),
        response("200 OK", "{}"),
        response("200 OK", "yes"),
        response("201 Created", YES),
        response("500 Oops", YES),
        redirect,
        format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{YES}"),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 14\r\n\r\n{YES}", "x".repeat(20_000)),
        "\u{1}\u{2}junk\r\n\r\n".to_owned(),
        String::new(),
    ];
    for (number, answer) in (1_u8..).zip(&answers) {
        hook.answer(answer);
        is_refused(&server, 1).await;
        assert_eq!(questions(&server, "error"), f64::from(number), "{answer}");
    }
    assert_eq!(elsewhere.requests().len(), 0, "a redirect is not followed");
    hook.answer(&response("200 OK", YES));
    register(&server, 1).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_a_no() {
    let hook = Hook::start("").await;
    let config = hook.config(LONG, Duration::ZERO);
    drop(hook);
    let server = relay_with(asking(config), &[]).await;
    is_refused(&server, 1).await;
    assert_eq!(questions(&server, "error"), 1.0);
}

#[tokio::test]
async fn no_answer_in_time_is_a_no() {
    let hook = Hook::start(&response("200 OK", YES)).await;
    hook.hold(true);
    let config = asking(hook.config(Duration::from_millis(200), Duration::ZERO));
    let server = relay_with(config, &[(Timer::Handshake, 60_000)]).await;
    let start = Instant::now();
    is_refused(&server, 1).await;
    assert!((200..10_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(questions(&server, "timeout"), 1.0);
}

#[tokio::test]
async fn the_handshake_deadline_does_not_wait_for_the_hook() {
    let hook = Hook::start(&response("200 OK", YES)).await;
    let server = relay_with(asking(hook.config(LONG, Duration::ZERO)), &[(Timer::Handshake, 600)]).await;
    let _spare = register(&server, 1).await.unwrap();
    hook.hold(true);
    let timed_out = end(1000, "Terminate called: Handshake: Connection timed out");
    assert_eq!(register(&server, 2).await.err(), Some(timed_out.clone()));
    let mut connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    assert_eq!(connector.ended().await, timed_out);
}

#[tokio::test]
async fn an_answer_holds_for_its_time_and_no_longer() {
    let hook = Hook::start(&response("200 OK", YES)).await;
    let server = relay_with(asking(hook.config(LONG, Duration::from_secs(3600))), &[]).await;
    for _ in 0..3 {
        register(&server, 1).await.unwrap();
    }
    assert_eq!((hook.requests().len(), questions(&server, "allow"), questions(&server, "cached")), (1, 1.0, 2.0));
    // Another key is another question.
    hook.answer(&response("200 OK", r#"{"allow":false,"cacheSeconds":1}"#));
    is_refused(&server, 2).await;
    hook.answer(&response("200 OK", YES));
    let asked = Instant::now();
    let in_again = async {
        while register(&server, 2).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    common::within(in_again).await;
    assert!(asked.elapsed() > Duration::from_millis(800), "{:?}", asked.elapsed());
    assert_eq!(hook.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_holds_no_longer_than_it_may() {
    let hook = Hook::start(&response("200 OK", r#"{"allow":true,"cacheSeconds":3600}"#)).await;
    let server = relay_with(asking(hook.config(LONG, Duration::ZERO)), &[]).await;
    for _ in 0..2 {
        register(&server, 1).await.unwrap();
    }
    assert_eq!(hook.requests().len(), 2);
}

#[tokio::test]
async fn what_went_wrong_is_asked_again_soon() {
    let hook = Hook::start(&response("500 Oops", "")).await;
    let server = relay_with(asking(hook.config(LONG, Duration::from_secs(3600))), &[]).await;
    is_refused(&server, 1).await;
    hook.answer(&response("200 OK", YES));
    let in_again = async {
        while register(&server, 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    common::within(in_again).await;
    assert_eq!(hook.requests().len(), 2);
}

#[tokio::test]
async fn another_hook_is_asked_everything_anew() {
    let hook = Hook::start(&response("200 OK", YES)).await;
    let hour = Duration::from_secs(3600);
    let server = relay_with(asking(hook.config(LONG, hour)), &[]).await;
    register(&server, 1).await.unwrap();
    let stricter = Hook::start(&response("200 OK", NO)).await;
    server.reconfigure(asking(stricter.config(LONG, hour))).unwrap();
    is_refused(&server, 1).await;
    server.reconfigure(Config::default()).unwrap();
    register(&server, 1).await.unwrap();
    assert_eq!((hook.requests().len(), stricter.requests().len()), (1, 1));
}

#[tokio::test]
async fn one_question_at_a_time_is_asked_once() {
    let (hook, server) = both(&response("200 OK", YES)).await;
    hook.hold(true);
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let address = server.local_addr();
            tokio::spawn(async move { Client::connect(address).await.try_register(&key(1)).await })
        })
        .collect();
    until(&server, "admission_hook_total", &[("outcome", "cached")], |number| number == 9.0).await;
    hook.hold(false);
    for client in clients {
        assert!(common::within(client).await.unwrap().is_ok());
    }
    assert_eq!(hook.requests().len(), 1);
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_any_more_is_dropped() {
    let (hook, server) = both(&response("200 OK", YES)).await;
    let mut spare = register(&server, 1).await.unwrap();
    hook.hold(true);
    let connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    hook.until_asked(2).await;
    drop(connector);
    until(&server, "connections", &[], |number| number == 1.0).await;
    hook.hold(false);
    let _connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    spare.handed_over(&key(2), &key(1)).await;
    assert_eq!(hook.requests().len(), 3);
}

#[tokio::test]
async fn at_most_64_are_asked_at_a_time_and_the_others_have_their_turn() {
    let (hook, server) = both(&response("200 OK", NO)).await;
    hook.hold(true);
    let clients: Vec<_> = (0..80)
        .map(|number| {
            let address = server.local_addr();
            tokio::spawn(async move { Client::request(address, &key(1000), key(number).public()).await.ended().await })
        })
        .collect();
    hook.until_asked(64).await;
    until(&server, "phase_entries_total", &[("phase", "handover")], |number| number == 80.0).await;
    assert_eq!(hook.requests().len(), 64);
    hook.hold(false);
    for client in clients {
        assert_eq!(common::within(client).await.unwrap(), end(1000, NO_LISTENER));
    }
    assert_eq!((hook.requests().len(), hook.busiest()), (80, 64));
}

/// Everything is logged, and nothing of the URL but scheme, host and port is there.
#[cfg(all(unix, feature = "tls"))]
#[tokio::test]
async fn over_https_the_certificate_counts_and_the_url_stays_secret() {
    let [authority, stranger] = [common::tls::Authority::default(), common::tls::Authority::default()];
    let hook = Hook::start_tls(&response("200 OK", YES), authority.server()).await;
    let url = format!("https://relay:secret-1@{}/secret-2?token=secret-3", hook.address);
    let program = |roots: &std::path::Path| {
        let mut command = common::program::command(&["--log", "trace", "--hook-url", &url, "--hook-cache-ms", "0"]);
        command.env("SSL_CERT_FILE", roots).stderr(std::process::Stdio::piped());
        common::program::Program::start(command)
    };
    let mut log = String::new();
    for (roots, is_in) in [(authority.root(), true), (stranger.root(), false)] {
        let mut program = program(&roots);
        let registered = Client::connect(program.address).await.try_register(&key(1)).await;
        assert_eq!(registered.is_ok(), is_in);
        if !is_in {
            // Another question, and the same trouble.
            assert!(Client::connect(program.address).await.try_register(&key(2)).await.is_err());
        }
        program.signal("TERM");
        program.exit().await;
        std::io::Read::read_to_string(&mut program.take_stderr(), &mut log).unwrap();
    }
    assert_eq!(hook.requests().len(), 1);
    assert!(hook.requests()[0].starts_with("POST /secret-2?token=secret-3 "));
    assert!(!log.contains("secret"), "{log}");
    // Once in a way that nobody overlooks.
    for (level, trouble) in
        [(" WARN ", "the admission hook gives no answers"), ("DEBUG ", "the admission hook gave no answer")]
    {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(trouble)).collect();
        assert!(lines.len() == 1 && lines[0].contains(level), "{log}");
    }
}

#[tokio::test]
async fn a_password_in_the_url_is_sent_and_not_shown() {
    let hook = Hook::start(&response("200 OK", YES)).await;
    let url = format!("http://relay:pass@{}/ask?token=t", hook.address);
    let config = HookConfig { url, ..hook.config(LONG, Duration::ZERO) };
    assert_eq!(config.place(), format!("http://{}", hook.address));
    let server = relay_with(asking(config), &[]).await;
    register(&server, 1).await.unwrap();
    let request = &hook.requests()[0];
    assert!(request.starts_with("POST /ask?token=t HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("\r\nauthorization: basic cmvsyxk6cgfzcw==\r\n"), "{request}");
}
