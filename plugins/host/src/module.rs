//! A module: compiled once, for all connections that use it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ratatosk_protocol::entropy::Entropy;
use sha2::{Digest, Sha256};
use wasmtime::InstancePre;

use crate::engine::PluginHost;
use crate::imports::{self, Call, Limits, State};
use crate::instance::Instance;
use crate::manifest::{Manifest, ManifestError};
use crate::pool::{Lease, Pool};
use crate::stats::Stats;
use crate::stopped::{Stopped, explain};
use crate::verify::{self, AbiError};
use crate::wasm::{self, WasmPlugin};

/// The largest module, in bytes; also the largest manifest and the largest list of plugins.
pub const MAX_MODULE_LEN: u64 = 16 << 20;

/// A compiled module. Copies are the same module.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    manifest: Manifest,
    pre: InstancePre<State>,
    limits: Limits,
    subscribed: u32,
    pool: Arc<Pool>,
    stats: Arc<Stats>,
    /// Keeps the deadlines going.
    host: PluginHost,
}

/// Why a module cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// These are other bytes than those that the manifest is about.
    #[error("plugin {name}: the module has the SHA-256 {found}, its manifest says {expected}")]
    Hash {
        /// The plugin.
        name: String,
        /// The manifest's.
        expected: String,
        /// The module's.
        found: String,
    },
    /// It may have more memory than the host gives.
    #[error("plugin {name}: memory_max is {wanted} bytes, the host gives at most {max}")]
    Memory {
        /// The plugin.
        name: String,
        /// The manifest's.
        wanted: usize,
        /// The host's.
        max: usize,
    },
    /// It is no valid WebAssembly.
    #[error("plugin {name}: {error}")]
    Compile {
        /// The plugin.
        name: String,
        /// What the compiler says.
        error: String,
    },
    /// It does not follow the ABI.
    #[error("plugin {name}: {error}")]
    Abi {
        /// The plugin.
        name: String,
        /// How not.
        error: AbiError,
    },
    /// It could not be set up.
    #[error("plugin {name} stopped: {reason}")]
    Stopped {
        /// The plugin.
        name: String,
        /// Why.
        reason: Stopped,
    },
}

/// Why a plugin could not be opened for a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It does not take its configuration.
    #[error("plugin {name} refused its configuration: {reason}")]
    Refused {
        /// The plugin.
        name: String,
        /// What it says.
        reason: String,
    },
    /// It was ended while it was opened.
    #[error("plugin {name} stopped: {reason}")]
    Stopped {
        /// The plugin.
        name: String,
        /// Why.
        reason: Stopped,
    },
}

impl Module {
    /// Reads a manifest and, beside it, the module that it names.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub fn load(host: &PluginHost, manifest: &Path) -> Result<Self, LoadError> {
        let text = String::from_utf8_lossy(&read(manifest)?).into_owned();
        let parsed = Manifest::parse(&text)?;
        let wasm = read(&manifest.with_file_name(&parsed.file))?;
        Self::new(host, parsed, &wasm)
    }

    /// Compiles a module, and sets it up once to see that it can be.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub fn new(host: &PluginHost, manifest: Manifest, wasm: &[u8]) -> Result<Self, LoadError> {
        Self::counted(host, manifest, wasm, Arc::default())
    }

    /// As [`Self::new`], with numbers that are kept elsewhere.
    pub(crate) fn counted(
        host: &PluginHost,
        manifest: Manifest,
        wasm: &[u8],
        stats: Arc<Stats>,
    ) -> Result<Self, LoadError> {
        let name = || manifest.name.clone();
        let found = digest(wasm);
        if found != manifest.sha256 {
            let (expected, found) = (hex::encode(manifest.sha256), hex::encode(found));
            return Err(LoadError::Hash { name: name(), expected, found });
        }
        let (wanted, max) = (manifest.memory_max, host.limits().memory_max);
        if wanted > max {
            return Err(LoadError::Memory { name: name(), wanted, max });
        }
        let compile = |error: wasmtime::Error| LoadError::Compile { name: name(), error: explain(&error) };
        // Only the binary format: with the feature `wat` the engine would take text as well.
        let module = wasmtime::Module::from_binary(host.engine(), wasm).map_err(compile)?;
        verify::check(&module).map_err(|error| LoadError::Abi { name: name(), error })?;
        let pre = imports::linker(host.engine()).and_then(|linker| linker.instantiate_pre(&module)).map_err(compile)?;

        let limits =
            Limits { memory_max: wanted, events_per_call: host.limits().events_per_call, layer: manifest.layer };
        let stopped = |reason| LoadError::Stopped { name: name(), reason };
        let mut first = Instance::new(&pre, limits, manifest.deadline_ms).map_err(stopped)?;
        let subscribed = first.subscribe().map_err(stopped)?;
        let pool = Pool::new(host.limits().instances_per_module as usize, first);
        Ok(Self(Arc::new(Inner { manifest, pre, limits, subscribed, pool, stats, host: host.clone() })))
    }

    /// What is said about the module.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// How many instances serve its connections.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.0.pool.len()
    }

    /// Opens it for nobody, in the instance that is kept for the first connection if it is still there.
    pub(crate) fn try_out(&self, config: &[u8], now: Instant, entropy: Box<dyn Entropy>) -> Result<(), OpenError> {
        let Some(mut first) = self.0.pool.take_first() else { return self.open(config, now, entropy).map(drop) };
        let mut call = Box::new(Call { entropy, ..Call::none() });
        let handle = wasm::enter(self, &mut first, &mut call, config)?;
        match first.close(&mut call, handle) {
            Ok(()) => self.0.pool.keep_first(first),
            // It would take along whoever shares its instance at the end of each connection.
            Err(reason) => return Err(OpenError::Stopped { name: self.manifest().name.clone(), reason }),
        }
        Ok(())
    }

    /// The plugin of a connection. `entropy` is for it alone; whoever passes a key in `config` wipes it.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(&self, config: &[u8], now: Instant, entropy: Box<dyn Entropy>) -> Result<WasmPlugin, OpenError> {
        WasmPlugin::open(self.clone(), config, now, entropy)
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<Stats> {
        &self.0.stats
    }

    #[cfg(test)]
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.0.pool
    }

    /// Whether these are its bytes.
    pub(crate) fn is(&self, wasm: &[u8]) -> bool {
        digest(wasm) == self.0.manifest.sha256
    }

    /// The time of the deadlines, in ticks.
    pub(crate) fn ticks(&self) -> u64 {
        self.0.host.ticks()
    }

    pub(crate) fn subscribed(&self) -> u32 {
        self.0.subscribed
    }

    pub(crate) fn lease(&self) -> Result<Lease, Stopped> {
        self.0.pool.lease(|| Instance::new(&self.0.pre, self.0.limits, self.0.manifest.deadline_ms))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("manifest", &self.0.manifest).finish_non_exhaustive()
    }
}

fn digest(wasm: &[u8]) -> [u8; 32] {
    Sha256::digest(wasm).into()
}

/// Reads a file, which is not too large.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |error| LoadError::File { path: path.display().to_string(), error };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_MODULE_LEN + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_MODULE_LEN {
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {MAX_MODULE_LEN} bytes"))));
    }
    Ok(bytes)
}
