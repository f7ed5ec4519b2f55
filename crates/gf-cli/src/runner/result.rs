//! What a run of an arm leaves.

use gf_core::Work;
use gf_optim::Outcome;
use gf_utils::history::{Best, Table};
use serde::{Deserialize, Serialize};

use super::basins::BasinStart;
use super::epochs::{EpochLayerRow, EpochRow};
use super::layers::LayerRow;
use super::spectrum::SpectrumRun;

/// How a run of an arm ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmOutcome {
    /// Why.
    pub stop: Ending,
    /// θ after the last accepted step.
    pub theta: Vec<f64>,
    /// Accepted steps.
    pub steps: u64,
    /// Flow time, for methods that follow the flow's clock.
    pub time: Option<f64>,
    /// All work.
    pub work: Work,
    /// Model flops over those of one value and gradient.
    pub gradient_equivalents: f64,
    /// Rejected proposals.
    pub rejected: u64,
}

/// A [`gf_optim::Stop`] in words, which can be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    name: String,
    text: String,
    is_failure: bool,
}

impl Ending {
    /// As [`gf_optim::Stop::name`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`gf_optim::Stop::is_failure`].
    pub fn is_failure(&self) -> bool {
        self.is_failure
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Outcome> for ArmOutcome {
    fn from(outcome: Outcome) -> Self {
        let Outcome { stop, theta, steps, time, work, gradient_equivalents, rejected, .. } = outcome;
        let stop = Ending { name: stop.name().to_owned(), text: stop.to_string(), is_failure: stop.is_failure() };
        Self { stop, theta, steps, time, work, gradient_equivalents, rejected }
    }
}

/// One arm on one seed.
#[derive(Serialize, Deserialize)]
pub struct ArmRun {
    /// The arm's name.
    pub arm: String,
    /// Its place in the study.
    pub arm_index: usize,
    /// The seed.
    pub seed: u64,
    /// How it ended, with the final parameters: the best ones where they were restored.
    pub outcome: ArmOutcome,
    /// The step whose parameters were restored at the end, where early stopping does so.
    pub restored: Option<u64>,
    /// A loss above this is divergence.
    pub(super) loss_limit: f64,
    /// One row an accepted step.
    pub history: Table,
    /// Parameters of the lowest validation loss.
    pub best: Option<Best>,
    /// Outputs on the validation set at the end, in the units of the data, n × outputs, row-major; only of the first seed.
    pub predictions: Option<Vec<f64>>,
    /// The curvature along the run, where the study asks for it.
    pub spectrum: Option<SpectrumRun>,
    /// Where it ends from other starts, where the study asks for it; only of the first seed.
    pub basins: Vec<BasinStart>,
    /// What passed through the layers, where the study asks for it.
    pub layers: Vec<LayerRow>,
    /// What each epoch came to, where the study watches them.
    pub epochs: Vec<EpochRow>,
    /// The same layer by layer.
    pub epoch_layers: Vec<EpochLayerRow>,
}

impl ArmRun {
    /// As that of the arm of this name and place: what a run comes to depends on neither.
    pub(super) fn of_arm(mut self, name: &str, arm_index: usize) -> Self {
        let Self { arm, layers, epochs, epoch_layers, spectrum, .. } = &mut self;
        let central_flow = spectrum.iter_mut().flat_map(|spectrum| &mut spectrum.central_flow);
        let names = std::iter::once(arm)
            .chain(layers.iter_mut().map(|row| &mut row.arm))
            .chain(epochs.iter_mut().map(|row| &mut row.arm))
            .chain(epoch_layers.iter_mut().map(|row| &mut row.arm))
            .chain(central_flow.map(|row| &mut row.arm));
        names.for_each(|arm| name.clone_into(arm));
        Self { arm_index, ..self }
    }

    /// Why it counts as failed, if it does: divergence, no step, or a final loss that is no number.
    pub fn failure(&self) -> Option<String> {
        if self.outcome.stop.is_failure() {
            return Some(self.outcome.stop.to_string());
        }
        let last = self.history.rows().last()?;
        let diverged = last.val_loss.is_nan() || last.val_loss > self.loss_limit;
        diverged.then(|| format!("diverged: the final validation loss is {:e}", last.val_loss))
    }
}
