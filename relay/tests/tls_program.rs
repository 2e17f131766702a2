//! TLS in the program: where it says what, what its log warns of, and what an idle spare costs.
#![cfg(all(feature = "tls", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::program::{Program, command};
use common::tls::{Authority, Tls, files, shown};
use common::{Client, key};
use ratatosk_relay::TlsConfig;

/// Spares whose memory is measured, behind some that warm the allocator up.
const SPARES: u16 = 1000;
const WARM_UP: u16 = 100;
/// For each of them, in a build for tests. A release has less.
const ALLOWED: u64 = 20 * 1024;

/// The program with these files.
fn with(tls: &TlsConfig, flags: &[&str]) -> Command {
    let files = files(tls);
    let files = ["--tls-certificate", files.certificate.to_str().unwrap(), "--tls-key", files.key.to_str().unwrap()];
    command(&[&["--tls-listen", "127.0.0.1:0"], &files[..], flags].concat())
}

async fn spares(
    authority: &Authority,
    address: std::net::SocketAddr,
    numbers: std::ops::Range<u16>,
) -> Vec<Client<Tls>> {
    let mut spares = Vec::new();
    for number in numbers {
        spares.push(authority.register(address, &key(number)).await);
    }
    spares
}

#[tokio::test]
async fn an_idle_spare_over_tls_costs_less_than_20_kib() {
    common::network::allow_files(4096);
    let authority = Authority::default();
    let tls = authority.install(&authority.certify(2029));
    let flags = ["--log", "warn", "--ping-interval-ms", "600000"];
    let (program, address) = Program::start_with_tls(with(&tls, &flags));
    let _warm = spares(&authority, address, 0..WARM_UP).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = program.resident();
    let _spares = spares(&authority, address, WARM_UP..WARM_UP + SPARES).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let each = program.resident().saturating_sub(before) / u64::from(SPARES);
    println!("an idle spare over TLS: {:.1} KiB", each as f64 / 1024.0);
    assert!(each < ALLOWED, "{each} bytes");
}

#[tokio::test]
async fn a_hangup_reads_the_certificate_again() {
    let authority = Authority::default();
    let tls = authority.install(&authority.certify(2029));
    let (program, address) = Program::start_with_tls(with(&tls, &["--log", "warn"]));
    let old = shown(&authority.connect(address).await);
    authority.install(&authority.certify(2039));
    program.signal("HUP");
    // Long before it would have looked by itself.
    let renewed = async {
        while shown(&authority.connect(address).await) == old {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewed).await.unwrap();
}

/// What the program has logged by its end.
async fn log(mut program: Program) -> String {
    let mut stderr = program.take_stderr();
    program.signal("TERM");
    program.exit().await;
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    log
}

#[tokio::test]
async fn the_log_warns_of_what_an_operator_should_know_and_shows_no_key() {
    let authority = Authority::default();
    for (until, mode, warnings) in
        [(2020, 0o644, &["has expired", "every user of this machine may read the private key"][..]), (2029, 0o600, &[])]
    {
        let pair = authority.certify(until);
        let tls = authority.install(&pair);
        fs::set_permissions(&files(&tls).key, Permissions::from_mode(mode)).unwrap();
        let mut command = with(&tls, &["--log", "trace"]);
        command.stderr(Stdio::piped());
        let (program, _) = Program::start_with_tls(command);
        let log = log(program).await;
        for warning in ["has expired", "every user of this machine may read the private key"] {
            assert_eq!(log.contains(warning), warnings.contains(&warning), "{warning}: {log}");
        }
        assert!(log.contains("listening with TLS"), "{log}");
        let secret = pair.1.lines().nth(1).unwrap();
        assert!(!log.contains(secret));
    }
}

#[test]
fn a_program_without_a_good_certificate_says_what_is_wrong_and_ends() {
    let authority = Authority::default();
    let (one, other) = (authority.certify(2029), authority.certify(2029));
    let tls = authority.install(&(one.0, other.1));
    let refused = || {
        let output = with(&tls, &[]).stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let text = refused();
    assert!(text.contains("is not that of the first certificate in"), "{text}");
    fs::remove_file(&files(&tls).certificate).unwrap();
    let text = refused();
    assert!(text.contains(files(&tls).certificate.to_str().unwrap()), "{text}");
}

/// What would keep the relay from starting is found without starting it.
#[tokio::test]
async fn the_check_of_the_settings_finds_a_key_of_another_certificate() {
    let authority = Authority::default();
    let (certificate, key) = authority.certify(2029);
    let good = with(&authority.install(&(certificate.clone(), key)), &["--check-config"]).output().unwrap();
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    let other = authority.certify(2029).1;
    let mut bad = with(&authority.install(&(certificate, other)), &["--check-config"]);
    let bad = bad.stderr(Stdio::piped()).output().unwrap();
    assert_eq!((bad.status.code(), bad.stdout.as_slice()), (Some(2), &b""[..]));
    let text = String::from_utf8(bad.stderr).unwrap();
    assert!(text.contains("is not that of the first certificate"), "{text}");
}
