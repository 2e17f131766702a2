//! What operators are given beside the program: it speaks of what there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::scrape::Page;
use common::{key, pair, relay};
use serde_json::Value;

/// Exported only while there is something to say: by a relay that has a certificate itself.
const CONDITIONAL: &str = "commserver_tls_cert_expiry_timestamp_seconds";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The page of a relay that has done something.
async fn page() -> Page {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    connector.close(1000, "").await;
    listener.ended().await;
    common::until_empty(&server).await;
    Page::of(&server)
}

/// Metrics that a text names, each with what stands in braces behind it.
fn mentions(text: &str) -> Vec<(&str, &str)> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("commserver_") {
        let name = text[at..].split(|c| !in_name(c)).next().unwrap();
        let rest = &text[at + name.len()..];
        let selector =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(selector, _)| selector);
        found.push((name, selector));
    }
    found
}

/// The metric that a series belongs to: a histogram has three.
fn metric_of<'a>(page: &'a Page, series: &str) -> Option<&'a (String, String)> {
    page.kinds.iter().find(|(name, kind)| {
        let suffix = series.strip_prefix(name.as_str());
        suffix.is_some_and(|suffix| {
            if kind == "histogram" { ["_bucket", "_sum", "_count"].contains(&suffix) } else { suffix.is_empty() }
        })
    })
}

/// Every metric, label and value in `text` exists.
fn check(page: &Page, text: &str) {
    for (series, selector) in mentions(text) {
        if series == CONDITIONAL {
            continue;
        }
        assert!(metric_of(page, series).is_some(), "{series} is not exported");
        let name = series.strip_prefix("commserver_").unwrap();
        for matcher in selector.split(',').filter(|matcher| !matcher.is_empty() && !matcher.contains("$instance")) {
            let (label, value) = matcher.split_once(['=', '!']).expect(matcher);
            let values = value.trim_start_matches(['=', '~']).trim_matches(['"', '\\']);
            let known: Vec<_> = page.samples(name, &[]).filter_map(|sample| sample.label(label)).collect();
            assert!(!known.is_empty(), "{series} has no label {label}");
            // A histogram shows only the values that it has seen.
            let open = series.contains("phase_duration");
            for value in values.split('|') {
                assert!(open || known.contains(&value), "{series} has no {label} {value:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_dashboard_shows_what_is_exported_and_all_of_it() {
    let page = page().await;
    let dashboard: Value = serde_json::from_str(&read("ops/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut all = String::new();
    let mut ids = Vec::new();
    for panel in panels {
        assert!(panel["title"].is_string() && panel["gridPos"].is_object(), "{panel}");
        assert!(!ids.contains(&&panel["id"]), "{panel}");
        ids.push(&panel["id"]);
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(panel["type"] == "row" || !targets.is_empty(), "{panel}");
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            check(&page, expression);
            all.push_str(expression);
        }
    }
    let shown: Vec<_> = mentions(&all).iter().filter_map(|(series, _)| metric_of(&page, series)).collect();
    for metric in &page.kinds {
        assert!(shown.contains(&metric), "{} is on no panel", metric.0);
    }
}

#[tokio::test]
async fn the_alerts_watch_what_is_exported() {
    let text = read("ops/alerts.yml");
    check(&page().await, &text);
    let alerts = text.matches("- alert: ").count();
    assert!(alerts > 5);
    for field in ["expr: ", "severity: ", "summary: "] {
        assert_eq!(text.matches(field).count(), alerts, "each alert has {field}");
    }
    assert!(!text.contains('\t'), "YAML knows no tabs");
}

/// `| \`name\` | labels | unit | meaning |`, once for each metric.
#[tokio::test]
async fn the_manual_has_a_line_for_every_metric() {
    let text = read("../docs/operations.md");
    let page = page().await;
    for (series, _) in mentions(&text) {
        let is_metric = page.kinds.iter().any(|(name, _)| name == series);
        assert!(is_metric || series == CONDITIONAL || metric_of(&page, series).is_some(), "{series} is not exported");
    }
    for (name, kind) in &page.kinds {
        let line = format!("| `{name}` |");
        let lines: Vec<_> = text.lines().filter(|text| text.starts_with(&line)).collect();
        assert_eq!(lines.len(), 1, "{line}");
        assert!(lines[0].contains(kind), "{} is a {kind}", lines[0]);
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("| `commserver_")).count(), page.kinds.len() + 1);
}

/// A relay behind them would otherwise take all clients for one.
#[test]
fn every_proxy_comes_with_the_trust_that_it_needs() {
    for (path, tells) in [
        ("ops/nginx.conf", "proxy_set_header X-Forwarded-For $remote_addr;"),
        ("ops/Caddyfile", "reverse_proxy 127.0.0.1:8000"),
        ("ops/haproxy.cfg", "server relay 127.0.0.1:8000 send-proxy-v2"),
    ] {
        let text = read(path);
        assert!(text.contains(tells) && text.contains("#   [proxies]\n#   trusted = ["), "{path}");
        assert_eq!(text.contains("#   protocol = true"), text.contains("send-proxy"), "{path}");
        assert!(read("../docs/operations.md").contains(&format!("(../relay/{path})")), "{path}");
    }
}

/// The service starts without its file of settings, reads it if it is there, and again when told to.
#[test]
fn the_service_reads_its_settings() {
    let unit = read("ops/commserver.service");
    let lines: Vec<_> = unit.lines().collect();
    let config = lines.iter().find_map(|line| line.strip_prefix("Environment=COMMSERVER_CONFIG=")).expect("a file");
    let file = config.strip_prefix('-').expect("it need not be there");
    assert!(file.starts_with("/etc/commserver/") && lines.contains(&"ExecReload=/bin/kill -HUP $MAINPID"));
    let start = lines.iter().position(|line| line.starts_with("Environment=")).unwrap();
    let local = lines.iter().position(|line| line.starts_with("EnvironmentFile=")).unwrap();
    assert!(start < local, "an operator can name another");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("ops/commserver.toml");
    for config in [format!("-{}", sample.display()), sample.display().to_string(), "-/no/such/file".to_owned()] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_commserver"));
        let output = command.arg("--check-config").env("COMMSERVER_CONFIG", config).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

/// What the files tell the program, it knows.
#[test]
fn every_setting_in_the_files_exists() {
    let help = common::program::command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for path in ["ops/commserver.service", "ops/Dockerfile", "../docs/operations.md"] {
        let text = read(path);
        for (at, _) in text.match_indices("COMMSERVER_") {
            let name = text[at..].split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap();
            let built_in = name == "COMMSERVER_COMMIT" || name == "COMMSERVER_";
            assert!(built_in || help.contains(&format!("[env: {name}")), "{name} in {path}");
        }
        for line in text.lines().filter(|line| line.contains("commserver --")) {
            for flag in line.split(|c: char| !c.is_ascii_lowercase() && c != '-').filter(|word| word.starts_with("--"))
            {
                assert!(help.split([' ', '\n', '`']).any(|word| word == flag), "{flag} in {path}");
            }
        }
    }
}
