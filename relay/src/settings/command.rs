//! The command line, made from the table. Every flag can be given as an environment variable as well; the flag wins.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::table::{self, SECTIONS, Setting};
use super::value::Value;
use super::{Origin, PREFIX, Settings};

const CONFIG: &str = "config";
const CHECK: &str = "check-config";

/// Variables that are no settings: the file of settings, and the commit when the program is built.
const OTHERS: [&str; 2] = ["COMMSERVER_CONFIG", "COMMSERVER_COMMIT"];

/// What the program understands.
pub(crate) fn command() -> Command {
    let defaults = Settings::default();
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .env("COMMSERVER_CONFIG")
        .hide_env_values(true)
        .value_name("FILE")
        .allow_hyphen_values(true)
        .help("A file of settings (TOML). Flags and environment are stronger. With - before its name it need not be there.");
    let check = Arg::new(CHECK)
        .long(CHECK)
        .action(ArgAction::SetTrue)
        .help("Print all settings with where they come from, as a file of settings, and do not start.");
    let flags = SECTIONS.iter().flat_map(|section| {
        section.settings.iter().map(|setting| argument(setting, &defaults).help_heading(section.heading))
    });
    Command::new("commserver")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A CommServer: relays between peers of the ONE network.")
        .arg(config)
        .arg(check)
        .args(flags)
}

fn argument(setting: &'static Setting, defaults: &Settings) -> Arg {
    let default = setting.value.get(defaults).join(",");
    let default = if default.is_empty() { "none".to_owned() } else { default };
    let argument = Arg::new(setting.path)
        .long(setting.flag)
        .env(setting.env)
        .hide_env_values(true)
        .value_name(setting.value.name())
        .help(format!("{} [default: {default}]", setting.help));
    if matches!(setting.value, Value::Switch(_)) {
        argument.num_args(0..=1).default_missing_value("true")
    } else {
        argument
    }
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct CommandLine {
    pub(super) file: Option<String>,
    /// Only print the settings.
    pub(crate) check: bool,
    matches: ArgMatches,
}

impl CommandLine {
    pub(crate) fn new(matches: ArgMatches) -> Self {
        let file = matches.get_one::<String>(CONFIG).cloned();
        Self { file, check: matches.get_flag(CHECK), matches }
    }

    /// Settings that flags or the environment give.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static Setting, &str, Origin)> {
        table::all().filter_map(|setting| {
            let text = self.matches.get_one::<String>(setting.path)?;
            let is_flag = self.matches.value_source(setting.path) == Some(ValueSource::CommandLine);
            Some((setting, text.as_str(), if is_flag { Origin::Flag } else { Origin::Environment }))
        })
    }
}

/// What to say about a variable that looks like a setting and is none.
pub(crate) fn stray(name: &OsStr) -> Option<String> {
    let name = name.to_str().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(name))?;
    if table::all().any(|setting| setting.env == name) {
        return None;
    }
    let advice = table::nearest_env(name).map_or_else(String::new, |known| format!("; did you mean {known}?"));
    Some(format!("the environment variable {} is no setting and does nothing{advice}", name.escape_debug()))
}
