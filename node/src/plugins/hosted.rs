//! Plugins as WebAssembly modules and as native code, in any mix.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ratatosk_plugin_bundle::{self as bundle, Module};
use ratatosk_plugin_host::{BuiltIn, Change, Choices, HostLimits, PluginInfo, PluginSet, Sources};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::plugin;
use serde_json::{Value, json};

use super::{Source, Wanted, layer_name};

pub(crate) struct Plugins {
    source: Source,
    set: Arc<PluginSet>,
    /// One reload at a time, from the reading of the file on: else an old file could be taken after a new one.
    turn: Arc<Mutex<()>>,
}

impl Plugins {
    /// Compiles the modules that were asked for.
    ///
    /// # Errors
    ///
    /// What is wrong with the file or with a module, for a person.
    pub(crate) fn start(wanted: &Wanted) -> Result<Self, String> {
        let source = wanted.source();
        let set = start(&source).map_err(|problem| {
            format!("{problem}; the peer does not start with other plugins than it was told to use")
        })?;
        Ok(Self { source, set, turn: Arc::default() })
    }

    /// What makes the plugins of connections.
    pub(crate) fn factory(&self) -> Arc<dyn plugin::Plugins> {
        self.set.clone()
    }

    /// Whether [`Self::reload`] has something to read.
    pub(crate) fn has_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// The plugins of new connections, from the socket outwards, and what they have done so far.
    pub(crate) fn describe(&self) -> Value {
        self.set.describe().iter().map(describe).collect()
    }

    /// Reads the file again, on a thread of its own: that may compile modules for a long time. Returns what has changed.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person; nothing has changed then.
    pub(crate) fn reload(&self) -> impl Future<Output = Result<Value, String>> + Send + use<> {
        let (source, set, turn) = (self.source.clone(), self.set.clone(), self.turn.clone());
        async move {
            let Source::File(path) = source else {
                return Err(
                    "there is no file of plugins that could be read again; the peer takes one by --plugins FILE or \
                            RATATOSK_PLUGINS when it starts"
                        .to_owned(),
                );
            };
            read_again(path, set, turn).await
        }
    }
}

async fn read_again(path: PathBuf, set: Arc<PluginSet>, turn: Arc<Mutex<()>>) -> Result<Value, String> {
    let reload = tokio::task::spawn_blocking(move || {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let choices = read(&path)?;
        set.reload(&choices).map_err(|error| unusable(&path, &error))
    });
    match reload.await {
        Ok(Ok(changes)) => Ok(changes.iter().map(change).collect()),
        Ok(Err(problem)) => Err(format!("{problem}; nothing has changed, new connections get the plugins as before")),
        Err(error) => Err(format!("the reload was not finished: {error}")),
    }
}

/// Sets plugins up as a program does that runs on them.
pub(super) fn start(source: &Source) -> Result<Arc<PluginSet>, String> {
    let built_in = |module: Module| BuiltIn { manifest: module.manifest, wasm: module.wasm };
    let sources = Sources {
        built_in: [bundle::ENCRYPTION, bundle::FRAGMENTATION, bundle::KEEPALIVE].map(built_in).to_vec(),
        entropy: os_entropy,
        limits: HostLimits::default(),
    };
    match source {
        Source::Default | Source::Wasm => PluginSet::start(&Choices::all_wasm(), sources)
            .map_err(|error| format!("the plugins cannot be used: {error}")),
        Source::Native => PluginSet::start(&Choices::all_native(), sources)
            .map_err(|error| format!("the plugins cannot be used: {error}")),
        Source::File(path) => PluginSet::start(&read(path)?, sources).map_err(|error| unusable(path, &error)),
    }
}

fn read(path: &Path) -> Result<Choices, String> {
    Choices::read(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("the plugins of {} cannot be used: {error}", path.display())
}

fn change(change: &Change) -> Value {
    json!({"name": change.name, "what": change.what})
}

fn describe(info: &PluginInfo) -> Value {
    let PluginInfo { name, form, layer, version, sha256, limits, instances, stats } = info;
    json!({
        "name": name,
        "form": form.name(),
        "layer": layer_name(*layer),
        "version": version,
        "sha256": sha256,
        "memoryMax": limits.map(|(bytes, _)| bytes),
        "deadlineMs": limits.map(|(_, millis)| millis),
        "instances": instances,
        "connections": stats.connections(),
        "calls": stats.calls(),
        "timeMs": stats.time().as_secs_f64() * 1000.0,
        "traps": stats.traps(),
        "failures": stats.failures(),
    })
}
