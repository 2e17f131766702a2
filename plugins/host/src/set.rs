//! The plugins of all connections of a program: made, counted, and changed while it runs.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::{
    CHUNK_LEN, Form, KeepAliveSettings, Layer, MAX_MESSAGE_LEN, NonceParity, Plugin, PluginError, PluginFailure,
    Plugins, Setup,
};

use zeroize::Zeroizing;

use crate::choices::{Choice, Choices, Runs};
use crate::engine::{HostError, HostLimits, PluginHost};
use crate::manifest::Manifest;
use crate::module::{LoadError, Module, read};
use crate::stats::{Counted, Stats};

/// What the plugins of a program are made from.
#[derive(Clone)]
pub struct Sources {
    /// The modules that the program carries, of encryption, keepalive and fragmentation.
    pub built_in: Vec<BuiltIn>,
    /// Gives each plugin its unpredictable bytes.
    pub entropy: fn() -> Box<dyn Entropy>,
    /// Limits of the engine.
    pub limits: HostLimits,
}

/// A module that the program carries.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its manifest, in TOML.
    pub manifest: &'static str,
    /// The module.
    pub wasm: &'static [u8],
}

/// Why the plugins of a program could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Modules cannot run here.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A module cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The program does not carry this module.
    #[error("this program does not carry the plugin {0} as a module; \"native\" is what it has")]
    NotCarried(String),
    /// A plugin cannot be opened, for instance because it does not take its configuration.
    #[error("{}", .0.error)]
    Open(PluginFailure),
}

/// Makes the plugins of connections from [`Choices`].
///
/// A change of the choices holds for new connections; those that run go on with what they have.
pub struct PluginSet {
    sources: Sources,
    /// There from the first module on.
    host: Mutex<Option<PluginHost>>,
    current: RwLock<Arc<Generation>>,
    /// By name and form, so that the numbers go on when a module is replaced.
    stats: Mutex<BTreeMap<(String, &'static str), Arc<Stats>>>,
}

/// The plugins of connections that begin now, from the socket outwards.
#[derive(Debug, Default)]
struct Generation(Vec<Slot>);

#[derive(Debug)]
struct Slot {
    choice: Choice,
    module: Option<Module>,
    stats: Arc<Stats>,
}

/// A plugin and its numbers.
#[derive(Clone, Debug)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// How it runs.
    pub form: Form,
    /// Where it stands.
    pub layer: Layer,
    /// The module's version; that of the program for a linked plugin.
    pub version: String,
    /// The module's SHA-256, in hex.
    pub sha256: Option<String>,
    /// Bytes of memory that an instance may have, and milliseconds that a call may take.
    pub limits: Option<(usize, u64)>,
    /// Instances of the module that live now.
    pub instances: usize,
    /// Its numbers, since the program started.
    pub stats: Arc<Stats>,
}

/// What became of a plugin when the choices changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What: `added`, `replaced`, `moved` or `removed`.
    pub what: &'static str,
}

impl PluginSet {
    /// Sets the plugins up: compiles the modules, which takes some 25 ms each.
    ///
    /// # Errors
    ///
    /// [`SetError`].
    pub fn start(choices: &Choices, sources: Sources) -> Result<Arc<Self>, SetError> {
        let (host, current, stats) = (Mutex::default(), RwLock::default(), Mutex::default());
        let set = Self { sources, host, current, stats };
        set.reload(choices)?;
        Ok(Arc::new(set))
    }

    /// Changes what new connections get. Modules that are the same are not compiled again.
    ///
    /// # Errors
    ///
    /// [`SetError`]; nothing has changed then.
    pub fn reload(&self, choices: &Choices) -> Result<Vec<Change>, SetError> {
        // The host's lock keeps two reloads apart.
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        if host.is_none() && choices.0.iter().any(|choice| choice.runs != Runs::Native) {
            *host = Some(PluginHost::new(self.sources.limits)?);
        }
        let old = self.generation();
        let new = Generation(self.slots(host.as_ref(), &old, choices)?);
        self.try_out(&new)?;
        let changes = new.changes_since(&old);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(changes)
    }

    /// The plugins of new connections, from the socket outwards.
    #[must_use]
    pub fn describe(&self) -> Vec<PluginInfo> {
        self.generation().0.iter().map(Slot::info).collect()
    }

