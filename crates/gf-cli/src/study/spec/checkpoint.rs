//! `[checkpoint]`: the keys of what a run is continued from after a fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[checkpoint]`: when a run saves where it stands. Results do not depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSpec {
    /// After so many steps of an arm [default: by `seconds` alone].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// After so many seconds of an arm.
    pub seconds: f64,
    /// Checkpoints of an arm that are kept, the newest: at least 1.
    pub keep: usize,
}

impl Default for CheckpointSpec {
    /// Every 30 seconds; the last two.
    fn default() -> Self {
        Self { every: None, seconds: 30.0, keep: 2 }
    }
}

impl CheckpointSpec {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The key, and what is expected and found.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        if self.every == Some(0) {
            return Err(("every", "expected at least 1 step, found 0".into()));
        }
        if self.seconds.is_nan() || self.seconds <= 0.0 {
            return Err(("seconds", format!("expected a positive number of seconds, found {}", self.seconds)));
        }
        if self.keep == 0 {
            return Err(("keep", "expected at least 1 checkpoint, found 0".into()));
        }
        Ok(())
    }
}
