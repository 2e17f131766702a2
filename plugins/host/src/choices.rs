//! Which plugins the connections of a program have, in which form and order: `plugins.toml`.
//!
//! ```toml
//! encryption = "wasm"          # "native", or a module of one's own
//! size-histogram = { wasm = "size_histogram.wasm", sha256 = "…", layer = "observer" }
//! order = ["encryption", "keepalive", "fragmentation", "size-histogram"]
//! ```

use std::path::{Path, PathBuf};

use ratatosk_protocol::plugin::{Layer, OrderError, check_order};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fields::{FieldError, Fields};
use crate::manifest::{self, Manifest, ManifestError};
use crate::module::{LoadError, read};

/// The plugins that every connection has, from the socket outwards.
pub(crate) const BUILT_IN: [(&str, Layer); 3] =
    [("encryption", Layer::Encryption), ("keepalive", Layer::KeepAlive), ("fragmentation", Layer::Fragmentation)];

/// More plugins than this make no sense.
const MAX_PLUGINS: usize = 32;
/// Longest configuration of a plugin, in bytes.
const MAX_CONFIG_LEN: usize = 64 * 1024;

/// Which plugins, in which form, from the socket outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices(pub(crate) Vec<Choice>);

/// One plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) layer: Layer,
    pub(crate) runs: Runs,
}

/// How a plugin runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Runs {
    /// Linked: one of [`BUILT_IN`].
    Native,
    /// The module that the program carries: one of [`BUILT_IN`].
    BuiltIn,
    /// A module in a file.
    File { manifest: Box<Manifest>, path: PathBuf, config: String },
}

