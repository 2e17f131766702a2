//! The plugins of a connection, linked and as modules of the same source.

use std::sync::Arc;
use std::time::Instant;

use ratatosk_benches::Outcome;
use ratatosk_plugin_bundle as bundle;
use ratatosk_plugin_encryption::Encryption;
use ratatosk_plugin_encryption::secretbox::Secretbox;
use ratatosk_plugin_host::{BuiltIn, Choices, HostLimits, Manifest, Module, PluginHost, PluginSet, Sources};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::plugin::{
    CHUNK_LEN, KeepAliveSettings, Layer, Linked, MAX_MESSAGE_LEN, NonceParity, Plugin, Setup, Stack,
};

/// Encryption alone.
pub(crate) const ENCRYPTION: &[Layer] = &[Layer::Encryption];
/// All that a connection has.
pub(crate) const THREE: &[Layer] = &[Layer::Encryption, Layer::KeepAlive, Layer::Fragmentation];

pub(crate) const KEY: [u8; 32] = [7; 32];

/// The three modules, compiled.
pub(crate) struct Modules {
    encryption: Module,
    keepalive: Module,
    fragmentation: Module,
}

impl Modules {
    /// With the limits that programs use.
    pub(crate) fn compile() -> Outcome<Self> {
        let host = PluginHost::new(HostLimits::default())?;
        let load =
            |built: bundle::Module| Outcome::Ok(Module::new(&host, Manifest::parse(built.manifest)?, built.wasm)?);
        let [encryption, keepalive, fragmentation] =
            [load(bundle::ENCRYPTION)?, load(bundle::KEEPALIVE)?, load(bundle::FRAGMENTATION)?];
        Ok(Self { encryption, keepalive, fragmentation })
    }

    /// How many instances of the three run.
    pub(crate) fn instances(&self) -> usize {
        [&self.encryption, &self.keepalive, &self.fragmentation].map(Module::instances).iter().sum()
    }

    fn plugin(&self, layer: Layer, setup: &Setup<'_>) -> Outcome<Box<dyn Plugin>> {
        let module = match layer {
            Layer::Encryption => &self.encryption,
            Layer::KeepAlive => &self.keepalive,
            _ => &self.fragmentation,
        };
        let config = setup.config(layer).ok_or("no such plugin")?;
        Ok(Box::new(module.open(&config, setup.now, Box::new(OsEntropy))?))
    }
}

/// The plugins of a program that says nothing about them.
pub(crate) fn set() -> Outcome<Arc<PluginSet>> {
    let built_in = [bundle::ENCRYPTION, bundle::KEEPALIVE, bundle::FRAGMENTATION];
    let built_in = built_in.map(|built| BuiltIn { manifest: built.manifest, wasm: built.wasm }).into();
    let sources = Sources { built_in, entropy: || Box::new(OsEntropy), limits: HostLimits::default() };
    Ok(PluginSet::start(&Choices::all_wasm(), sources)?)
}

/// What a connection tells its plugins.
pub(crate) fn setup(key: &SharedKey, sends: NonceParity) -> Setup<'_> {
    Setup {
        now: Instant::now(),
        key,
        sends,
        keepalive: KeepAliveSettings::default(),
        chunk_len: CHUNK_LEN,
        max_message_len: MAX_MESSAGE_LEN,
    }
}

/// How the plugins of an end run.
#[derive(Clone, Copy)]
pub(crate) enum Form<'a> {
    /// As modules.
    Modules(&'a Modules),
    /// Linked, as programs have them: with all that the processor has.
    Linked,
    /// Linked, with vectors as wide as those of modules.
    Narrow,
}

/// One end with these plugins, from the socket outwards.
pub(crate) fn stack(form: Form<'_>, layers: &[Layer], sends: NonceParity) -> Outcome<Stack> {
    let key = SharedKey::from_bytes(KEY);
    let setup = setup(&key, sends);
    let plugin = |layer: &Layer| match (form, layer) {
        (Form::Modules(modules), layer) => modules.plugin(*layer, &setup),
        (Form::Narrow, Layer::Encryption) => {
            let plugin = Encryption::with_secretbox(Secretbox::with_common_vectors(&KEY), sends);
            Ok(Box::new(Linked::from_plugin("encryption", *layer, plugin)) as Box<dyn Plugin>)
        }
        (Form::Linked | Form::Narrow, layer) => setup.linked(*layer).ok_or_else(|| "no such plugin".into()),
    };
    Ok(Stack::new(layers.iter().map(plugin).collect::<Outcome<_>>()?, Box::new(OsEntropy))?)
}
