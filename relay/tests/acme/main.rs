//! Certificates that the relay gets by itself, from an ACME server that really validates.
#![cfg(feature = "acme")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod encoding;
mod server;
mod validate;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::scrape::{Page, until};
use common::tls::{Tls, shown};
use common::{Client, key, raw, relay_with, within};
use ratatosk_relay::{AcmeConfig, BindError, Config, Server, TlsConfig, TlsError, TlsFile};
use rustls::pki_types::ServerName;
use server::{AcmeServer, Life, this_year};

const DOMAIN: &str = "relay.test";
const EXPIRY: &str = "tls_cert_expiry_timestamp_seconds";
const RELOADS: &str = "tls_reloads_total";

/// A folder that is gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ratatosk-acme-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings(acme: AcmeConfig) -> Config {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config { tls: Some(TlsConfig::with_acme(listen, acme)), ..Config::default() }
}

async fn relay(acme: &AcmeServer, cache: &Path) -> Server {
    relay_with(settings(acme.config(DOMAIN, cache.to_owned())), &[]).await
}

/// A TLS connection of somebody who trusts the certifier.
async fn connect(acme: &AcmeServer, server: &Server) -> std::io::Result<Tls> {
    let stream = raw::connect(server.tls_addr().unwrap()).await;
    let name = ServerName::try_from(DOMAIN).unwrap();
    within(acme.authority.client(rustls::DEFAULT_VERSIONS).connect(name, stream)).await
}

/// Registers over TLS.
async fn register(acme: &AcmeServer, server: &Server) -> Vec<u8> {
    let stream = connect(acme, server).await.unwrap();
    let certificate = shown(&stream);
    let client = Client::upgrade(format!("wss://{DOMAIN}/"), stream).await;
    client.try_register(&key(1)).await.unwrap();
    certificate
}

#[tokio::test]
async fn a_certificate_is_got_over_the_own_listener_and_kept_for_the_next_start() {
    let (acme, folder) = (AcmeServer::start().await, Folder::new("first"));
    let cache = folder.0.join("cache");
    let server = relay(&acme, &cache).await;
    acme.until_validating(1).await;
    // There is none yet: that is an alert, and the other listener does not mind.
    let error = connect(&acme, &server).await.unwrap_err();
    assert!(error.to_string().contains("alert"), "{error}");
    Client::register(server.local_addr(), &key(2)).await;
    assert!(!server.view().is_draining() && Page::of(&server).value(EXPIRY, &[]) == 0.0);

    acme.lead_to(server.tls_addr().unwrap());
    until(&server, RELOADS, &[("outcome", "ok")], |number| number == 1.0).await;
    let certificate = register(&acme, &server).await;
    let expiry = Page::of(&server).value(EXPIRY, &[]);
    assert_eq!(expiry, 4_070_908_800.0, "the first second of 2099");
    assert_eq!(acme.counts(), (1, 1));
    assert_eq!(acme.contacts(), [serde_json::json!(["mailto:ops@example.org"])]);
    // Whoever validates now gets no answer any more.
    let late = validate::validate(server.tls_addr().unwrap(), DOMAIN, &[0; 32]).await;
    assert!(late.unwrap_err().contains("alert"));
    within(server.shutdown(Duration::ZERO)).await;
    #[cfg(unix)]
    for (path, mode) in [(cache.clone(), 0o700), (cache.join("account.json"), 0o600)] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, mode);
    }

    // It is there at once, and nobody is asked.
    let server = relay(&acme, &cache).await;
    assert_eq!(register(&acme, &server).await, certificate);
    assert_eq!(Page::of(&server).value(EXPIRY, &[]), expiry);
    assert_eq!((acme.counts(), Page::of(&server).value(RELOADS, &[])), ((1, 1), 0.0));
}

#[tokio::test]
async fn a_certificate_that_is_due_is_renewed_while_it_is_used() {
    let (acme, folder) = (AcmeServer::start().await, Folder::new("due"));
    let year = this_year();
    acme.issue(Life { from: year - 20, until: year + 2 });
    let server = relay(&acme, &folder.0).await;
    acme.lead_to(server.tls_addr().unwrap());
    until(&server, RELOADS, &[("outcome", "ok")], |number| number == 1.0).await;
    let old = register(&acme, &server).await;
    within(server.shutdown(Duration::ZERO)).await;

    acme.hold();
    acme.issue(Life { from: year, until: 2099 });
    let server = relay(&acme, &folder.0).await;
    acme.until_validating(1).await;
    assert_eq!(register(&acme, &server).await, old);
    let mut spare = Client::upgrade(format!("wss://{DOMAIN}/"), connect(&acme, &server).await.unwrap()).await;
    spare = spare.try_register(&key(3)).await.unwrap();
    acme.lead_to(server.tls_addr().unwrap());
    until(&server, EXPIRY, &[], |expiry| expiry == 4_070_908_800.0).await;
    assert_ne!(register(&acme, &server).await, old);
    // The account is the same, and who was there has noticed nothing.
    assert_eq!(acme.counts(), (1, 2));
    let mut connector = Client::request(server.local_addr(), &key(4), key(3).public()).await;
    spare.handed_over(&key(4), &key(3)).await;
    connector.send_text("hello").await;
    assert_eq!(spare.recv_text().await, "hello");
}

#[tokio::test]
async fn an_order_in_vain_is_counted_and_the_relay_goes_on() {
    let (acme, folder) = (AcmeServer::start().await, Folder::new("vain"));
    // The domain leads to somebody else.
    let other = common::tls::Authority::default().relay(&[]).await;
    acme.lead_to(other.tls_addr().unwrap());
    let server = relay(&acme, &folder.0).await;
    until(&server, RELOADS, &[("outcome", "error")], |number| number == 1.0).await;
    assert!(connect(&acme, &server).await.is_err());
    Client::register(server.local_addr(), &key(1)).await;
    // There is a pause before the next try.
    assert_eq!(acme.counts(), (1, 1));
}

#[tokio::test]
async fn nobody_talks_to_the_acme_server_when_the_relay_has_ended() {
    let (acme, folder) = (AcmeServer::start().await, Folder::new("end"));
    let server = relay(&acme, &folder.0).await;
    acme.until_validating(1).await;
    within(server.shutdown(Duration::ZERO)).await;
    acme.until_validating(0).await;
}

#[tokio::test]
async fn what_cannot_work_is_told_at_the_start() {
    let (acme, folder) = (AcmeServer::start().await, Folder::new("start"));
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    let good = acme.config(DOMAIN, folder.0.join("cache"));
    let error = Server::bind(settings(AcmeConfig { cache: file.clone(), ..good.clone() })).await.unwrap_err();
    assert!(matches!(error, BindError::Tls(TlsError::AcmeCache { .. })));
    let error = Server::bind(settings(AcmeConfig { root: Some(file), ..good })).await.unwrap_err();
    assert!(matches!(error, BindError::Tls(TlsError::Missing { file: TlsFile::AcmeRoot, .. })));
}
