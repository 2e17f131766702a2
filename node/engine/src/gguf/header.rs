//! The header as a whole.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::error::{Error, damaged};
use super::facts::Facts;
use super::memory::{Estimate, Use, estimate};
use super::metadata::Metadata;
use super::source::Source;
use super::tensor::{self, Tensor};
use crate::EngineError;

/// How much a header may be.
///
/// Reading one takes memory for the tensors (some 200 bytes each), the keys and the texts; arrays of texts are passed over.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes before the weights. Vocabularies make most of it: the largest known have 20 MB.
    pub header: u64,
    /// Entries of the metadata. Models have about 50.
    pub entries: u64,
    /// Bytes of a key; the format allows as many.
    pub key: u64,
    /// Elements of an array. The largest vocabularies have a third of a million tokens.
    pub elements: u64,
    /// Tensors. The largest models have a few thousand.
    pub tensors: u64,
    /// Bytes of a text that is kept: the longest are chat templates, of some 20 kB. Longer ones are passed over.
    pub text: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { header: 128 << 20, entries: 4096, key: 65_535, elements: 1 << 22, tensors: 1 << 16, text: 1 << 20 }
    }
}

/// What a file says about itself, in agreement with its size.
#[derive(Clone, Debug)]
pub struct Header {
    /// Version of the format: 2 or 3.
    pub version: u32,
    /// Bytes of the file.
    pub size: u64,
    /// What is known about the model.
    pub facts: Facts,
    /// Its tensors, in the order of the file.
    pub tensors: Vec<Tensor>,
}

/// Reads the header of the file at `path`.
///
/// # Errors
///
/// What is wrong with it, for people.
pub fn open(path: &Path) -> Result<Header, EngineError> {
    let read = || {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(Error::NotAModel("it is no file".to_owned()));
        }
        Header::read(file, &Limits::default())
    };
    read().map_err(|error| error.of(path))
}

impl Header {
    /// Reads and checks the header of a file.
    ///
    /// # Errors
    ///
    /// If it is none, ends before its weights do, or says what cannot be.
    pub fn read(file: impl Read + Seek, limits: &Limits) -> Result<Self, Error> {
        let mut from = Source::new(file, limits.header)?;
        let version = begin(&mut from)?;
        let (tensors, entries) = (from.u64()?, from.u64()?);
        if tensors > limits.tensors {
            return damaged(format!("it claims {tensors} tensors"));
        }
        if entries > limits.entries {
            return damaged(format!("it claims {entries} entries of metadata"));
        }
        let metadata = Metadata::read(&mut from, entries, limits)?;
        let alignment = metadata.number("general.alignment").unwrap_or(32);
        // Larger ones only make holes; llama.cpp wants powers of two.
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return damaged(format!("its weights would be aligned to {alignment} bytes"));
        }
        let tensors = tensor::read(&mut from, tensors, alignment)?;
        let weights = from.at().next_multiple_of(alignment);
        let Some(last) = tensors.last() else {
            return Err(Error::NotAModel("it has no weights".to_owned()));
        };
        let needs = weights.saturating_add(last.offset).saturating_add(last.bytes);
        if needs > from.size() {
            return Err(Error::Truncated { has: from.size(), needs });
        }
        let facts = Facts::collect(&mut from, &metadata, &tensors)?;
        Ok(Self { version, size: from.size(), facts, tensors })
    }

    /// What running it takes.
    pub fn memory(&self, usage: Use) -> Estimate {
        estimate(&self.facts, &self.tensors, usage)
    }
}

/// Magic and version.
fn begin<R: Read + Seek>(from: &mut Source<R>) -> Result<u32, Error> {
    let not = |reason: &str| Err(Error::NotAModel(reason.to_owned()));
    if from.size() == 0 {
        return not("it is empty");
    }
    if from.size() < 4 {
        return not("it has less than four bytes");
    }
    match &from.bytes()? {
        b"GGUF" => {}
        b"FUGG" => return not("it is written for big-endian machines"),
        b"ggjt" | b"tjgg" | b"ggml" | b"lmgg" => return not("it has the format from before GGUF"),
        b"PK\x03\x04" => return not("it is a zip file"),
        b"<!do" | b"<!DO" | b"<htm" | b"<HTM" => return not("it is a web page"),
        b"vers" => return not("it is the pointer of a large file in git, not the file"),
        _ => return not("it does not begin with GGUF"),
    }
    match from.u32()? {
        version @ (2 | 3) => Ok(version),
        1 => not("it has version 1 of the format, which is no longer read"),
        version if version.swap_bytes() <= 3 => not("it is written for big-endian machines"),
        version => not(&format!("it has version {version} of the format, which this program does not know")),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
