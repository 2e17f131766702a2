//! Plugins of a program without WebAssembly: the three that every connection has, as native code.

use std::future::ready;
use std::sync::Arc;

use ratatosk_protocol::plugin::{self, AllLinked, Form, Layer};
use serde_json::{Value, json};

use super::{Source, Wanted, layer_name, missing};

pub(crate) struct Plugins;

impl Plugins {
    /// Looks whether what was asked for is there.
    ///
    /// # Errors
    ///
    /// That it is not, for a person.
    pub(crate) fn start(wanted: &Wanted) -> Result<Self, String> {
        match wanted.source() {
            Source::Default | Source::Native => Ok(Self),
            Source::Wasm => Err(missing("plugins were asked for as WebAssembly modules")),
            Source::File(path) => Err(missing(&format!("{} lists plugins", path.display()))),
        }
    }

    pub(crate) fn factory(&self) -> Arc<dyn plugin::Plugins> {
        Arc::new(AllLinked)
    }

    pub(crate) fn has_file(&self) -> bool {
        false
    }

    /// The plugins of new connections, from the socket outwards.
    pub(crate) fn describe(&self) -> Value {
        let layers = [Layer::Encryption, Layer::KeepAlive, Layer::Fragmentation].map(layer_name);
        let describe = |name: &str| json!({"name": name, "form": Form::Native.name(), "layer": name, "version": env!("CARGO_PKG_VERSION")});
        layers.map(describe).into_iter().collect()
    }

    /// There is nothing to read again.
    pub(crate) fn reload(&self) -> impl Future<Output = Result<Value, String>> + Send + use<> {
        ready(Err(missing("there is no file of plugins that could be read again")))
    }
}
