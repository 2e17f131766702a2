//! The table of settings. Flags, environment, file, help, `--check-config`, the sample file and the manual are made from it.

use super::sections;
use super::value::Value;

/// One setting.
pub(crate) struct Setting {
    /// Where it stands in a file: `section.key`, or `key` alone.
    pub(crate) path: &'static str,
    /// Without the dashes.
    pub(crate) flag: &'static str,
    /// The environment variable.
    pub(crate) env: &'static str,
    /// What it is, in whole sentences.
    pub(crate) help: &'static str,
    /// When a change of it takes effect.
    pub(crate) change: Change,
    /// What it holds, and where.
    pub(crate) value: Value,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// When the settings are read again.
    Reload,
    /// When the program is started again.
    Restart,
}

/// Settings that stand together.
pub(crate) struct Section {
    /// The table in a file; empty for those that come before any.
    pub(crate) name: &'static str,
    /// The heading in the help.
    pub(crate) heading: &'static str,
    /// They, in the order in which they are shown.
    pub(crate) settings: &'static [Setting],
}

/// Everything that can be set.
pub(crate) static SECTIONS: &[Section] = &[
    sections::GENERAL,
    sections::TLS,
    sections::TIMEOUTS,
    sections::LIMITS,
    sections::RATES,
    sections::PROXIES,
    sections::ADMISSION,
    sections::LOG,
    sections::OPS,
];

impl Setting {
    /// The last part of the path.
    pub(crate) fn key(&self) -> &'static str {
        last(self.path)
    }
}

/// Every setting.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The one with that path.
pub(crate) fn find(path: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.path == path)
}

/// The path that somebody may have meant.
pub(crate) fn nearest_path(path: &str) -> Option<&'static str> {
    // The right key in the wrong section is a mistake that counts little.
    let distance = |known: &str| strsim::damerau_levenshtein(last(path), last(known)) * 4 + usize::from(path != known);
    let whole = |known: &str| strsim::damerau_levenshtein(path, known) * 4;
    let paths = all().map(|setting| setting.path);
    let (near, known) = paths.map(|known| (distance(known).min(whole(known)), known)).min()?;
    is_near(near / 4, last(path)).then_some(known)
}

/// The environment variable that somebody may have meant.
pub(crate) fn nearest_env(name: &str) -> Option<&'static str> {
    let (near, known) = all().map(|setting| (strsim::damerau_levenshtein(name, setting.env), setting.env)).min()?;
    is_near(near, name.trim_start_matches(super::PREFIX)).then_some(known)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Whether so many mistakes can happen in writing `text`.
fn is_near(mistakes: usize, text: &str) -> bool {
    mistakes <= (text.chars().count() / 3).min(3)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_setting_has_names_of_its_own_in_one_style() {
        let (mut paths, mut flags, mut envs) = (HashSet::new(), HashSet::new(), HashSet::new());
        for section in SECTIONS {
            for setting in section.settings {
                let Setting { path, flag, env, help, .. } = *setting;
                assert!(paths.insert(path) && flags.insert(flag) && envs.insert(env), "{path} {flag} {env}");
                assert_eq!(path.strip_suffix(setting.key()).unwrap().trim_end_matches('.'), section.name);
                assert_eq!(env, format!("COMMSERVER_{}", flag.to_uppercase().replace('-', "_")));
                assert!(help.ends_with('.') && !help.contains(['|', '\n']), "{help}");
            }
        }
    }

    #[test]
    fn a_typing_mistake_is_recognised() {
        for (written, meant) in [
            ("limits.spares_per_kye", Some("limits.spares_per_key")),
            ("spares_per_key", Some("limits.spares_per_key")),
            ("limit.spares", Some("limits.spares")),
            ("lisen", Some("listen")),
            ("ops.lisen", Some("ops.listen")),
            ("timeouts.handshake_timeout_ms", None),
            ("colour", None),
        ] {
            assert_eq!(nearest_path(written), meant, "{written}");
        }
        assert_eq!(nearest_env("COMMSERVER_MAX_SPARE"), Some("COMMSERVER_MAX_SPARES"));
        assert_eq!(nearest_env("COMMSERVER_COLOUR"), None);
    }
}
