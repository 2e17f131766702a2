//! Reading the file: TOML, strictly.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use strsim::jaro_winkler;
use toml::de::{DeTable, DeValue};

use super::Config;
use super::table::SECTIONS;

/// The largest file, in bytes.
const MAX_LEN: u64 = 1 << 20;
/// How alike names must be for one to be meant by the other.
const ALIKE: f64 = 0.8;

/// Everything that is wrong with a file of settings, a line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

pub(super) fn file(path: &Path, must_exist: bool) -> Result<Config, ConfigError> {
    let name = path.to_string_lossy();
    let mut text = String::new();
    let read = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !must_exist => return Ok(Config::default()),
        file => file.and_then(|file| file.take(MAX_LEN + 1).read_to_string(&mut text)),
    };
    match read {
        Err(error) => Err(ConfigError(vec![format!("cannot read the settings in {name:?}: {error}")])),
        Ok(_) if text.len() as u64 > MAX_LEN => {
            Err(ConfigError(vec![format!("{name:?} is larger than 1 MiB; that is no file of settings")]))
        }
        Ok(_) => self::text(&name, &text),
    }
}

pub(super) fn text(name: &str, text: &str) -> Result<Config, ConfigError> {
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let name = name.escape_debug();
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(span.start));
        ConfigError(vec![format!("{name}:{line}: this is not TOML: {}", error.message().trim())])
    })?;
    let (mut config, mut problems) = (Config::default(), Vec::new());
    for (key, value) in table.get_ref() {
        let (section_name, at) = (key.get_ref(), key.span().start);
        let section = SECTIONS.iter().find(|section| section.name == section_name.as_ref());
        let (Some(section), DeValue::Table(inner)) = (section, value.get_ref()) else {
            let known = SECTIONS.iter().map(|section| section.name.to_owned()).chain(paths());
            let advice = nearest(section_name, known);
            problems.push((at, format!("there is no section {:?}{advice}", section_name.as_ref())));
            continue;
        };
        for (key, value) in inner {
            let at = key.span().start;
            match section.settings.iter().find(|setting| setting.key == key.get_ref().as_ref()) {
                Some(setting) => {
                    if let Err(wanted) = (setting.set)(&mut config, value.get_ref()) {
                        problems.push((at, format!("{}.{} should be {wanted}", section.name, setting.key)));
                    }
                }
                None => {
                    let path = format!("{}.{}", section.name, key.get_ref());
                    problems.push((at, format!("there is no setting {path:?}{}", nearest(&path, paths()))));
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok(config);
    }
    // In the order of the file.
    problems.sort();
    Err(ConfigError(problems.into_iter().map(|(at, problem)| format!("{name}:{}: {problem}", line(at))).collect()))
}

fn paths() -> impl Iterator<Item = String> {
    SECTIONS
        .iter()
        .flat_map(|section| section.settings.iter().map(|setting| format!("{}.{}", section.name, setting.key)))
}

/// What may have been meant, to be put behind an error.
fn nearest(unknown: &str, known: impl Iterator<Item = String>) -> String {
    let unknown = unknown.to_lowercase();
    let likeness = |name: &String| {
        let last = name.rsplit('.').next().unwrap_or(name);
        jaro_winkler(&unknown, name).max(jaro_winkler(&unknown, last))
    };
    let best = known.map(|name| (likeness(&name), name)).max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((likeness, name)) if likeness >= ALIKE => format!("; did you mean {name}?"),
        _ => "; `ratatosk serve --print-config` shows all that there are".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn problem(text: &str) -> String {
        super::text("config.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_sample_says_what_the_defaults_are_and_names_every_setting() {
        let sample = sample(&Config::default());
        assert_eq!(text("sample", &sample).unwrap(), Config::default());
        for path in paths() {
            let (_, key) = path.split_once('.').unwrap();
            assert!(sample.contains(&format!("{key} = ")), "{path} is not in the sample");
        }
    }

    #[test]
    fn settings_that_were_made_are_read_again_from_their_sample() {
        let made = "[relay]\nurl = \"wss://relay.test\"\nembedded = true\n[api]\nport = 7000\nconnections = 9\n[agents]\ncontext = 2048\n\
                    threads = 2\nprompt_threads = 4\ngpu_layers = 99\nidle_unload_minutes = 3\nqueue = 5\nanswers_per_minute = 7\n\
                    [log]\nfilter = \"info,\\\"x\\\"\"\n";
        let config = text("config.toml", made).unwrap();
        assert_ne!(config, Config::default());
        assert_eq!(text("sample", &sample(&config)).unwrap(), config);
        assert_eq!(config.relay.embedded.unwrap().to_string(), "0.0.0.0:8000");
    }

    #[test]
    fn what_nobody_knows_is_an_error_with_its_line_and_what_may_be_meant() {
        let said = problem("[relay]\nurl = \"wss://relay.test\"\n\n[agent]\n[agents]\nthreds = 2\n[x]\n");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert_eq!(lines[0], "config.toml:4: there is no section \"agent\"; did you mean agents?");
        assert_eq!(lines[1], "config.toml:6: there is no setting \"agents.threds\"; did you mean agents.threads?");
        assert!(lines[2].starts_with("config.toml:7:") && lines[2].contains("--print-config"), "{said}");
        assert!(problem("port = 1").contains("did you mean api.port?"));
    }

    #[test]
    fn values_that_cannot_be_are_errors_that_say_what_can() {
        for (wrong, expected) in [
            ("[api]\nport = 65536", "api.port should be a port"),
            ("[api]\nport = \"80\"", "api.port should be a port"),
            ("[relay]\nurl = \"http://x\"", "relay.url should be an address like"),
            ("[relay]\nembedded = 8000", "relay.embedded should be true, false"),
            ("[agents]\ncontext = 1", "agents.context should be a number from 256"),
            ("[log]\nfilter = 1", "log.filter should be text"),
            ("[api", "config.toml:1: this is not TOML"),
        ] {
            let said = problem(wrong);
            assert!(said.contains(expected), "{wrong:?}: {said}");
        }
    }

    #[test]
    fn a_file_that_was_named_has_to_be_there_and_to_be_small() {
        let dir = std::env::temp_dir().join(format!("ratatosk-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("config.toml");
        assert_eq!(Config::load(&dir, None).unwrap(), Config::default());
        assert!(Config::load(&dir, Some(&path)).is_err());
        std::fs::write(&path, "[api]\nport = 1\n").unwrap();
        assert_eq!(Config::load(&dir, None).unwrap().api.port, 1);
        std::fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
        assert!(Config::load(&dir, None).unwrap_err().to_string().contains("1 MiB"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
