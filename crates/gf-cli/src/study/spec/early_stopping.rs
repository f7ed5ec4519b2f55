//! `[run.early_stopping]`.

use gf_utils::history::Patience;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[run.early_stopping]`: an arm ends where its validation loss has stopped falling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStoppingSpec {
    /// Evaluations in a row without improvement (counted in evaluations, not steps; see `run.evaluate_every`); default 10.
    pub patience: u64,
    /// An improvement is larger than this, in units of the loss; default 0.
    pub min_delta: f64,
    /// End with the parameters of the lowest validation loss, whatever ended the arm, in place of the last ones; default true. An arm that
    /// failed keeps its last ones.
    pub restore_best: bool,
}

impl Default for EarlyStoppingSpec {
    fn default() -> Self {
        Self { patience: 10, min_delta: 0.0, restore_best: true }
    }
}

impl EarlyStoppingSpec {
    /// Its rule, at the start of a run.
    pub fn patience(&self) -> Patience {
        Patience::new(self.patience, self.min_delta)
    }
}
