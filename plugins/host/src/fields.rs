//! The fields of a table in TOML, each taken out as it is read, so that what is left over was not meant.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Something that has to be said is not.
    #[error("it does not say {0}")]
    Missing(&'static str),
    /// Something that means nothing here.
    #[error("it says {0:?}, which means nothing here")]
    Unknown(String),
    /// A value that cannot be.
    #[error("{key} has to be {expected}")]
    Value {
        /// Whose value.
        key: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

/// What of a table has not been read yet.
pub(crate) struct Fields<'a>(pub(crate) DeTable<'a>);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, key: &str) -> Option<DeValue<'a>> {
        self.0.remove(key).map(Spanned::into_inner)
    }

    /// A text that is valid, or nothing.
    pub(crate) fn text(
        &mut self,
        key: &'static str,
        expected: &'static str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, FieldError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = value.as_str().filter(|text| is_valid(text));
        text.map(|text| Some(text.to_owned())).ok_or(FieldError::Value { key, expected })
    }

    /// A text that has to be there.
    pub(crate) fn required(
        &mut self,
        key: &'static str,
        expected: &'static str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Result<String, FieldError> {
        self.text(key, expected, is_valid)?.ok_or(FieldError::Missing(key))
    }

    pub(crate) fn integer(&mut self, key: &'static str) -> Result<Option<u64>, FieldError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let digits = value.as_integer().filter(|number| number.radix() == 10);
        let number = digits.and_then(|number| number.as_str().parse().ok());
        number.map(Some).ok_or(FieldError::Value { key, expected: "a whole number" })
    }

    pub(crate) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, FieldError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or(FieldError::Value { key, expected: "true or false" })
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), FieldError> {
        match self.0.keys().next() {
            Some(key) => Err(FieldError::Unknown(key.get_ref().to_string())),
            None => Ok(()),
        }
    }
}
