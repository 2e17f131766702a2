//! The file of settings: TOML, read strictly. What the program does not know is an error, with the line that it is in.

use std::fs;
use std::io::Read;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{self, SECTIONS, Setting};
use super::value::Kind;
use super::{Draft, Origin, Problems};

/// The largest file that is read.
const MAX_LEN: u64 = 1 << 20;

/// Puts the settings of a file into `draft`. The name of a file that need not be there begins with `-`.
pub(super) fn read(name: &str, draft: &mut Draft) -> Result<(), Problems> {
    let (name, is_optional) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    let mut text = String::new();
    let length = match fs::File::open(name) {
        Err(error) if is_optional && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        file => file.and_then(|file| file.take(MAX_LEN + 1).read_to_string(&mut text)),
    };
    match length {
        Err(error) => Err(Problems::one(format!(
            "cannot read the settings in {name:?}: {error}\nName another file with --config or COMMSERVER_CONFIG, or none."
        ))),
        Ok(_) if text.len() as u64 > MAX_LEN => {
            Err(Problems::one(format!("{name:?} is larger than 1 MiB; that is no file of settings")))
        }
        Ok(_) => parse(name, &text, draft),
    }
}

/// The same for the text of a file.
pub(super) fn parse(name: &str, text: &str, draft: &mut Draft) -> Result<(), Problems> {
    let mut reader = Reader { name: name.into(), text, draft };
    match DeTable::parse(text) {
        Ok(table) => {
            reader.table("", table.get_ref());
            Ok(())
        }
        Err(error) => {
            let line = error.span().map_or(1, |span| reader.line(span.start));
            Err(Problems::one(format!("{}:{line}: this is not TOML: {}", name.escape_debug(), error.message().trim())))
        }
    }
}

struct Reader<'a> {
    name: Arc<str>,
    text: &'a str,
    draft: &'a mut Draft,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        // In the order of the file.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let path =
                if section.is_empty() { key.get_ref().to_string() } else { format!("{section}.{}", key.get_ref()) };
            let line = self.line(key.span().start);
            match (table::find(&path), value.get_ref()) {
                (Some(setting), _) => self.setting(setting, line, value),
                (None, DeValue::Table(inner)) if SECTIONS.iter().any(|section| section.name == path) => {
                    self.table(&path, inner);
                }
                (None, _) => self.unknown(&path, line, value.get_ref()),
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, line: usize, value: &Spanned<DeValue<'_>>) {
        let origin = Origin::File { name: Arc::clone(&self.name), line };
        match parts(setting.value.kind(), value.get_ref()) {
            Ok(parts) => {
                let parts: Vec<_> = parts.iter().map(String::as_str).collect();
                self.draft.set(setting, &parts, origin);
            }
            Err(wrong) => self.draft.problems.push(format!("{} ({}): {wrong}", setting.path, origin.of(setting))),
        }
    }

    fn unknown(&mut self, path: &str, line: usize, value: &DeValue<'_>) {
        let advice = match table::nearest_path(path) {
            Some(known) => format!("; did you mean {known}?"),
            None => "; commserver --check-config prints all that there are".to_owned(),
        };
        let what = if value.is_table() { "section" } else { "setting" };
        let name = self.name.escape_debug();
        self.draft.problems.push(format!("{name}:{line}: there is no {what} {}{advice}", path.escape_debug()));
    }
}

/// The text of a value that is of the right kind.
fn parts(kind: Kind, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let found = value.type_str();
    match (kind, value) {
        (Kind::Integer, DeValue::Integer(number)) => {
            let digits = i128::from_str_radix(number.as_str(), number.radix());
            Ok(vec![digits.map_or_else(|_| number.to_string(), |number| number.to_string())])
        }
        (Kind::Boolean, DeValue::Boolean(is_so)) => Ok(vec![is_so.to_string()]),
        (Kind::String, DeValue::String(text)) => Ok(vec![text.to_string()]),
        (Kind::Array, DeValue::Array(values)) => {
            let text = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
            let wrong = || "each element should be text in quotation marks".to_owned();
            values.iter().map(text).collect::<Option<_>>().ok_or_else(wrong)
        }
        (Kind::Integer, _) => Err(format!("is of the type {found}; it should be a number without quotation marks")),
        (Kind::Boolean, _) => {
            Err(format!("is of the type {found}; it should be true or false, without quotation marks"))
        }
        (Kind::String, _) => Err(format!("is of the type {found}; it should be text in quotation marks")),
        (Kind::Array, _) => Err(format!("is of the type {found}; it should be a list like [\"…\", \"…\"]")),
    }
}
