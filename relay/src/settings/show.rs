//! Effective settings as a file that could be read again.

use super::Loaded;
use super::table::SECTIONS;

impl Loaded {
    /// TOML with every setting, each with where it comes from.
    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::new();
        for section in SECTIONS {
            if !section.name.is_empty() {
                out.push_str(&format!("\n[{}]\n", section.name));
            }
            for setting in section.settings {
                let origin = self.origins.get(setting.path).cloned().unwrap_or_default();
                let value = setting.value.toml(&self.settings);
                out.push_str(&format!("{} = {value} # {}\n", setting.key(), origin.of(setting)));
            }
        }
        out
    }
}
