//! The manifest: what is said about a module, and which bytes are meant.

use ratatosk_plugin::abi;
use ratatosk_protocol::plugin::Layer;
use toml::de::DeTable;

use crate::fields::{FieldError, Fields};

/// Memory in bytes, and deadline in milliseconds, of a plugin whose manifest says nothing about them.
const DEFAULTS: (usize, u64) = (64 << 20, 1000);
/// The same for plugins in the place of encryption, keepalive and fragmentation: they get messages of 100 MiB.
const BUILT_IN_MEMORY_MAX: usize = 512 << 20;
const BUILT_IN_DEADLINE_MS: u64 = 2000;
/// The longest deadline: a connection, and those that share its thread, stand still for so long.
const MAX_DEADLINE_MS: u64 = 10_000;
const MAX_NAME_LEN: usize = 64;

pub(crate) const NAME: &str = "1 to 64 of a-z, 0-9, - and _";
pub(crate) const LINE: &str = "1 to 64 characters in one line";

/// What is said about a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What errors, metrics and timelines call it.
    pub name: String,
    /// Its own version, for people.
    pub version: String,
    /// The file of the module, beside the manifest.
    pub file: String,
    /// SHA-256 of the module.
    pub sha256: [u8; 32],
    /// Most bytes of memory of an instance, and most bytes that one call may emit.
    pub memory_max: usize,
    /// Longest time that a call may take, in milliseconds.
    pub deadline_ms: u64,
    /// Whether its configuration may hold keys.
    pub may_have_keys: bool,
    /// Where in the stack it may stand.
    pub layer: Layer,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is no TOML.
    #[error("the manifest is not TOML: {0}")]
    Syntax(String),
    /// A field is wrong.
    #[error("the manifest: {0}")]
    Field(#[from] FieldError),
    /// For another version of the ABI.
    #[error("the plugin is made for version {found} of the plugin ABI, this host speaks version {}", abi::VERSION)]
    Abi {
        /// The version that it says.
        found: u64,
    },
    /// Encryption without a key.
    #[error("the manifest has the layer encryption, but not may_have_keys = true")]
    EncryptionWithoutKeys,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let table = DeTable::parse(text).map_err(|error| ManifestError::Syntax(error.message().to_owned()))?;
        let mut fields = Fields(table.into_inner());
        let abi = fields.integer("abi")?.ok_or(FieldError::Missing("abi"))?;
        if abi != u64::from(abi::VERSION) {
            return Err(ManifestError::Abi { found: abi });
        }
        let name = fields.required("name", NAME, is_name)?;
        let version = fields.required("version", LINE, is_line)?;
        let file = fields.required("file", "the name of a file beside the manifest", is_file_name)?;
        let layer = layer(&fields.required("layer", LAYERS, |text| layer(text).is_some())?);
        Self::of(&mut fields, name, version, file, layer.unwrap_or(Layer::Observer)).and_then(|manifest| {
            fields.end()?;
            Ok(manifest)
        })
    }

    /// Reads what a manifest and an entry of a list of plugins have in common.
    pub(crate) fn of(
        fields: &mut Fields<'_>,
        name: String,
        version: String,
        file: String,
        layer: Layer,
    ) -> Result<Self, ManifestError> {
        let digest = fields.required("sha256", "64 hex digits", |text| sha256(text).is_some())?;
        let memory_max = fields.integer("memory_max")?.map(usize::try_from).transpose();
        let memory_max =
            memory_max.map_err(|_| FieldError::Value { key: "memory_max", expected: "a number of bytes" })?;
        let default = if is_built_in(layer) { (BUILT_IN_MEMORY_MAX, BUILT_IN_DEADLINE_MS) } else { DEFAULTS };
        let manifest = Self {
            name,
            version,
            file,
            layer,
            sha256: sha256(&digest).unwrap_or_default(),
            memory_max: memory_max.unwrap_or(default.0),
            deadline_ms: fields.integer("deadline_ms")?.unwrap_or(default.1),
            may_have_keys: fields.boolean("may_have_keys")?.unwrap_or(false),
        };
        if !(1..=MAX_DEADLINE_MS).contains(&manifest.deadline_ms) {
            return Err(FieldError::Value { key: "deadline_ms", expected: "1 to 10,000" }.into());
        }
        if manifest.layer == Layer::Encryption && !manifest.may_have_keys {
            return Err(ManifestError::EncryptionWithoutKeys);
        }
        if manifest.layer != Layer::Encryption && manifest.may_have_keys {
            let expected = "left out: only encryption is given keys";
            return Err(FieldError::Value { key: "may_have_keys", expected }.into());
        }
        Ok(manifest)
    }
}