    fn generation(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One slot for each choice. Modules are compiled side by side: that is most of what a start takes.
    fn slots(&self, host: Option<&PluginHost>, old: &Generation, choices: &Choices) -> Result<Vec<Slot>, SetError> {
        thread::scope(|scope| {
            let work = |choice| move || self.slot(host, old, choice);
            let begin = |choice| match thread::Builder::new().spawn_scoped(scope, work(choice)) {
                Ok(thread) => Begun::Elsewhere(thread),
                // No thread to be had: here, then.
                Err(_) => Begun::Here(work(choice)()),
            };
            let begun: Vec<_> = choices.0.iter().map(begin).collect();
            begun.into_iter().map(Begun::finish).collect()
        })
    }

    fn slot(&self, host: Option<&PluginHost>, old: &Generation, choice: &Choice) -> Result<Slot, SetError> {
        let found = match &choice.runs {
            Runs::Native => None,
            Runs::BuiltIn => Some(self.carried(&choice.name)?),
            Runs::File { manifest, path, .. } => Some(((**manifest).clone(), read(path)?)),
        };
        let form = if found.is_some() { Form::Wasm } else { Form::Native };
        let stats = self.stats(&choice.name, form);
        let (Some((manifest, wasm)), Some(host)) = (found, host) else {
            return Ok(Slot { choice: choice.clone(), module: None, stats });
        };
        let same = |slot: &&Slot| slot.module.as_ref().is_some_and(|module| *module.manifest() == manifest);
        // A file may hold other bytes by now, which the hash has to tell.
        let module = match old.0.iter().find(same).and_then(|slot| slot.module.clone()) {
            Some(module) if module.is(&wasm) => module,
            _ => Module::counted(host, manifest, &wasm, Arc::clone(&stats))?,
        };
        Ok(Slot { choice: choice.clone(), module: Some(module), stats })
    }

    /// What no connection could be opened with is found out before the first one.
    fn try_out(&self, generation: &Generation) -> Result<(), SetError> {
        let setup = Setup {
            now: Instant::now(),
            key: &SharedKey::from_bytes([0; 32]),
            sends: NonceParity::Even,
            keepalive: KeepAliveSettings::default(),
            chunk_len: CHUNK_LEN,
            max_message_len: MAX_MESSAGE_LEN,
        };
        generation.0.iter().try_for_each(|slot| slot.try_out(&setup, self.sources.entropy).map_err(SetError::Open))
    }

    fn carried(&self, name: &str) -> Result<(Manifest, Vec<u8>), SetError> {
        for built in &self.sources.built_in {
            let manifest = Manifest::parse(built.manifest).map_err(LoadError::from)?;
            if manifest.name == name {
                return Ok((manifest, built.wasm.to_vec()));
            }
        }
        Err(SetError::NotCarried(name.to_owned()))
    }

    fn stats(&self, name: &str, form: Form) -> Arc<Stats> {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(stats.entry((name.to_owned(), form.name())).or_default())
    }
}

impl Plugins for PluginSet {
    fn make(&self, setup: &Setup<'_>) -> Result<Vec<Box<dyn Plugin>>, PluginFailure> {
        self.generation().0.iter().map(|slot| slot.open(setup, self.sources.entropy)).collect()
    }
}

impl fmt::Debug for PluginSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginSet").field("current", &self.generation()).finish_non_exhaustive()
    }
}

impl Generation {
    fn changes_since(&self, old: &Self) -> Vec<Change> {
        let find = |generation: &Self, name: &str| generation.0.iter().position(|slot| slot.choice.name == name);
        let change = |slot: &Slot, what| Change { name: slot.choice.name.clone(), what };
        let mut changes = Vec::new();
        for (index, slot) in self.0.iter().enumerate() {
            match find(old, &slot.choice.name) {
                None => changes.push(change(slot, "added")),
                Some(before) if !slot.is_like(&old.0[before]) => changes.push(change(slot, "replaced")),
                Some(before) if before != index => changes.push(change(slot, "moved")),
                Some(_) => {}
            }
        }
        let gone = old.0.iter().filter(|slot| find(self, &slot.choice.name).is_none());
        changes.extend(gone.map(|slot| change(slot, "removed")));
        changes
    }
}

/// A slot in the making.
enum Begun<'a> {
    Here(Result<Slot, SetError>),
    Elsewhere(thread::ScopedJoinHandle<'a, Result<Slot, SetError>>),
}

impl Begun<'_> {
    fn finish(self) -> Result<Slot, SetError> {
        match self {
            Self::Here(made) => made,
            Self::Elsewhere(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
        }
    }
}

impl Slot {
    fn is_like(&self, other: &Self) -> bool {
        let hash = |slot: &Self| slot.module.as_ref().map(|module| module.manifest().sha256);
        self.choice == other.choice && hash(self) == hash(other)
    }

    fn open(&self, setup: &Setup<'_>, entropy: fn() -> Box<dyn Entropy>) -> Result<Box<dyn Plugin>, PluginFailure> {
        let failure =
            |text: String| PluginFailure { plugin: self.choice.name.clone(), error: PluginError::broken(text) };
        let Some(module) = &self.module else {
            let linked = setup.linked(self.choice.layer);
            let plugin = linked.ok_or_else(|| failure("there is no such linked plugin".to_owned()))?;
            return Ok(Box::new(Counted::new(plugin, Arc::clone(&self.stats))));
        };
        match module.open(&self.config(setup), setup.now, entropy()) {
            Ok(plugin) => Ok(Box::new(plugin)),
            Err(error) => Err(failure(error.to_string())),
        }
    }

    /// What the plugin of a connection is configured with.
    fn config(&self, setup: &Setup<'_>) -> Zeroizing<Vec<u8>> {
        let config = match &self.choice.runs {
            Runs::File { config, .. } if !config.is_empty() => Some(config.as_bytes().to_vec().into()),
            _ => setup.config(self.choice.layer),
        };
        config.unwrap_or_default()
    }

    /// Opens the plugin once, for nobody.
    fn try_out(&self, setup: &Setup<'_>, entropy: fn() -> Box<dyn Entropy>) -> Result<(), PluginFailure> {
        let Some(module) = &self.module else { return self.open(setup, entropy).map(drop) };
        module
            .try_out(&self.config(setup), setup.now, entropy())
            .map_err(|error| PluginFailure { plugin: self.choice.name.clone(), error: PluginError::broken(error) })
    }

    fn info(&self) -> PluginInfo {
        let manifest = self.module.as_ref().map(Module::manifest);
        PluginInfo {
            name: self.choice.name.clone(),
            form: if manifest.is_some() { Form::Wasm } else { Form::Native },
            layer: self.choice.layer,
            version: manifest.map_or(env!("CARGO_PKG_VERSION"), |manifest| &manifest.version).to_owned(),
            sha256: manifest.map(|manifest| hex::encode(manifest.sha256)),
            limits: manifest.map(|manifest| (manifest.memory_max, manifest.deadline_ms)),
            instances: self.module.as_ref().map_or(0, Module::instances),
            stats: Arc::clone(&self.stats),
        }
    }
}
