//! Which plugins the connections have, and in which form: `plugins.toml`.
//!
//! [`Plugins`] is there in two shapes. With the feature `wasm` a host runs modules beside native code, counts, and reads the
//! file again while the program runs. Without it there is only the native code of the three plugins that every connection has.

#[cfg(feature = "wasm")]
mod hosted;
#[cfg(not(feature = "wasm"))]
mod linked;
#[cfg(feature = "wasm")]
mod look;
mod tool;

use std::path::PathBuf;

use clap::Args;
use ratatosk_protocol::plugin::Layer;

#[cfg(feature = "wasm")]
pub(crate) use self::hosted::Plugins;
#[cfg(not(feature = "wasm"))]
pub(crate) use self::linked::Plugins;
pub(crate) use self::tool::Tool;

/// What was asked for.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wanted {
    /// The plugins of connections: a file that lists them (plugins.toml), or `wasm` or `native` for the three that every
    /// connection has, as WebAssembly modules or as native code. `wasm` is what holds otherwise, if the program can.
    #[arg(long = "plugins", env = "RATATOSK_PLUGINS", value_name = "FILE")]
    plugins: Option<PathBuf>,
}

/// The same, sorted out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// Nothing was asked for.
    Default,
    Wasm,
    Native,
    File(PathBuf),
}

impl Wanted {
    fn source(&self) -> Source {
        match &self.plugins {
            None => Source::Default,
            Some(path) if path.as_os_str() == "wasm" => Source::Wasm,
            Some(path) if path.as_os_str() == "native" => Source::Native,
            Some(path) => Source::File(path.clone()),
        }
    }
}

/// The name that `plugins.toml` uses.
fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Observer => "observer",
        Layer::PingPong => "pingpong",
        Layer::Encryption => "encryption",
        Layer::Transform => "transform",
        Layer::KeepAlive => "keepalive",
        Layer::Fragmentation => "fragmentation",
    }
}

/// What a program without the feature says to everything that needs it.
#[cfg(not(feature = "wasm"))]
fn missing(what: &str) -> String {
    format!(
        "{what}, and this program was built without the feature \"wasm\": it has native plugins only. Build it with that \
         feature (cargo build -p ratatosk-node), or leave the choice out or say \"native\""
    )
}
