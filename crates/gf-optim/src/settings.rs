//! Plain-data settings and their validation.

use thiserror::Error;

/// A setting that is out of range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{key}: expected {expected}, found {found}")]
pub struct SettingsError {
    /// The key, as it is written in a study: `implicit.h`.
    pub key: String,
    /// What would be right.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl SettingsError {
    pub(crate) fn new(key: &str, expected: &str, found: impl std::fmt::Display) -> Self {
        Self { key: key.into(), expected: expected.into(), found: found.to_string() }
    }
}

/// `value` must be positive and finite.
pub(crate) fn positive(key: &str, value: f64) -> Result<(), SettingsError> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(SettingsError::new(key, "a positive number", value)) }
}

/// `value` must lie strictly between 0 and 1.
pub(crate) fn fraction(key: &str, value: f64) -> Result<(), SettingsError> {
    if value > 0.0 && value < 1.0 {
        Ok(())
    } else {
        Err(SettingsError::new(key, "a number strictly between 0 and 1", value))
    }
}
