//! Certificates that change, and those that cannot be used.
#![cfg(feature = "tls")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use common::scrape::{Page, until};
use common::tls::{Authority, END_OF_2029, files, looked_at_every, shown};
use common::{key, relay_with};
use ratatosk_relay::{BindError, Config, Server, TlsConfig, TlsError, TlsFile};

const EXPIRY: &str = "tls_cert_expiry_timestamp_seconds";

async fn reloaded(server: &Server, outcome: &str, times: f64) {
    until(server, "tls_reloads_total", &[("outcome", outcome)], |number| number == times).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_clients() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let address = server.tls_addr().unwrap();
    let old = shown(&authority.connect(address).await);
    let mut spare = authority.register(address, &key(2)).await;
    assert_eq!(Page::of(&server).value(EXPIRY, &[]), END_OF_2029 as f64);
    assert_eq!(Page::of(&server).value("tls_reloads_total", &[]), 0.0);

    // Nobody tells the relay.
    authority.install(&authority.certify(2039));
    until(&server, EXPIRY, &[], |expiry| expiry > END_OF_2029 as f64).await;
    let new = shown(&authority.connect(address).await);
    assert_ne!(old, new);
    // Who was there before has noticed nothing.
    let mut connector = authority.request(address, &key(1), key(2).public()).await;
    spare.handed_over(&key(1), &key(2)).await;
    connector.send_text("hello").await;
    assert_eq!(spare.recv_text().await, "hello");
}

#[tokio::test]
async fn other_settings_may_name_other_files() {
    let (authority, other) = (Authority::default(), Authority::default());
    let tls = looked_at_every(std::time::Duration::from_secs(3600), &authority.install(&authority.certify(2029)));
    let config = Config { tls: Some(tls.clone()), ..Config::default() };
    let server = relay_with(config.clone(), &[]).await;
    let address = server.tls_addr().unwrap();
    let old = shown(&authority.connect(address).await);
    // The same files, which have changed: nobody has to wait until that is seen.
    authority.install(&authority.certify(2029));
    server.reconfigure(config).unwrap();
    assert_eq!(Page::of(&server).value("tls_reloads_total", &[("outcome", "ok")]), 1.0);
    assert_ne!(old, shown(&authority.connect(address).await));
    // Others.
    let there = other.install(&other.certify(2039));
    let config = Config { tls: Some(TlsConfig { listen: tls.listen, ..there }), ..Config::default() };
    server.reconfigure(config).unwrap();
    shown(&other.connect(address).await);
    assert!(Page::of(&server).value(EXPIRY, &[]) > END_OF_2029 as f64);
}

#[tokio::test]
async fn what_cannot_be_used_does_not_replace_what_can() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let address = server.tls_addr().unwrap();
    let old = shown(&authority.connect(address).await);
    let config = authority.config();
    let good = fs::read(&files(&config).key).unwrap();
    fs::write(&files(&config).key, "-----BEGIN PRIVATE KEY-----\nhalf of it").unwrap();
    reloaded(&server, "error", 1.0).await;
    fs::remove_file(&files(&config).key).unwrap();
    reloaded(&server, "error", 2.0).await;
    // They are not tried again while they stay as they are.
    tokio::time::sleep(files(&config).check_every * 10).await;
    assert_eq!(Page::of(&server).value("tls_reloads_total", &[]), 2.0);
    assert_eq!(old, shown(&authority.connect(address).await));
    assert_eq!(Page::of(&server).value(EXPIRY, &[]), END_OF_2029 as f64);
    fs::write(&files(&config).key, good).unwrap();
    reloaded(&server, "ok", 1.0).await;
    assert_eq!(old, shown(&authority.connect(address).await));
}

/// How a relay with these files does not start.
async fn refusal(tls: TlsConfig) -> (TlsError, String) {
    let error = Server::bind(Config { listen: None, tls: Some(tls), ..Config::default() }).await.unwrap_err();
    let text = error.to_string();
    match error {
        BindError::Tls(error) => (error, text),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_relay_without_a_good_certificate_does_not_start_and_says_why() {
    let authority = Authority::default();
    let config = authority.config();
    let (one, two) = (authority.certify(2029), authority.certify(2029));
    let path = files(&config).certificate.display().to_string();
    let key = files(&config).key.display().to_string();

    let (error, text) = refusal(config.clone()).await;
    assert!(matches!(error, TlsError::Unreadable { file: TlsFile::Certificate, .. }));
    assert!(text.contains(&path), "{text}");

    authority.install(&one);
    fs::remove_file(&files(&config).key).unwrap();
    let (error, text) = refusal(config.clone()).await;
    assert!(matches!(error, TlsError::Unreadable { file: TlsFile::Key, .. }));
    assert!(text.contains(&key), "{text}");

    let (error, text) = refusal(authority.install(&(one.1.clone(), one.1.clone()))).await;
    assert!(matches!(error, TlsError::Missing { file: TlsFile::Certificate, .. }));
    assert!(text.contains("-----BEGIN CERTIFICATE-----"), "{text}");

    let (error, text) = refusal(authority.install(&(one.0.clone(), one.0.clone()))).await;
    assert!(matches!(error, TlsError::Missing { file: TlsFile::Key, .. }));
    assert!(text.contains("-----BEGIN PRIVATE KEY-----"), "{text}");

    let (error, text) = refusal(authority.install(&(one.0.clone(), two.1.clone()))).await;
    assert!(matches!(error, TlsError::Mismatch { .. }));
    assert!(text.contains(&path) && text.contains(&key), "{text}");

    // A text that is no base64, and base64 that is no key. Nothing of it is told: it may be a secret.
    for body in ["c2VjcmV0!!!", "c2VjcmV0c2VjcmV0"] {
        let broken = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let (error, text) = refusal(authority.install(&(one.0.clone(), broken))).await;
        assert!(matches!(error, TlsError::Broken { file: TlsFile::Key, .. }), "{error}");
        assert!(text.contains(&key) && !text.contains("c2Vj") && !text.contains("secret"), "{text}");
    }
    let broken = "-----BEGIN CERTIFICATE-----\nc2VjcmV0c2VjcmV0\n-----END CERTIFICATE-----\n".to_owned();
    let (error, text) = refusal(authority.install(&(broken, one.1.clone()))).await;
    assert!(matches!(error, TlsError::Broken { file: TlsFile::Certificate, .. }), "{error}");
    assert!(text.contains(&path), "{text}");
}

#[tokio::test]
async fn an_expired_certificate_is_no_reason_not_to_start() {
    let authority = Authority::default();
    let tls = authority.install(&authority.certify(2020));
    let server = Server::bind(Config { listen: None, tls: Some(tls), ..Config::default() }).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let expiry = Page::of(&server).value(EXPIRY, &[]);
    assert!(expiry > 0.0 && expiry < now, "{expiry}");
}
