//! The recordings of the reference's clients, replayed against peers whose plugins are modules, all of them or some.
//! `conformance/tests/client.rs` does the same with linked ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::Path;
use std::sync::Arc;

use ratatosk_conformance::client::recordings::client_scripts;
use ratatosk_conformance::client::{Options, known, run};
use ratatosk_conformance::report::{Summary, line};
use ratatosk_plugin_bundle as bundle;
use ratatosk_plugin_host::{BuiltIn, Choices, HostLimits, PluginSet, Sources};
use ratatosk_protocol::connection::Config;
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::plugin::Form;

fn set(choices: &str) -> Arc<PluginSet> {
    let built_in = [bundle::ENCRYPTION, bundle::KEEPALIVE, bundle::FRAGMENTATION]
        .map(|built| BuiltIn { manifest: built.manifest, wasm: built.wasm });
    let limits = HostLimits { instances: 200, instances_per_module: 60, ..HostLimits::default() };
    let sources = Sources { built_in: built_in.into(), entropy: os_entropy, limits };
    PluginSet::start(&Choices::parse(choices, Path::new("")).unwrap(), sources).unwrap()
}

/// All scripts behave as is known of the linked plugins, and it was these plugins that did it.
async fn all_as_known(choices: &str) {
    let plugins = set(choices);
    let config = Config { plugins: plugins.clone(), ..Config::default() };
    let (scripts, known) = (client_scripts().unwrap(), known().unwrap());
    let mut summary = Summary::default();
    let options = Options { config, ..Options::default() };
    let outcomes = run(&scripts, &options, |outcome| {
        if let Some(surprise) = summary.add(outcome, Some(&known)) {
            println!("{}", line(outcome, Some(&surprise)));
        }
    })
    .await;
    assert_eq!(outcomes.len(), scripts.len());
    assert_eq!(summary.surprises(), 0, "{summary}");
    for plugin in plugins.describe() {
        assert!(plugin.stats.calls() > 100, "{plugin:?}");
        assert_eq!((plugin.stats.traps(), plugin.form == Form::Wasm), (0, plugin.sha256.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_as_modules() {
    all_as_known("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modules_and_linked_ones_mixed() {
    all_as_known("encryption = 'wasm'\nkeepalive = 'native'\nfragmentation = 'wasm'").await;
}
