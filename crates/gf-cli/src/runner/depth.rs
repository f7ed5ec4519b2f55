//! Signals through random networks of growing depth: the table `[depth]`.

use std::sync::Arc;

use gf_core::{Samples, Streams, Targets};
use gf_layers::{JacobianSpectra, LayerSignals, MeanField, NetworkError, SignalProbe};
use gf_utils::line::{Line, fit_line};
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::study::{Depth, DepthCase, Problem, initialization_name, misuse};

/// One row of `depth.csv`: a network at its start. Rates are those of ln rms ∂L/∂a per layer towards the input, over the hidden layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DepthRow {
    /// Of the hidden layers.
    pub activation: String,
    /// Of all weights.
    pub initialization: String,
    /// Skip connections around the hidden layers, from the second on.
    pub skip: bool,
    /// Hidden layers.
    pub depth: usize,
    /// The seed.
    pub seed: u64,
    /// Fitted; empty with fewer than three hidden layers.
    pub rate: Option<f64>,
    /// Its standard error.
    pub rate_error: Option<f64>,
    /// Half of ln χ, fitted to the profile that mean-field theory predicts.
    pub mean_field_rate: Option<f64>,
    /// ln of the spectral norms of the layers' Jacobians, fitted to the profile that they bound.
    pub bound_rate: Option<f64>,
    /// Singular values of ∂a^depth/∂a⁰.
    pub product_largest: Option<f64>,
    /// The median of those that do not vanish.
    pub product_median: Option<f64>,
    /// The smallest, 0 where one vanishes.
    pub product_smallest: Option<f64>,
    /// How many do not vanish, on average over samples.
    pub product_rank: Option<f64>,
    /// Why there are no numbers: the first layer that is not finite.
    pub fault: String,
}

/// One row of `depth-layers.csv`: a layer of one of the networks, the output's included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DepthLayerRow {
    /// Of the hidden layers.
    pub activation: String,
    /// Of all weights.
    pub initialization: String,
    /// Skip connections around the hidden layers, from the second on.
    pub skip: bool,
    /// Hidden layers.
    pub depth: usize,
    /// The seed.
    pub seed: u64,
    /// From 1, the layer behind the input.
    pub layer: usize,
    /// ‖∂L/∂Θ‖.
    pub gradient_norm: f64,
    /// Root mean square of ∂L/∂a.
    pub pull_rms: f64,
    /// Root mean square of ∂L/∂z.
    pub delta_rms: f64,
    /// Mean of a.
    pub activation_mean: f64,
    /// Root mean square of a.
    pub activation_rms: f64,
    /// The same, predicted.
    pub mean_field_rms: f64,
    /// Share of units with f'(z) = 0 on all samples.
    pub dead_share: f64,
    /// Share of entries with |f'(z)| < 0.01.
    pub saturated_share: f64,
    /// Singular values of ∂a^l/∂a^{l−1}: the largest.
    pub jacobian_largest: f64,
    /// The median of those that do not vanish.
    pub jacobian_median: f64,
    /// The smallest, 0 where one vanishes.
    pub jacobian_smallest: f64,
    /// √χ, the predicted ratio of rms ∂L/∂a^{l−1} to rms ∂L/∂a^l.
    pub mean_field_gain: f64,
}

/// A network of the table, measured.
pub struct DepthResult {
    /// As a whole.
    pub network: DepthRow,
    /// Its layers; none where it is not finite.
    pub layers: Vec<DepthLayerRow>,
}

/// Measures one network.
///
/// # Errors
/// Misfits of network, loss and samples. A network that is not finite is a result.
pub(super) fn measure(problem: &Problem, spec: &Depth, case: &DepthCase, seed: u64) -> Result<DepthResult, Report> {
    let model = problem.network()?;
    let network = spec.network(case, &model.network);
    let samples = first(problem.data(seed)?.train.own(), spec.samples)?;
    let theta = network.init(&case.initialization, &mut Streams::new(seed).init());
    let inputs = samples.inputs();
    let mean_square = inputs.iter().map(|x| x * x).sum::<f64>() / inputs.len() as f64;
    let predicted = network.mean_field(&theta, mean_square).map_err(misuse)?;
    let probe = SignalProbe::new(&network, model.loss.clone(), Arc::new(samples), 0.0);
    let mut probe = probe.map_err(misuse)?;
    let measured = probe.measure(&theta).map(<[_]>::to_vec).and_then(|layers| {
        // The hidden layers for the product, and the last by itself.
        let hidden = probe.jacobians(&theta, spec.jacobian_samples, 0..case.depth)?;
        let last = probe.jacobians(&theta, spec.jacobian_samples, case.depth..case.depth + 1)?;
        Ok((layers, hidden, last))
    });
    match measured {
        Ok((layers, mut spectra, last)) => {
            spectra.layers.extend(last.layers);
            Ok(result(case, seed, &layers, &spectra, &predicted))
        }
        Err(error @ NetworkError::NotFinite { .. }) => {
            Ok(DepthResult { network: DepthRow { fault: error.to_string(), ..empty(case, seed) }, layers: Vec::new() })
        }
        Err(error) => Err(misuse(error)),
    }
}