/// What is wrong with the choices.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChoicesError {
    /// The file cannot be read.
    #[error(transparent)]
    File(LoadError),
    /// It is no TOML.
    #[error("line {line}: {problem}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// An entry is wrong.
    #[error("{name}: {problem}")]
    Entry {
        /// The plugin.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// It lists more plugins than a connection can have.
    #[error("it lists {found} plugins, and a connection has at most {MAX_PLUGINS}; remove some")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// It is no UTF-8.
    #[error("it is no text in UTF-8")]
    NotText,
    /// The list under `order` is wrong.
    #[error("order {0}")]
    List(String),
    /// The plugins cannot stand in this order.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl Choices {
    /// The three plugins that every connection has, as modules.
    #[must_use]
    pub fn all_wasm() -> Self {
        Self::all(&Runs::BuiltIn)
    }

    /// The three plugins that every connection has, linked.
    #[must_use]
    pub fn all_native() -> Self {
        Self::all(&Runs::Native)
    }

    fn all(runs: &Runs) -> Self {
        let choice = |(name, layer): (&str, _)| Choice { name: name.to_owned(), layer, runs: runs.clone() };
        Self(BUILT_IN.map(choice).into())
    }

    /// Reads a file. What it does not say about encryption, keepalive and fragmentation is `"wasm"`.
    ///
    /// # Errors
    ///
    /// [`ChoicesError`].
    pub fn read(path: &Path) -> Result<Self, ChoicesError> {
        let bytes = read(path).map_err(ChoicesError::File)?;
        let text = str::from_utf8(&bytes).map_err(|_| ChoicesError::NotText)?;
        Self::parse(text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a text. Paths in it start at `base`.
    ///
    /// # Errors
    ///
    /// [`ChoicesError`].
    pub fn parse(text: &str, base: &Path) -> Result<Self, ChoicesError> {
        let table = DeTable::parse(text).map_err(|error| ChoicesError::Syntax {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: error.message().escape_debug().to_string(),
        })?;
        let mut table = table.into_inner();
        let order = table.remove("order").map(|value| order(value.into_inner())).transpose()?;
        if table.len() > MAX_PLUGINS {
            return Err(ChoicesError::TooMany { found: table.len() });
        }
        let mut choices = Self::all_wasm().0;
        for (name, value) in table {
            let name = name.into_inner().into_owned();
            let choice = entry(&name, value.into_inner(), base)
                .map_err(|problem| ChoicesError::Entry { name: name.escape_debug().to_string(), problem })?;
            match choices.iter_mut().find(|other| other.name == choice.name) {
                Some(known) => *known = choice,
                None => choices.push(choice),
            }
        }
        if let Some(order) = order {
            sort(&mut choices, &order)?;
        }
        let layers: Vec<_> = choices.iter().map(|choice| (choice.name.as_str(), choice.layer)).collect();
        check_order(&layers)?;
        Ok(Self(choices))
    }
}

/// The number of the line, from 1, in which a byte stands.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}

/// The list of names under `order`.
fn order(value: DeValue<'_>) -> Result<Vec<String>, ChoicesError> {
    let DeValue::Array(items) = value else {
        return Err(ChoicesError::List("has to be a list of names, from the socket outwards".to_owned()));
    };
    let name = |item: Spanned<DeValue<'_>>| {
        let name = item.into_inner().as_str().map(str::to_owned);
        name.ok_or_else(|| ChoicesError::List("has something in it that is no name".to_owned()))
    };
    items.into_iter().map(name).collect()
}

/// Puts the plugins into that order, which names each of them once.
fn sort(choices: &mut [Choice], order: &[String]) -> Result<(), ChoicesError> {
    for (index, name) in order.iter().enumerate() {
        if order[..index].contains(name) {
            return Err(ChoicesError::List(format!("names {name:?} twice")));
        }
        if choices.iter().all(|choice| choice.name != *name) {
            return Err(ChoicesError::List(format!("names {name:?}, which the file does not describe")));
        }
    }
    if let Some(choice) = choices.iter().find(|choice| !order.contains(&choice.name)) {
        let name = &choice.name;
        return Err(ChoicesError::List(format!("leaves {name:?} out; it has to name every plugin of a connection")));
    }
    choices.sort_by_key(|choice| order.iter().position(|name| *name == choice.name));
    Ok(())
}

/// What stands behind a name.
fn entry(name: &str, value: DeValue<'_>, base: &Path) -> Result<Choice, String> {
    if !manifest::is_name(name) {
        return Err(format!("a plugin's name is {}", manifest::NAME));
    }
    let built_in = BUILT_IN.into_iter().find(|(known, _)| *known == name).map(|(_, layer)| layer);
    let choice = |layer, runs| Choice { name: name.to_owned(), layer, runs };
    match (value, built_in) {
        (DeValue::String(form), Some(layer)) if form == "wasm" => Ok(choice(layer, Runs::BuiltIn)),
        (DeValue::String(form), Some(layer)) if form == "native" => Ok(choice(layer, Runs::Native)),
        (DeValue::String(_), Some(_)) => {
            Err(r#"it has to be "wasm", "native" or { wasm = "file", sha256 = "…" }"#.to_owned())
        }
        (DeValue::Table(table), built_in) => {
            let manifest = file(name, Fields(table), built_in, base).map_err(|error| explain(&error))?;
            Ok(choice(manifest.0, manifest.1))
        }
        _ => Err(format!(
            r#"it has to be {{ wasm = "file", sha256 = "…", layer = "…" }}; of plugins, the program has only {}"#,
            BUILT_IN.map(|(known, _)| known).join(", ")
        )),
    }
}

/// What is wrong with an entry, which is no manifest of its own.
fn explain(error: &ManifestError) -> String {
    match error {
        ManifestError::Field(error) => error.to_string(),
        ManifestError::EncryptionWithoutKeys => {
            "it needs may_have_keys = true, because encryption gets the session key".to_owned()
        }
        other => other.to_string(),
    }
}

/// A module in a file.
fn file(
    name: &str,
    mut fields: Fields<'_>,
    built_in: Option<Layer>,
    base: &Path,
) -> Result<(Layer, Runs), ManifestError> {
    let path = fields.required("wasm", "the path of a module", |text| !text.is_empty())?;
    let version = fields.text("version", manifest::LINE, manifest::is_line)?.unwrap_or_else(|| "-".to_owned());
    let said = fields.text("layer", manifest::LAYERS, |text| manifest::layer(text).is_some())?;
    let said = said.as_deref().and_then(manifest::layer);
    let layer = match (said, built_in) {
        (Some(said), Some(layer)) if said != layer => {
            return Err(FieldError::Value { key: "layer", expected: "the one of that name, or left out" }.into());
        }
        (_, Some(layer)) => layer,
        (Some(layer), None) if BUILT_IN.iter().any(|&(_, taken)| taken == layer) => {
            let expected = "observer or transform; what replaces encryption, keepalive or fragmentation has that name";
            return Err(FieldError::Value { key: "layer", expected }.into());
        }
        (Some(layer), None) => layer,
        (None, None) => return Err(FieldError::Missing("layer").into()),
    };
    let short = |text: &str| text.len() <= MAX_CONFIG_LEN;
    let config = fields.text("config", "a text of at most 64 KiB", short)?;
    if config.is_some() && built_in.is_some() {
        return Err(
            FieldError::Value { key: "config", expected: "left out: the connection configures this plugin" }.into()
        );
    }
    let manifest = Manifest::of(&mut fields, name.to_owned(), version, path.clone(), layer)?;
    fields.end()?;
    Ok((layer, Runs::File { manifest: Box::new(manifest), path: base.join(path), config: config.unwrap_or_default() }))
}
