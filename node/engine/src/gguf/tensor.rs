//! The table of tensors, checked as llama.cpp checks it, and against the size of the file.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::error::{Error, damaged, quoted};
use super::source::Source;
use super::types::TensorType;

/// Longest name of a tensor, in bytes, with ggml's final zero.
const NAME: u64 = 64;
/// Most dimensions.
const DIMENSIONS: u32 = 4;

/// A tensor, without its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, of which the elements of the first lie side by side.
    pub dimensions: Vec<u64>,
    /// How its elements are stored.
    pub kind: TensorType,
    /// Bytes from the beginning of the weights.
    pub offset: u64,
    /// Elements.
    pub elements: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Reads `count` entries of the table, whose weights lie one after the other, each at a multiple of `alignment`.
pub(super) fn read<R: Read + Seek>(from: &mut Source<R>, count: u64, alignment: u64) -> Result<Vec<Tensor>, Error> {
    let mut tensors = Vec::new();
    let mut names = BTreeSet::new();
    let mut expected = 0u64;
    for _ in 0..count {
        let tensor = one(from)?;
        if !names.insert(tensor.name.clone()) {
            return damaged(format!("it has the tensor {} twice", quoted(&tensor.name)));
        }
        if tensor.offset != expected {
            let Tensor { name, offset, .. } = &tensor;
            return damaged(format!("its tensor {} lies at {offset} instead of {expected}", quoted(name)));
        }
        let end = tensor.offset.checked_add(tensor.bytes).and_then(|end| end.checked_next_multiple_of(alignment));
        let Some(end) = end else {
            return damaged(format!("its tensor {} has no end", quoted(&tensor.name)));
        };
        expected = end;
        tensors.push(tensor);
    }
    Ok(tensors)
}

fn one<R: Read + Seek>(from: &mut Source<R>) -> Result<Tensor, Error> {
    let Some(name) = from.text(NAME - 1, "the name of a tensor")? else {
        return damaged(format!("a tensor has a name of {NAME} bytes or more"));
    };
    let count = from.u32()?;
    if count == 0 || count > DIMENSIONS {
        return damaged(format!("its tensor {} has {count} dimensions", quoted(&name)));
    }
    let mut dimensions = Vec::new();
    for _ in 0..count {
        dimensions.push(from.u64()?);
    }
    let number = from.u32()?;
    let Some(kind) = TensorType::find(number) else {
        return damaged(format!("its tensor {} has the unknown type {number}", quoted(&name)));
    };
    let offset = from.u64()?;
    let sizes = sizes(&dimensions, kind);
    let Some((elements, bytes)) = sizes else {
        return damaged(format!("its tensor {} cannot have the dimensions {dimensions:?}", quoted(&name)));
    };
    Ok(Tensor { name, dimensions, kind, offset, elements, bytes })
}

/// Elements and bytes, if these dimensions can be.
fn sizes(dimensions: &[u64], kind: TensorType) -> Option<(u64, u64)> {
    let row = *dimensions.first()?;
    if dimensions.contains(&0) || !row.is_multiple_of(kind.elements) {
        return None;
    }
    let elements = dimensions.iter().try_fold(1u64, |product, dimension| product.checked_mul(*dimension))?;
    // ggml counts in signed numbers.
    let bytes = (elements / kind.elements).checked_mul(kind.bytes).filter(|bytes| i64::try_from(*bytes).is_ok())?;
    Some((elements, bytes))
}
