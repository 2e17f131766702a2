//! The settings of the program. They come from a file, the environment and flags, each stronger than the one before, and
//! are read again as a whole when the program is told to.

mod command;
mod file;
mod sections;
mod show;
mod table;
mod tls;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_relay::session::Timer;
use ratatosk_relay::{AcmeConfig, Admission, Config, ConfigError, HookConfig, List};

use crate::logging::LogFormat;
pub(crate) use command::{CommandLine, command, stray};
use table::{Change, Setting};

/// What the name of every environment variable begins with.
const PREFIX: &str = "COMMSERVER_";

/// The effective values, as they are written.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Those of the library, but for what is made of the following.
    relay: Config,
    tls_listen: Option<SocketAddr>,
    tls_certificate: String,
    tls_key: String,
    /// That of the library, but for its paths.
    acme: AcmeConfig,
    acme_cache: String,
    acme_root: String,
    allow_file: String,
    deny_file: String,
    hook_url: String,
    hook_timeout: Duration,
    hook_cache: Duration,
    drain: Duration,
    log_filter: String,
    log_format: LogFormat,
    ops_listen: Option<SocketAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            relay: Config::default(),
            tls_listen: None,
            tls_certificate: String::new(),
            tls_key: String::new(),
            acme: AcmeConfig::new(Vec::new(), "".into()),
            acme_cache: String::new(),
            acme_root: String::new(),
            allow_file: String::new(),
            deny_file: String::new(),
            hook_url: String::new(),
            hook_timeout: Duration::from_secs(2),
            hook_cache: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            log_filter: "info".to_owned(),
            log_format: LogFormat::Text,
            ops_listen: Some(SocketAddr::from(([127, 0, 0, 1], 9464))),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Origin {
    #[default]
    Default,
    File {
        name: Arc<str>,
        line: usize,
    },
    Environment,
    Flag,
}

impl Origin {
    /// In words; a control character in the name of a file is escaped.
    fn of(&self, setting: &Setting) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File { name, line } => format!("{}:{line}", name.escape_debug()),
            Self::Environment => format!("environment {}", setting.env),
            Self::Flag => format!("flag --{}", setting.flag),
        }
    }
}

/// What is wrong with the settings, one line or more for each mistake.
#[derive(Debug)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    fn one(text: String) -> Self {
        Self(vec![text])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Settings that a relay can run with.
#[derive(Debug)]
pub(crate) struct Loaded {
    settings: Settings,
    origins: HashMap<&'static str, Origin>,
    config: Config,
}

impl Loaded {
    /// Reads everything: file, environment, flags, lists.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(crate) fn from(line: &CommandLine) -> Result<Self, Problems> {
        let mut draft = Draft::default();
        if let Some(file) = &line.file {
            file::read(file, &mut draft)?;
        }
        for (setting, text, origin) in line.given() {
            draft.set(setting, &split(setting, text), origin);
        }
        draft.finish()
    }

    /// For the library.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// How long pairs may take to finish.
    pub(crate) fn drain(&self) -> Duration {
        self.settings.drain
    }

    /// What to log.
    pub(crate) fn log_filter(&self) -> &str {
        &self.settings.log_filter
    }

    /// How a line of the log looks.
    pub(crate) fn log_format(&self) -> LogFormat {
        self.settings.log_format
    }

    /// Where operators find the relay, if anywhere.
    pub(crate) fn ops_listen(&self) -> Option<SocketAddr> {
        self.settings.ops_listen
    }

    /// Settings that differ from those of `other` and follow a reload; lists also when their files say something else.
    pub(crate) fn followed(&self, other: &Self) -> Vec<&'static str> {
        let (ours, theirs) = (&self.config.admission, &other.config.admission);
        let rewritten = |path: &str| match path {
            "admission.allow_file" => ours.allow != theirs.allow,
            "admission.deny_file" => ours.deny != theirs.deny,
            _ => false,
        };
        self.differing(other, Change::Reload, rewritten)
    }

    /// Settings that differ from those of `other` and need a restart.
    pub(crate) fn waiting(&self, other: &Self) -> Vec<&'static str> {
        self.differing(other, Change::Restart, |_| false)
    }

    fn differing(&self, other: &Self, change: Change, also: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let differs = |setting: &&Setting| {
            setting.value.get(&self.settings) != setting.value.get(&other.settings) || also(setting.path)
        };
        table::all().filter(|setting| setting.change == change).filter(differs).map(|setting| setting.path).collect()
    }
}

