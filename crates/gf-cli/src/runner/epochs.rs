//! What every epoch of a run came to: `epochs.csv` and `epoch-layers.csv`.

use gf_core::{Objective, Observer, StepRecord, vector};
use gf_optim::registry::AnyObjective;
use gf_utils::history::{Row, Table};
use miette::Report;
use serde::{Deserialize, Serialize};

use super::instance::Instance;
use crate::study::{ArmSpec, Problem, Subject};

/// The band in which update ratios usually lie where training goes well.
pub(crate) const UPDATE_RATIO_BAND: [f64; 2] = [1e-3, 1e-2];

/// One row of `epochs.csv`: means and shares are over the steps of the epoch, losses and metrics those of its last evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// From 1; 0 is the start, before any update. The last one may be cut short.
    pub epoch: u64,
    /// Steps since the start of the run.
    pub step: u64,
    /// Loss on the training set; empty where the epoch was not evaluated, as the next five.
    pub train_loss: Option<f64>,
    /// Loss on the validation set.
    pub val_loss: Option<f64>,
    /// Accuracy on the training set, of classifiers.
    pub train_accuracy: Option<f64>,
    /// Accuracy on the validation set, of classifiers.
    pub val_accuracy: Option<f64>,
    /// Mean absolute error on the training set, of other networks.
    pub train_mae: Option<f64>,
    /// Mean absolute error on the validation set, of other networks.
    pub val_mae: Option<f64>,
    /// Mean of the losses that the steps started from, each on its batch.
    pub batch_loss: Option<f64>,
    /// Mean of ‖∇L‖ on the batches.
    pub gradient_norm: Option<f64>,
    /// The last size that was proposed to the method: h in flow time, or the learning rate of methods that do not follow its clock.
    pub learning_rate: Option<f64>,
    /// Mean of mean|Δθ| / mean|θ|.
    pub update_ratio: Option<f64>,
    /// Share of steps whose update ratio is below 1e-3.
    pub ratio_below: Option<f64>,
    /// Share of steps whose update ratio is from 1e-3 to 1e-2.
    pub ratio_inside: Option<f64>,
    /// Share of steps whose update ratio is above 1e-2.
    pub ratio_above: Option<f64>,
    /// Share of steps after which the loss on the step's own batch was lower than before it.
    pub share_lowered: Option<f64>,
}

/// One row of `epoch-layers.csv`: means over the steps of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochLayerRow {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// From 1.
    pub epoch: u64,
    /// From 1, the layer behind the input.
    pub layer: usize,
    /// Mean norm of the layer's part of the gradient on the batches.
    pub gradient_norm: Option<f64>,
    /// Mean of mean|Δθ| / mean|θ| over the layer's weights and biases.
    pub update_ratio: Option<f64>,
}

/// Counts and sums over the steps of one epoch. Plain data, so that a run that goes on from here loses nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochSums {
    /// From 1.
    pub epoch: u64,
    /// Steps in it so far.
    pub steps: u64,
    /// Steps after which the loss on their own batch was lower than before.
    pub lowered: u64,
    /// Σ of the gradient's norm, a number a layer.
    pub gradient_norms: Vec<f64>,
    /// Σ of the update ratio, a number a layer.
    pub update_ratios: Vec<f64>,
}

/// Sums up every epoch, outside the timed region of its steps; evaluates the loss on the step's batch once more, after the step.
pub(super) struct EpochWatch {
    objective: Box<AnyObjective>,
    layers: Vec<std::ops::Range<usize>>,
    batches_per_epoch: u64,
    /// θ before the step that comes next.
    previous: Vec<f64>,
    /// The last one is under way.
    pub(super) sums: Vec<EpochSums>,
}

impl EpochWatch {
    /// Of an arm on a seed from `theta`, where the study watches epochs.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(problem: &Problem, arm: &ArmSpec, seed: u64, theta: &[f64]) -> Result<Option<Self>, Report> {
        if !problem.monitors() {
            return Ok(None);
        }
        let layers = match &problem.subject {
            Subject::Network(network) => network.network.layer_ranges(),
            Subject::Function(_) => Vec::new(),
        };
        // An objective of its own with the same batches: that of the run is lent to the driver.
        let Instance { objective, batches_per_epoch, .. } = Instance::new(problem, arm, seed)?;
        Ok(Some(Self { objective, layers, batches_per_epoch, previous: theta.to_vec(), sums: Vec::new() }))
    }

    /// Goes on with these sums, from `theta`.
    pub(super) fn resume(&mut self, sums: Vec<EpochSums>, theta: &[f64]) {
        self.sums = sums;
        self.previous.copy_from_slice(theta);
    }
}

