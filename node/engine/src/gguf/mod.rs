//! What a model file says about itself: the header of a GGUF file, read with bounds and checked against the size of the file.
//!
//! A file is a download of whatever somebody offers, so nothing here believes a length before it has been held against
//! [`Limits`] and against the bytes that are there. llama.cpp reads the file again later; what it would abort for is found
//! here first, in words. Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little endian.
//! The weights themselves are never read.

mod architectures;
mod error;
mod facts;
mod header;
mod memory;
mod metadata;
mod source;
mod tensor;
mod types;

pub use self::architectures::is_supported;
pub use self::error::Error;
pub use self::facts::{Facts, Token};
pub use self::header::{Header, Limits, open};
pub use self::memory::{Estimate, KvType, Use};
pub use self::tensor::Tensor;
pub use self::types::TensorType;
