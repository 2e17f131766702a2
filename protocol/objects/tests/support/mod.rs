//! What the tests share.

pub mod notation;
pub mod recipes;
