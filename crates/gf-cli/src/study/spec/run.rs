//! `[run]`: the keys of steps, seeds and batches.

use gf_layers::LastBatch;
use gf_optim::Budget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arm::ArmSpec;
use super::early_stopping::EarlyStoppingSpec;
use super::every::Every;

/// `[run]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Accepted steps of each arm; with `epochs` too, whichever ends first [default: 500 where `epochs` is not given either].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes of each arm through the training set, in place of `steps`: ⌈training samples / batch⌉ steps each, one without batches
    /// [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// One run of each arm per seed: data, split, start and batches come from it.
    pub seeds: Vec<u64>,
    /// Samples a batch [default: the whole training set].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Order of the batches.
    pub order: BatchOrder,
    /// What becomes of the samples that do not fill a batch at the end of an epoch: `"keep"` (default) takes them as a smaller batch,
    /// `"drop"` leaves them out of the epoch, `"merge"` adds them to the batch before. A batch larger than the training set is the training set.
    pub last_batch: LastBatch,
    /// Compare every run with the flow of the loss on the whole training set, integrated to this tolerance: adds the column `distance_to_flow`,
    /// ‖θ − θ(t)‖ at equal flow time, at the steps that are evaluated. Relative, without unit [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_tolerance: Option<f64>,
    /// Evaluate training and validation loss every so many steps; `"epoch"`, or `{ epochs = n }` for every n epochs. Default 1.
    pub evaluate_every: Every,
    /// Write what passes through the layers, on the training set, every so many steps (or `"epoch"`, `{ epochs = n }`): `layers.csv`
    /// [default: never].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers_every: Option<Every>,
    /// Watch every epoch: losses, accuracy on the training set too, update ratios and gradients layer by layer, steps that lowered the loss
    /// of their own batch (one more evaluation of it a step): `epochs.csv`, `epoch-layers.csv`, and a section of the report
    /// [default: true where the length of the run or of an arm is given in `epochs`, else false].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<bool>,
    /// End an arm where its validation loss has stopped falling [default: not].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// Add the column `conservation_drift`: how far a run is from what the flow conserves.
    pub conservation: bool,
    /// Stop an arm at this flow time Σh [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_time: Option<f64>,
    /// Stop an arm when the gradient's norm on its batch is at most this, in units of the gradient [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Stop an arm when the loss on its batch is at most this, in units of the loss [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_target: Option<f64>,
    /// Stop an arm when a step changed the loss on its batch by at most this, relative to the larger of the loss and 1 [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_change: Option<f64>,
    /// Stop an arm after so many seconds in steps. Such a run is not reproducible [default: none].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<f64>,
    /// A loss above this is divergence, in units of the loss.
    pub loss_limit: f64,
    /// Whether a failed arm makes `gf run` exit with 1.
    pub on_failure: OnFailure,
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            steps: None,
            epochs: None,
            seeds: vec![0],
            batch: None,
            order: BatchOrder::Fixed,
            last_batch: LastBatch::Keep,
            flow_tolerance: None,
            layers_every: None,
            monitor: None,
            early_stopping: None,
            conservation: false,
            evaluate_every: Every::Steps(1),
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
    /// Steps of an arm where neither steps nor epochs are given.
    pub const DEFAULT_STEPS: u64 = 500;

    /// As the driver wants it, for an arm with so many batches an epoch.
    pub fn budget(&self, arm: &ArmSpec, batches_per_epoch: u64) -> Budget {
        let open = Budget::steps(self.steps_of(arm, batches_per_epoch));
        Budget {
            flow_time: self.flow_time.unwrap_or(open.flow_time),
            gradient_norm: self.gradient_norm.unwrap_or(open.gradient_norm),
            loss: self.loss_target.unwrap_or(open.loss),
            loss_change: self.loss_change.unwrap_or(open.loss_change),
            loss_limit: self.loss_limit,
            ..open
        }
    }

    /// Accepted steps of an arm at most: its own steps or epochs (the fewer of both), or else those of the study.
    pub fn steps_of(&self, arm: &ArmSpec, batches_per_epoch: u64) -> u64 {
        let fewer = |steps: Option<u64>, epochs: Option<u64>| {
            let of_epochs = epochs.map(|epochs| epochs.saturating_mul(batches_per_epoch));
            steps.into_iter().chain(of_epochs).min()
        };
        fewer(arm.steps, arm.epochs).or_else(|| fewer(self.steps, self.epochs)).unwrap_or(Self::DEFAULT_STEPS)
    }
}

/// Order of the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchOrder {
    /// The same in every epoch.
    Fixed,
    /// Shuffled in every epoch.
    Shuffled,
}

/// What a failed arm means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// `gf run` exits with 1, with everything written.
    Error,
    /// Divergence is data: exit code 0.
    Record,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewer_of_steps_and_epochs_count_and_an_arm_counts_for_itself() {
        let cases = [
            ("", "", 500),
            ("steps = 100", "", 100),
            ("epochs = 3", "", 21),
            ("steps = 20\nepochs = 3", "", 20),
            ("steps = 100\nepochs = 3", "", 21),
            ("steps = 5", "epochs = 2", 14),
            ("epochs = 1", "steps = 90", 90),
            ("epochs = 1", "steps = 90\nepochs = 2", 14),
        ];
        for (run, arm, expected) in cases {
            let spec: RunSpec = toml::from_str(run).unwrap();
            let arm_spec: ArmSpec =
                toml::from_str(&format!("name = \"a\"\n{arm}\nmethod.explicit = {{ h = 1 }}")).unwrap();
            assert_eq!(spec.steps_of(&arm_spec, 7), expected, "[run] {run}; [[arm]] {arm}");
        }
    }
}
