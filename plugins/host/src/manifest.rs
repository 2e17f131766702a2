//! The manifest: what is said about a module, and which bytes are meant.

use ratatosk_plugin::abi;
use ratatosk_protocol::plugin::Layer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Memory of a plugin whose manifest says nothing about it, in bytes.
const DEFAULT_MEMORY_MAX: usize = 64 << 20;
/// Deadline of a plugin whose manifest says nothing about it.
const DEFAULT_DEADLINE_MS: u64 = 1000;
/// The longest deadline: a connection, and those that share its thread, stand still for so long.
const MAX_DEADLINE_MS: u64 = 10_000;
const MAX_NAME_LEN: usize = 64;

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
    /// Something that has to be said is not.
    #[error("the manifest does not say {0}")]
    Missing(&'static str),
    /// Something that no manifest says.
    #[error("the manifest says {0}, which means nothing")]
    Unknown(String),
    /// A value that cannot be.
    #[error("{key} in the manifest has to be {expected}")]
    Value {
        /// Whose value.
        key: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
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
        let abi = fields.integer("abi")?.ok_or(ManifestError::Missing("abi"))?;
        if abi != u64::from(abi::VERSION) {
            return Err(ManifestError::Abi { found: abi });
        }
        let memory_max = fields.integer("memory_max")?.map(usize::try_from).transpose();
        let manifest = Self {
            name: fields.required("name", "1 to 64 of a-z, 0-9, - and _", is_name)?,
            version: fields.required("version", "1 to 64 characters in one line", is_line)?,
            file: fields.required("file", "the name of a file beside the manifest", is_file_name)?,
            sha256: sha256(&fields.required("sha256", "64 hex digits", |text| sha256(text).is_some())?)
                .unwrap_or_default(),
            memory_max: memory_max
                .map_err(|_| ManifestError::Value { key: "memory_max", expected: "a number of bytes" })?
                .unwrap_or(DEFAULT_MEMORY_MAX),
            deadline_ms: fields.integer("deadline_ms")?.unwrap_or(DEFAULT_DEADLINE_MS),
            may_have_keys: fields.boolean("may_have_keys")?.unwrap_or(false),
            layer: layer(&fields.required("layer", LAYERS, |text| layer(text).is_some())?).unwrap_or(Layer::Observer),
        };
        if !(1..=MAX_DEADLINE_MS).contains(&manifest.deadline_ms) {
            return Err(ManifestError::Value { key: "deadline_ms", expected: "1 to 10,000" });
        }
        if manifest.layer == Layer::Encryption && !manifest.may_have_keys {
            return Err(ManifestError::EncryptionWithoutKeys);
        }
        match fields.0.keys().next() {
            Some(key) => Err(ManifestError::Unknown(key.get_ref().to_string())),
            None => Ok(manifest),
        }
    }
}

/// What of the manifest has not been read yet.
struct Fields<'a>(DeTable<'a>);

impl<'a> Fields<'a> {
    fn take(&mut self, key: &str) -> Option<DeValue<'a>> {
        self.0.remove(key).map(Spanned::into_inner)
    }

    fn required(
        &mut self,
        key: &'static str,
        expected: &'static str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Result<String, ManifestError> {
        let value = self.take(key).ok_or(ManifestError::Missing(key))?;
        let text = value.as_str().filter(|text| is_valid(text));
        text.map(str::to_owned).ok_or(ManifestError::Value { key, expected })
    }

    fn integer(&mut self, key: &'static str) -> Result<Option<u64>, ManifestError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let digits = value.as_integer().filter(|number| number.radix() == 10);
        let number = digits.and_then(|number| number.as_str().parse().ok());
        number.map(Some).ok_or(ManifestError::Value { key, expected: "a whole number" })
    }

    fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, ManifestError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or(ManifestError::Value { key, expected: "true or false" })
    }
}

fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=MAX_NAME_LEN).contains(&text.len()) && text.chars().all(known)
}

fn is_line(text: &str) -> bool {
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

const LAYERS: &str = "observer, encryption, transform, keepalive or fragmentation";

fn layer(text: &str) -> Option<Layer> {
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
        assert_eq!((manifest.memory_max, manifest.deadline_ms), (DEFAULT_MEMORY_MAX, DEFAULT_DEADLINE_MS));
        assert_eq!((manifest.may_have_keys, manifest.sha256), (false, [0xab; 32]));
        assert_eq!(parse("memory_max = 1_000_000").unwrap().memory_max, 1_000_000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(Manifest::parse(PLAIN), Err(ManifestError::Missing("sha256")));
        assert_eq!(parse("colour = 1"), Err(ManifestError::Unknown("colour".to_owned())));
        assert!(matches!(parse("deadline_ms = 0"), Err(ManifestError::Value { key: "deadline_ms", .. })));
        assert!(matches!(parse("memory_max = -1"), Err(ManifestError::Value { key: "memory_max", .. })));
        assert!(matches!(parse("may_have_keys = 1"), Err(ManifestError::Value { key: "may_have_keys", .. })));
        assert!(matches!(parse("abi = "), Err(ManifestError::Syntax(_))));
        let with = |from: &str, to: &str| {
            Manifest::parse(&format!("{}sha256 = \"{}\"", PLAIN.replace(from, to), "ab".repeat(32)))
        };
        assert_eq!(with("abi = 1", "abi = 2"), Err(ManifestError::Abi { found: 2 }));
        assert_eq!(with("observer", "encryption"), Err(ManifestError::EncryptionWithoutKeys));
        assert!(matches!(with("logger.wasm", "../x.wasm"), Err(ManifestError::Value { key: "file", .. })));
        assert!(matches!(with("\"logger\"", "\"a b\""), Err(ManifestError::Value { key: "name", .. })));
        assert!(matches!(with("observer", "pingpong"), Err(ManifestError::Value { key: "layer", .. })));
    }
}
