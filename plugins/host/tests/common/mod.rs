//! The three plugins of the protocol in both forms: linked, and as modules.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::OnceLock;
use std::time::Instant;

use ratatosk_conformance::vectors::{CodecError, Parity, PluginSpec, native_plugin};
use ratatosk_plugin_bundle::{self as bundle, Module as Built};
use ratatosk_plugin_encryption as encryption;
use ratatosk_plugin_fragmentation as fragmentation;
use ratatosk_plugin_host::{HostLimits, Manifest, Module, PluginHost};
use ratatosk_plugin_keepalive::Settings;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::{Form, Layer, NonceParity, Plugin};

/// The modules, compiled once for all tests of a program.
pub(crate) struct Modules {
    pub(crate) host: PluginHost,
    pub(crate) encryption: Module,
    pub(crate) fragmentation: Module,
    pub(crate) keepalive: Module,
}

pub(crate) fn load(host: &PluginHost, built: &Built) -> Module {
    Module::new(host, Manifest::parse(built.manifest).unwrap(), built.wasm).unwrap()
}

pub(crate) fn modules() -> &'static Modules {
    static MODULES: OnceLock<Modules> = OnceLock::new();
    MODULES.get_or_init(|| {
        let limits = HostLimits { instances: 100, instances_per_module: 30, ..HostLimits::default() };
        let host = PluginHost::new(limits).unwrap();
        Modules {
            encryption: load(&host, &bundle::ENCRYPTION),
            fragmentation: load(&host, &bundle::FRAGMENTATION),
            keepalive: load(&host, &bundle::KEEPALIVE),
            host,
        }
    })
}

/// A plugin in one of its forms.
pub(crate) fn plugin(
    form: Form,
    spec: PluginSpec,
    now: Instant,
    entropy: Box<dyn Entropy>,
) -> Result<Box<dyn Plugin>, CodecError> {
    let (config, layer) = match (form, &spec) {
        (Form::Native, _) | (_, PluginSpec::Ping { .. } | PluginSpec::Pong { .. }) => return native_plugin(spec),
        (_, PluginSpec::Encryption { key, sends }) => {
            let key = key.0.as_slice().try_into().map_err(|_| CodecError("a shared key has 32 bytes".to_owned()))?;
            let sends = if *sends == Parity::Even { NonceParity::Even } else { NonceParity::Odd };
            (encryption::config(&key, sends).to_vec(), Layer::Encryption)
        }
        (_, PluginSpec::Keepalive { send_after_ms, close_after_ms }) => {
            let default = Settings::default();
            let settings = Settings {
                send_after_ms: send_after_ms.unwrap_or(default.send_after_ms),
                close_after_ms: close_after_ms.unwrap_or(default.close_after_ms),
                ..default
            };
            (settings.config().to_vec(), Layer::KeepAlive)
        }
        (_, PluginSpec::Fragmentation { chunk_len: None }) => (Vec::new(), Layer::Fragmentation),
        (_, PluginSpec::Fragmentation { chunk_len: Some(len) }) => {
            (fragmentation::config(u32::try_from(*len).unwrap(), 104_857_600).to_vec(), Layer::Fragmentation)
        }
        (_, other) => return Err(CodecError(format!("no plugin for {other:?}"))),
    };
    let modules = modules();
    let module = match layer {
        Layer::Encryption => &modules.encryption,
        Layer::KeepAlive => &modules.keepalive,
        _ => &modules.fragmentation,
    };
    Ok(Box::new(module.open(&config, now, entropy).unwrap()))
}

/// Bytes that a test knows: the same sequence for the same seed.
pub(crate) struct Seeded(pub(crate) u64);

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // A step of SplitMix64: no quality is asked of it here.
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            *byte = (mixed >> 56) as u8;
        }
    }
}
