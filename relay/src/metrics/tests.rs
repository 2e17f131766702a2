//! What is not worth a socket; the rest is in `tests/metrics.rs`.

use super::*;

fn page(metrics: &Metrics) -> String {
    let now = Now { snapshot: Snapshot::default(), timeouts: Timeouts::default(), draining: false };
    metrics.render(&now)
}

#[test]
fn what_the_system_says_has_its_class() {
    let metrics = Metrics::default();
    let kinds = [io::ErrorKind::ConnectionAborted, io::ErrorKind::OutOfMemory, io::ErrorKind::PermissionDenied];
    let mut errors: Vec<_> = kinds.into_iter().map(io::Error::from).collect();
    if cfg!(unix) {
        errors.extend([23, 24].map(io::Error::from_raw_os_error));
    }
    for error in &errors {
        metrics.accept_failed(error);
    }
    let page = page(&metrics);
    let classes = if cfg!(unix) {
        &["connection", "memory", "other", "process_files", "system_files"][..]
    } else {
        &["connection", "memory", "other"]
    };
    for class in classes {
        assert!(page.contains(&format!("commserver_accept_errors_total{{class=\"{class}\"}} 1\n")), "{class}: {page}");
    }
}

#[test]
fn a_certificate_is_shown_when_there_is_one() {
    let metrics = Metrics::default();
    assert!(!page(&metrics).contains("tls_cert"));
    metrics.set_tls_cert_expiry(1_893_456_000);
    assert!(page(&metrics).contains("\ncommserver_tls_cert_expiry_timestamp_seconds 1893456000\n"));
}

#[test]
fn nothing_is_exported_for_a_cluster_that_does_not_exist() {
    assert!(!page(&Metrics::default()).contains("cluster"));
}

#[test]
fn every_metric_stands_once_with_its_head() {
    let page = page(&Metrics::default());
    let heads: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for (place, head) in heads.iter().enumerate() {
        assert!(!heads[..place].contains(head), "{head}");
        assert!(head.starts_with(text::PREFIX), "{head}");
        let (name, kind) = head.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{head}");
        assert!(page.contains(&format!("# HELP {name} ")), "{head}");
    }
}