impl Observer for EpochWatch {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if record.step == 0 {
            return;
        }
        let epoch = epoch_of(record.step, self.batches_per_epoch);
        if self.sums.last().is_none_or(|sums| sums.epoch != epoch) {
            let zeros = vec![0.0; self.layers.len()];
            let (gradient_norms, update_ratios) = (zeros.clone(), zeros);
            self.sums.push(EpochSums { epoch, steps: 0, lowered: 0, gradient_norms, update_ratios });
        }
        let Some(sums) = self.sums.last_mut() else { return };
        sums.steps += 1;
        self.objective.begin_step(record.step);
        let after = self.objective.value(record.theta).unwrap_or(f64::NAN);
        sums.lowered += u64::from(after < record.loss);
        for (layer, range) in self.layers.iter().enumerate() {
            sums.gradient_norms[layer] += vector::norm(&record.gradient[range.clone()]);
            let before = &mut self.previous[range.clone()];
            let size = vector::mean_abs(before);
            vector::add_scaled(before, -1.0, &record.theta[range.clone()]);
            sums.update_ratios[layer] += vector::mean_abs(before) / size;
        }
        self.previous.copy_from_slice(record.theta);
    }
}

/// The rows of `epochs.csv` of one run.
pub(crate) fn epoch_rows(
    (arm, seed): (&str, u64),
    table: &Table,
    sums: &[EpochSums],
    batches_per_epoch: u64,
) -> Vec<EpochRow> {
    let rows = table.rows();
    let metric = |name: &str| table.metric_names().iter().position(|found| found == name);
    let columns = ["train_accuracy", "val_accuracy", "train_mae", "val_mae"].map(metric);
    let mut found = Vec::new();
    let mut from = 0;
    while from < rows.len() {
        let epoch = epoch_of(rows[from].step, batches_per_epoch);
        let same = rows[from..].partition_point(|row| epoch_of(row.step, batches_per_epoch) == epoch);
        let steps = &rows[from..from + same];
        let evaluated = (from..from + same).rev().find(|row| !rows[*row].val_loss.is_nan());
        let [train_accuracy, val_accuracy, train_mae, val_mae] =
            columns.map(|column| finite(table.metrics(evaluated?)[column?]));
        // The start is no step.
        let mean = |of: fn(&Row) -> f64| {
            (epoch > 0).then(|| steps.iter().map(of).sum::<f64>() / steps.len() as f64).and_then(finite)
        };
        let [low, high] = UPDATE_RATIO_BAND;
        let share = |holds: &dyn Fn(f64) -> bool| {
            let count = steps.iter().filter(|row| holds(row.update_ratio)).count();
            (epoch > 0).then(|| count as f64 / steps.len() as f64)
        };
        let watched = sums.iter().find(|sums| sums.epoch == epoch);
        found.push(EpochRow {
            arm: arm.to_string(),
            seed,
            epoch,
            step: steps.last().map_or(0, |row| row.step),
            train_loss: evaluated.and_then(|row| finite(rows[row].train_loss)),
            val_loss: evaluated.and_then(|row| finite(rows[row].val_loss)),
            train_accuracy,
            val_accuracy,
            train_mae,
            val_mae,
            batch_loss: mean(|row| row.loss),
            gradient_norm: mean(|row| row.gradient_norm),
            learning_rate: steps.last().and_then(|row| row.learning_rate),
            update_ratio: mean(|row| row.update_ratio),
            ratio_below: share(&|ratio| ratio < low),
            ratio_inside: share(&|ratio| (low..=high).contains(&ratio)),
            ratio_above: share(&|ratio| ratio > high),
            share_lowered: watched.map(|sums| sums.lowered as f64 / sums.steps as f64),
        });
        from += same;
    }
    found
}

/// The rows of `epoch-layers.csv` of one run.
pub(crate) fn epoch_layer_rows(arm: &str, seed: u64, sums: &[EpochSums]) -> Vec<EpochLayerRow> {
    let rows_of = |sums: &EpochSums| {
        let steps = sums.steps as f64;
        let pairs = sums.gradient_norms.iter().zip(&sums.update_ratios).enumerate();
        let row = |(layer, (norm, ratio)): (usize, (&f64, &f64))| EpochLayerRow {
            arm: arm.to_string(),
            seed,
            epoch: sums.epoch,
            layer: layer + 1,
            gradient_norm: finite(norm / steps),
            update_ratio: finite(ratio / steps),
        };
        pairs.map(row).collect::<Vec<_>>()
    };
    sums.iter().flat_map(rows_of).collect()
}

/// 0 for the start, then from 1.
fn epoch_of(step: u64, batches_per_epoch: u64) -> u64 {
    step.div_ceil(batches_per_epoch)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
