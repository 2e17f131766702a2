//! A build without TLS.
#![cfg(not(feature = "tls"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::net::{Ipv4Addr, SocketAddr};

use ratatosk_relay::{BindError, Config, Server, TlsConfig, TlsError};

#[tokio::test]
async fn a_listener_with_tls_is_refused_and_not_left_out() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let tls = TlsConfig::new(address, "chain.pem".into(), "key.pem".into());
    let config = Config { listen: Some(address), tls: Some(tls), ..Config::default() };
    let error = Server::bind(config).await.unwrap_err();
    assert!(matches!(error, BindError::Tls(TlsError::NotBuilt)));
    assert!(error.to_string().contains("built without TLS"), "{error}");
}