fn result(
    case: &DepthCase,
    seed: u64,
    signals: &[LayerSignals],
    spectra: &JacobianSpectra,
    predicted: &[MeanField],
) -> DepthResult {
    let hidden = 0..case.depth;
    let profile: Vec<f64> = signals[hidden.clone()].iter().map(|layer| layer.pull_rms.ln()).collect();
    let fitted = rate(&profile);
    let gains: Vec<f64> = predicted[hidden.clone()].iter().map(|layer| 0.5 * layer.backward_gain.ln()).collect();
    let norms: Vec<f64> = spectra.layers[hidden].iter().map(|layer| layer.largest.ln()).collect();
    let network = DepthRow {
        rate: fitted.map(|line| -line.slope),
        rate_error: fitted.map(|line| line.slope_error),
        mean_field_rate: rate(&accumulated(&gains)).map(|line| -line.slope),
        bound_rate: rate(&accumulated(&norms)).map(|line| -line.slope),
        product_largest: Some(spectra.product.largest),
        product_median: Some(spectra.product.median),
        product_smallest: Some(spectra.product.smallest),
        product_rank: Some(spectra.product.rank),
        ..empty(case, seed)
    };
    let layers = signals.iter().zip(&spectra.layers).zip(predicted).enumerate();
    let layers = layers.map(|(l, ((signals, jacobian), predicted))| DepthLayerRow {
        activation: network.activation.clone(),
        initialization: network.initialization.clone(),
        skip: case.skip,
        depth: case.depth,
        seed,
        layer: l + 1,
        gradient_norm: signals.gradient_norm,
        pull_rms: signals.pull_rms,
        delta_rms: signals.delta_rms,
        activation_mean: signals.activation.mean,
        activation_rms: signals.activation.rms(),
        mean_field_rms: predicted.mean_square.sqrt(),
        dead_share: signals.dead,
        saturated_share: signals.saturated,
        jacobian_largest: jacobian.largest,
        jacobian_median: jacobian.median,
        jacobian_smallest: jacobian.smallest,
        mean_field_gain: predicted.backward_gain.sqrt(),
    });
    DepthResult { layers: layers.collect(), network }
}

fn empty(case: &DepthCase, seed: u64) -> DepthRow {
    DepthRow {
        activation: case.activation.name().into(),
        initialization: initialization_name(&case.initialization),
        skip: case.skip,
        depth: case.depth,
        seed,
        rate: None,
        rate_error: None,
        mean_field_rate: None,
        bound_rate: None,
        product_largest: None,
        product_median: None,
        product_smallest: None,
        product_rank: None,
        fault: String::new(),
    }
}

/// The profile of ln rms ∂L/∂a^l whose step from layer l back to l − 1 is `steps[l]`; the first entry leads to the input and is left out.
fn accumulated(steps: &[f64]) -> Vec<f64> {
    let mut profile = vec![0.0; steps.len()];
    for l in (1..steps.len()).rev() {
        profile[l - 1] = profile[l] + steps[l];
    }
    profile
}

/// A line through a profile over the layers; none through fewer than three, or where a signal has vanished.
fn rate(profile: &[f64]) -> Option<Line> {
    let layers: Vec<f64> = (1..=profile.len()).map(|l| l as f64).collect();
    fit_line(&layers, profile).ok()
}

/// The first samples.
fn first(all: &Samples, count: usize) -> Result<Samples, Report> {
    let count = count.min(all.len());
    let inputs = all.inputs()[..count * all.width()].to_vec();
    let targets = match all.targets() {
        Targets::Values { width, values } => {
            Targets::Values { width: *width, values: values[..count * width].to_vec() }
        }
        Targets::Classes { classes, labels } => {
            Targets::Classes { classes: *classes, labels: labels[..count].to_vec() }
        }
    };
    Samples::new(all.width(), inputs, targets).map_err(misuse)
}
