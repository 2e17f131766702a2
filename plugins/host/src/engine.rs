//! The engine: one for all modules, compiled code and pooled memory in it.

use std::fmt;
use std::sync::Arc;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::ticker::Ticker;

/// Limits that all modules of a host share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Instances that can live at the same time. Each reserves 4 GiB of addresses, no memory, and two to four of the kernel's
    /// mappings, of which Linux allows a process 65,530 unless told otherwise.
    pub instances: u32,
    /// Instances of one module. Beyond, its connections share them, and then also their end if one of them breaks a rule.
    pub instances_per_module: u32,
    /// The most memory that a manifest may ask for, in bytes.
    pub memory_max: usize,
    /// Events that one call may emit. Each costs the host about 100 B until it is sent on, beside its data.
    pub events_per_call: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self { instances: 3000, instances_per_module: 1000, memory_max: 512 << 20, events_per_call: 16_384 }
    }
}

/// Compiles and runs modules. Copies are the same host.
#[derive(Clone)]
pub struct PluginHost(Arc<Inner>);

struct Inner {
    engine: Engine,
    limits: HostLimits,
    ticker: Ticker,
}

/// A host could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The engine refuses the machine or the limits, for instance because there are not enough addresses.
    #[error("plugins cannot run here: {0}")]
    Engine(String),
    /// No thread for the deadlines.
    #[error("no thread for the deadlines of plugins: {0}")]
    Thread(#[from] std::io::Error),
}

impl PluginHost {
    /// A host with these limits, and the thread that watches over deadlines.
    ///
    /// # Errors
    ///
    /// [`HostError`].
    pub fn new(limits: HostLimits) -> Result<Self, HostError> {
        let engine = Engine::new(&config(&limits)).map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let counted = engine.clone();
        let ticker = Ticker::start(move || counted.increment_epoch())?;
        Ok(Self(Arc::new(Inner { engine, limits, ticker })))
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &HostLimits {
        &self.0.limits
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.0.ticker.passed()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }
}

impl fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginHost").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

fn config(limits: &HostLimits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(limits.instances).total_memories(limits.instances).total_tables(limits.instances);
    pool.max_memory_size(limits.memory_max).table_elements(TABLE_ELEMENTS);

    let mut config = Config::new();
    config.epoch_interruption(true).cranelift_opt_level(OptLevel::Speed);
    // A mapping of the module's data for each instance would soon use up what the kernel allows.
    config.memory_init_cow(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // What compilers use by default, and nothing more to attack.
    config.wasm_relaxed_simd(false).wasm_multi_memory(false).wasm_memory64(false).wasm_tail_call(false);
    config
}

/// Entries that a table may have: a plugin of the SDK has some dozens.
pub(crate) const TABLE_ELEMENTS: usize = 10_000;