/// Whether a plugin of this layer gets every message of a connection, however long.
fn is_built_in(layer: Layer) -> bool {
    matches!(layer, Layer::Encryption | Layer::KeepAlive | Layer::Fragmentation)
}

pub(crate) fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=MAX_NAME_LEN).contains(&text.len()) && text.chars().all(known)
}

pub(crate) fn is_line(text: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_file_name(text: &str) -> bool {
    is_line(text) && !text.contains(['/', '\\', ':']) && !matches!(text, "." | "..")
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

pub(crate) const LAYERS: &str = "observer, encryption, transform, keepalive or fragmentation";

pub(crate) fn layer(text: &str) -> Option<Layer> {
    Some(match text {
        "observer" => Layer::Observer,
        "encryption" => Layer::Encryption,
        "transform" => Layer::Transform,
        "keepalive" => Layer::KeepAlive,
        "fragmentation" => Layer::Fragmentation,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "name = \"logger\"\nversion = \"1.0\"\nabi = 1\nfile = \"logger.wasm\"\nlayer = \"observer\"\n";

    fn parse(more: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(&format!("{PLAIN}sha256 = \"{}\"\n{more}", "ab".repeat(32)))
    }

    #[test]
    fn what_is_not_said_is_modest() {
        let manifest = parse("").unwrap();
        assert_eq!((manifest.memory_max, manifest.deadline_ms), DEFAULTS);
        assert_eq!((manifest.may_have_keys, manifest.sha256), (false, [0xab; 32]));
        assert_eq!(parse("memory_max = 1_000_000").unwrap().memory_max, 1_000_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(Manifest::parse(PLAIN), Err(FieldError::Missing("sha256").into()));
        assert_eq!(parse("colour = 1"), Err(FieldError::Unknown("colour".to_owned()).into()));
        assert!(matches!(
            parse("deadline_ms = 0"),
            Err(ManifestError::Field(FieldError::Value { key: "deadline_ms", .. }))
        ));
        assert!(matches!(
            parse("memory_max = -1"),
            Err(ManifestError::Field(FieldError::Value { key: "memory_max", .. }))
        ));
        assert!(matches!(
            parse("may_have_keys = 1"),
            Err(ManifestError::Field(FieldError::Value { key: "may_have_keys", .. }))
        ));
        assert!(matches!(parse("abi = "), Err(ManifestError::Syntax(_))));
        let with = |from: &str, to: &str| {
            Manifest::parse(&format!("{}sha256 = \"{}\"", PLAIN.replace(from, to), "ab".repeat(32)))
        };
        assert_eq!(with("abi = 1", "abi = 2"), Err(ManifestError::Abi { found: 2 }));
        assert_eq!(with("observer", "encryption"), Err(ManifestError::EncryptionWithoutKeys));
        assert!(matches!(
            with("logger.wasm", "../x.wasm"),
            Err(ManifestError::Field(FieldError::Value { key: "file", .. }))
        ));
        assert!(matches!(
            with("\"logger\"", "\"a b\""),
            Err(ManifestError::Field(FieldError::Value { key: "name", .. }))
        ));
        assert!(matches!(
            with("observer", "pingpong"),
            Err(ManifestError::Field(FieldError::Value { key: "layer", .. }))
        ));
    }
}
