//! `[run]`: the keys of steps, seeds and batches.

use gf_layers::LastBatch;
use gf_optim::Budget;
use serde::{Deserialize, Serialize};

use super::arm::ArmSpec;

/// `[run]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Accepted steps of each arm.
    pub steps: u64,
    /// One run of each arm per seed: data, split, start and batches come from it.
    pub seeds: Vec<u64>,
    /// Samples a batch; the whole training set when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Order of the batches.
    pub order: BatchOrder,
    /// What becomes of the samples that do not fill a batch at the end of an epoch: `"keep"` (default) takes them as a smaller batch,
    /// `"drop"` leaves them out of the epoch, `"merge"` adds them to the batch before. A batch larger than the training set is the training set.
    pub last_batch: LastBatch,
    /// Compare every run with the flow of the loss on the whole training set, integrated to this tolerance: adds the column `distance_to_flow`,
    /// ‖θ − θ(t)‖ at equal flow time, at the steps that are evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_tolerance: Option<f64>,
    /// Evaluate training and validation loss every so many steps.
    pub evaluate_every: u64,
    /// Write what passes through the layers, on the training set, every so many steps: `layers.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers_every: Option<u64>,
    /// Add the column `conservation_drift`: how far a run is from what the flow conserves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub conservation: bool,
    /// Stop an arm at this flow time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_time: Option<f64>,
    /// Stop an arm when the gradient's norm on its batch is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Stop an arm when the loss on its batch is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_target: Option<f64>,
    /// Stop an arm when a step changed the loss on its batch by at most this, relative to the larger of the loss and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
    /// Stop an arm after so many seconds in steps. Such a run is not reproducible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<f64>,
    /// A loss above this is divergence.
    pub loss_limit: f64,
    /// Whether a failed arm makes `gf run` exit with 1.
    pub on_failure: OnFailure,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            steps: 500,
            seeds: vec![0],
            batch: None,
            order: BatchOrder::Fixed,
            last_batch: LastBatch::Keep,
            flow_tolerance: None,
            layers_every: None,
            conservation: false,
            evaluate_every: 1,
            flow_time: None,
            gradient_norm: None,
            loss_target: None,
            loss_change: None,
            wall_time: None,
            loss_limit: 1e12,
            on_failure: OnFailure::Error,
        }
    }
}

impl RunSpec {
    /// As the driver wants it, for an arm.
    pub fn budget(&self, arm: &ArmSpec) -> Budget {
        let open = Budget::steps(arm.steps.unwrap_or(self.steps));
        Budget {
            flow_time: self.flow_time.unwrap_or(open.flow_time),
            gradient_norm: self.gradient_norm.unwrap_or(open.gradient_norm),
            loss: self.loss_target.unwrap_or(open.loss),
            loss_change: self.loss_change.unwrap_or(open.loss_change),
            loss_limit: self.loss_limit,
            ..open
        }
    }
}

/// Order of the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOrder {
    /// The same in every epoch.
    Fixed,
    /// Shuffled in every epoch.
    Shuffled,
}

/// What a failed arm means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// `gf run` exits with 1, with everything written.
    Error,
    /// Divergence is data: exit code 0.
    Record,
}
