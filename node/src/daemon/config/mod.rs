//! The settings of a daemon: `config.toml` in the folder of the node, or where `--config` says.
//!
//! Read strictly: what the program does not know is an error, with its line and what may have been meant. One table (`table`) says
//! which settings there are; the reader, the sample and the documentation in it are made of that.

mod read;
mod table;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

pub use self::read::ConfigError;
pub use self::table::sample;

/// The name of the file in the folder of a node.
pub const FILE: &str = "config.toml";

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The CommServer.
    pub relay: RelayConfig,
    /// The HTTP API.
    pub api: ApiConfig,
    /// The AIs.
    pub agents: AgentsConfig,
    /// The log.
    pub log: LogConfig,
}

/// The CommServer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayConfig {
    /// Its address, which invitations name; without, the one that the node has used before.
    pub url: Option<String>,
    /// Where a relay inside this process listens, if there is to be one.
    pub embedded: Option<SocketAddr>,
}

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// The port on loopback; 0 takes a free one.
    pub port: u16,
    /// Connections at a time.
    pub connections: usize,
}

/// The AIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentsConfig {
    /// Tokens of context of an AI that does not say otherwise.
    pub context: u32,
    /// Threads that generate.
    pub threads: u32,
    /// Threads that read prompts; 0 is all that there are.
    pub prompt_threads: u32,
    /// Layers of a model on a GPU, in builds that can.
    pub gpu_layers: u32,
    /// After how long without a question a model leaves the memory.
    pub idle_unload: Duration,
    /// Answers that wait for one engine at most.
    pub queue: usize,
    /// Answers that one person can get of one AI in a minute.
    pub answers_per_minute: u32,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// What is logged, as `RATATOSK_LOG` says it.
    pub filter: String,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { port: 0, connections: 64 }
    }
}

impl Default for AgentsConfig {
    fn default() -> Self {
        Self {
            context: 4096,
            threads: 1,
            prompt_threads: 0,
            gpu_layers: 0,
            idle_unload: Duration::from_secs(600),
            queue: 32,
            answers_per_minute: 20,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "warn".to_owned() }
    }
}

impl Config {
    /// Reads the settings of the node in a folder, or the file that was named. Without one of its own a node has the defaults; a
    /// file that was named has to be there.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file.
    pub fn load(dir: &Path, named: Option<&Path>) -> Result<Self, ConfigError> {
        match named {
            Some(file) => read::file(file, true),
            None => read::file(&dir.join(FILE), false),
        }
    }

    /// Reads settings from a text; `name` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        read::text(name, text)
    }
}
