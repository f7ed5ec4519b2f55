//! What passes through the layers of a network while it learns.

use std::sync::Arc;

use gf_core::{Observer, StepRecord};
use gf_layers::{LayerSignals, NetworkError, SignalProbe};
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::study::{Problem, SeededData, misuse};

/// One row of `layers.csv`. Numbers are empty in a row that names the first layer that is not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// Accepted steps.
    pub step: u64,
    /// From 1, the layer behind the input.
    pub layer: usize,
    /// ‖∂L/∂Θ‖, on the whole training set as everything here.
    pub gradient_norm: Option<f64>,
    /// Root mean square of ∂L/∂a.
    pub pull_rms: Option<f64>,
    /// Root mean square of ∂L/∂z.
    pub delta_rms: Option<f64>,
    /// Root mean square of z.
    pub preactivation_rms: Option<f64>,
    /// Mean of a.
    pub activation_mean: Option<f64>,
    /// Standard deviation of a.
    pub activation_std: Option<f64>,
    /// Share of units with f'(z) = 0 on all samples.
    pub dead_share: Option<f64>,
    /// Share of entries with |f'(z)| < 0.01.
    pub saturated_share: Option<f64>,
    /// ‖Θ‖ (Frobenius).
    pub weight_norm: Option<f64>,
    /// Largest singular value of W.
    pub spectral_norm: Option<f64>,
}

/// Fills the rows of one run, outside the timed region of its steps.
pub(super) struct LayerWatch {
    probe: SignalProbe,
    arm: String,
    seed: u64,
    every: u64,
    pub(super) rows: Vec<LayerRow>,
}

impl LayerWatch {
    /// On the training samples, where the study asks for it.
    ///
    /// # Errors
    /// Misfits of network, loss and samples.
    pub(super) fn new(
        problem: &Problem,
        arm: &str,
        seed: u64,
        (data, batches_per_epoch): (Option<&SeededData>, u64),
    ) -> Result<Option<Self>, Report> {
        let (Some(every), Some(data)) = (problem.study.run.layers_every, data) else { return Ok(None) };
        let every = every.steps(batches_per_epoch);
        let network = problem.network()?;
        let probe = SignalProbe::new(
            &network.network,
            network.loss.clone(),
            Arc::clone(data.train.own()),
            network.loss_spec.l2,
        );
        Ok(Some(Self { probe: probe.map_err(misuse)?, arm: arm.to_string(), seed, every, rows: Vec::new() }))
    }
}

impl Observer for LayerWatch {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        if !record.step.is_multiple_of(self.every) {
            return;
        }
        let row = |layer: usize, signals: Option<&LayerSignals>| {
            let number = |of: fn(&LayerSignals) -> f64| signals.map(of);
            LayerRow {
                arm: self.arm.clone(),
                seed: self.seed,
                step: record.step,
                layer,
                gradient_norm: number(|at| at.gradient_norm),
                pull_rms: number(|at| at.pull_rms),
                delta_rms: number(|at| at.delta_rms),
                preactivation_rms: number(|at| at.preactivation.rms()),
                activation_mean: number(|at| at.activation.mean),
                activation_std: number(|at| at.activation.deviation()),
                dead_share: number(|at| at.dead),
                saturated_share: number(|at| at.saturated),
                weight_norm: number(|at| at.weight_norm),
                spectral_norm: number(|at| at.spectral_norm),
            }
        };
        match self.probe.measure(record.theta) {
            Ok(layers) => self.rows.extend(layers.iter().enumerate().map(|(l, at)| row(l + 1, Some(at)))),
            Err(NetworkError::NotFinite { layer, .. }) => self.rows.push(row(layer, None)),
            Err(error) => debug_assert!(false, "θ of the run fits its network: {error}"),
        }
    }
}