/// The parts of a text from a flag or the environment.
fn split<'a>(setting: &Setting, text: &'a str) -> Vec<&'a str> {
    if setting.value.kind() == value::Kind::Array {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    } else {
        vec![text]
    }
}

/// Settings that are being put together.
#[derive(Default)]
struct Draft {
    settings: Settings,
    origins: HashMap<&'static str, Origin>,
    problems: Vec<String>,
}

impl Draft {
    fn set(&mut self, setting: &'static Setting, parts: &[&str], origin: Origin) {
        if let Err(wrong) = setting.value.set(&mut self.settings, parts) {
            self.problems.push(format!("{} ({}): {wrong}", setting.path, origin.of(setting)));
        }
        self.origins.insert(setting.path, origin);
    }

    fn finish(self) -> Result<Loaded, Problems> {
        let Self { settings, origins, mut problems } = self;
        let mut config = settings.relay.clone();
        let named = |path: &str| named(&origins, path);
        config.tls = tls::listener(&settings, &named, &mut problems);
        let mut list = |path, file: &str| match read_list(file) {
            Ok(list) => list,
            Err(wrong) => {
                problems.push(format!("{}: {wrong}", named(path)));
                None
            }
        };
        config.admission = Admission {
            allow: list("admission.allow_file", &settings.allow_file),
            deny: list("admission.deny_file", &settings.deny_file),
            hook: (!settings.hook_url.is_empty()).then(|| HookConfig {
                url: settings.hook_url.clone(),
                timeout: settings.hook_timeout,
                cache: settings.hook_cache,
            }),
        };
        if problems.is_empty()
            && let Err(error) = config.validate()
        {
            let at = culprits(&error, &settings).into_iter().map(|path| named(&path)).collect::<Vec<_>>().join(", ");
            problems.push(if at.is_empty() { error.to_string() } else { format!("{at}: {error}") });
        }
        if problems.is_empty() { Ok(Loaded { settings, origins, config }) } else { Err(Problems(problems)) }
    }
}

/// A setting and where its value comes from.
fn named(origins: &HashMap<&'static str, Origin>, path: &str) -> String {
    let origin = origins.get(path).cloned().unwrap_or_default();
    table::find(path).map_or_else(|| path.to_owned(), |setting| format!("{path} ({})", origin.of(setting)))
}

fn read_list(file: &str) -> Result<Option<Arc<List>>, String> {
    if file.is_empty() {
        return Ok(None);
    }
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {file:?}: {error}"))?;
    List::parse(&text).map(|list| Some(Arc::new(list))).map_err(|error| format!("{file:?}, {error}"))
}

/// The settings that an error is about, as far as that can be said.
fn culprits(error: &ConfigError, settings: &Settings) -> Vec<String> {
    let zero = |section: &str, key: &str| {
        let is_it = |setting: &&Setting| {
            setting.path.starts_with(section) && setting.path.ends_with(key) && setting.value.get(settings) == ["0"]
        };
        table::all().filter(is_it).map(|setting| setting.path.to_owned()).collect()
    };
    let of_timer = |wanted: Timer| {
        let is_it = |setting: &&Setting| matches!(setting.value, value::Value::Timeout(timer) if timer == wanted);
        table::all().filter(is_it).map(|setting| setting.path.to_owned()).collect()
    };
    match error {
        ConfigError::NoListener => vec!["listen".to_owned(), "tls.listen".to_owned()],
        ConfigError::TooShort { timer } | ConfigError::TooLong { timer } => of_timer(*timer),
        ConfigError::NoRoom => zero("limits.", ""),
        ConfigError::NoBurst => zero("rates.", "_burst"),
        ConfigError::SmallMessages => vec!["limits.message_bytes".to_owned()],
        ConfigError::NobodyAllowed => vec!["admission.allow_file".to_owned()],
        ConfigError::HookTimeout => vec!["admission.hook_timeout_ms".to_owned()],
        ConfigError::HookUrl | ConfigError::HookTls => vec!["admission.hook_url".to_owned()],
        ConfigError::NoAcme | ConfigError::AcmeDomains | ConfigError::AcmeDomain { .. } => {
            vec!["tls.acme_domains".to_owned()]
        }
        ConfigError::AcmeContact { .. } => vec!["tls.acme_contact".to_owned()],
        ConfigError::AcmeCache => vec!["tls.acme_cache".to_owned()],
        ConfigError::AcmeDirectory => vec!["tls.acme_directory".to_owned()],
        ConfigError::Origin { .. } => vec!["origins".to_owned()],
        ConfigError::NoProxy => vec!["proxies.protocol".to_owned(), "proxies.trusted".to_owned()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
