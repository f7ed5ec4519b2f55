//! The learning-rate range test: the loss while h grows from batch to batch, where it blows up, and what the curvature says of it.

use gf_core::{Objective, Observer, StepRecord, Streams};
use gf_optim::control::StepFunction;
use gf_optim::{Budget, StepFailure, Stop, integrate, stability};
use gf_spectrum::{EigenpairSettings, EigenpairSolver, Matrix, SpectrumError};
use miette::Report;
use serde::{Deserialize, Serialize};

use super::instance::{Instance, on_all_training_samples};
use crate::study::{ArmSpec, LrRange, Problem, misuse};

/// The loss has blown up where it exceeds its minimum so far by this many times the minimum's size: for positive losses, where it is four times the minimum.
const BLOW_UP: f64 = 3.0;
/// The suggestion, in parts of the h where the loss blows up.
const SUGGESTED: [f64; 2] = [0.1, 0.2];
/// β on mini-batches.
const SMOOTHING: f64 = 0.8;

/// One row of `lr-range.csv`: a value of h.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LrRangeRow {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// k = 1, 2, …
    pub step: u64,
    /// The size of step k.
    pub h: f64,
    /// The loss after step k, on the batch of step k + 1; infinite where there is none.
    pub loss: f64,
    /// Its running mean: Σ β^(k−j) L_j / Σ β^(k−j), from the loss at the start (j = 0) on.
    pub smoothed: f64,
}

/// One row of `lr-range-limits.csv`: what a range test came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LrRangeLimits {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// β of the running mean.
    pub smoothing: f64,
    /// The first h whose smoothed loss exceeds four times its minimum so far, or whose loss is not finite; empty where none does.
    pub divergence: Option<f64>,
    /// A tenth of it.
    pub suggested_from: Option<f64>,
    /// A fifth of it.
    pub suggested_to: Option<f64>,
    /// λmax of the Hessian on the whole training set at the start; empty where it could not be found.
    pub sharpness: Option<f64>,
    /// 2/λmax; empty where λmax ≤ 0.
    pub two_over_sharpness: Option<f64>,
    /// The largest h at which the method is stable along λmax; empty where λmax ≤ 0 or the method has no limit.
    pub stability_limit: Option<f64>,
    /// `divergence` over `two_over_sharpness`; empty for methods that 2/λmax says nothing of.
    pub ratio: Option<f64>,
    /// Why the test ended early although the loss was finite: a step that the method could not propose; empty otherwise.
    pub failure: String,
}

/// A range test of one arm on one seed.
pub struct LrRangeResult {
    /// One a value of h, to the first one that left no finite loss or could not be taken.
    pub rows: Vec<LrRangeRow>,
    /// What they came to.
    pub limits: LrRangeLimits,
}

/// Tests `arm` on `seed` from `theta`, which stays as it is.
///
/// # Errors
/// Misfits of network, loss and samples.
pub fn test_lr_range(
    problem: &Problem,
    spec: &LrRange,
    arm: &ArmSpec,
    seed: u64,
    theta: &[f64],
) -> Result<LrRangeResult, Report> {
    let mut instance = Instance::new(problem, arm, seed)?;
    let span = problem.span(arm, instance.data.as_ref().map(|data| data.train.len()));
    let smoothing = spec.smoothing.unwrap_or(if span.batches_per_epoch > 1 { SMOOTHING } else { 0.0 });
    let (losses, failure) = losses(&mut instance, spec, arm, theta)?;
    let smoothed = running_means(&losses, smoothing);
    let divergence = first_blow_up(&losses, &smoothed).map(|k| spec.h(k.max(1) as u64));
    let row = |k: usize| LrRangeRow {
        arm: arm.name.clone(),
        seed,
        step: k as u64,
        h: spec.h(k as u64),
        loss: losses[k],
        smoothed: smoothed[k],
    };
    let sharpness = sharpness(problem, seed, theta)?;
    let positive = sharpness.filter(|sharpness| *sharpness > 0.0);
    let limit = stability::limit(arm.method.settings()).filter(|limit| limit.is_finite());
    let two_over_sharpness = positive.map(|sharpness| 2.0 / sharpness);
    let limits = LrRangeLimits {
        arm: arm.name.clone(),
        seed,
        smoothing,
        divergence,
        suggested_from: divergence.map(|h| SUGGESTED[0] * h),
        suggested_to: divergence.map(|h| SUGGESTED[1] * h),
        sharpness,
        two_over_sharpness,
        stability_limit: limit.zip(positive).map(|(limit, sharpness)| limit / sharpness),
        ratio: divergence.zip(two_over_sharpness).filter(|_| has_linear_stability(arm)).map(|(h, limit)| h / limit),
        failure,
    };
    Ok(LrRangeResult { rows: (1..losses.len()).map(row).collect(), limits })
}

/// Whether the method multiplies components along eigenvectors by a function of hλ, so that 2/λmax says something of it.
pub fn has_linear_stability(arm: &ArmSpec) -> bool {
    arm.method.settings().amplification(0.1).is_some()
}

/// L(θ_k) on the batch of step k + 1, k = 0, 1, …; infinite, and the last, where a step left none that is finite. With why a step could not be taken.
fn losses(instance: &mut Instance, spec: &LrRange, arm: &ArmSpec, theta: &[f64]) -> Result<(Vec<f64>, String), Report> {
    let mut method = arm.method.build().map_err(misuse)?;
    let mut control = StepFunction::new(|start| spec.h(start.step));
    let mut watch = Losses(Vec::with_capacity(spec.steps as usize + 1));
    let budget = Budget::steps(spec.steps);
    let start = theta.to_vec();
    let outcome = integrate(&mut *instance.objective, &mut *method, &mut control, &mut [&mut watch], start, &budget);
    let outcome = outcome.map_err(misuse)?;
    let mut losses = watch.0;
    match outcome.stop {
        Stop::Failed(StepFailure::NotFinite { .. }) => losses.extend([outcome.loss, f64::INFINITY]),
        Stop::Failed(failure) => {
            losses.push(outcome.loss);
            let h = spec.h(outcome.steps + 1);
            return Ok((losses, format!("no step of size {h:.3e}: {failure}")));
        }
        Stop::Steps => {
            instance.objective.begin_step(spec.steps + 1);
            losses.push(instance.objective.value(&outcome.theta).map_err(misuse)?);
        }
        _ => losses.push(f64::INFINITY),
    }
    losses.iter_mut().filter(|loss| loss.is_nan()).for_each(|loss| *loss = f64::INFINITY);
    Ok((losses, String::new()))
}

struct Losses(Vec<f64>);

impl Observer for Losses {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        // The record of step k has the loss that it started from.
        if record.step > 0 {
            self.0.push(record.loss);
        }
    }
}

/// Running means that forget by a factor β a step, each over the weights so far.
fn running_means(losses: &[f64], beta: f64) -> Vec<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let mean = |loss: &f64| {
        // 0·∞ is no number.
        sum = if beta == 0.0 { *loss } else { beta * sum + loss };
        weight = beta * weight + 1.0;
        sum / weight
    };
    losses.iter().map(mean).collect()
}

/// The first k at which the smoothed loss has blown up, or the loss is not finite.
fn first_blow_up(losses: &[f64], smoothed: &[f64]) -> Option<usize> {
    let mut least = f64::INFINITY;
    losses.iter().zip(smoothed).position(|(loss, mean)| {
        least = least.min(*mean);
        !loss.is_finite() || mean - least > BLOW_UP * least.abs()
    })
}

/// λmax at θ on the whole training set; none where the objective has no finite Hessian there.
fn sharpness(problem: &Problem, seed: u64, theta: &[f64]) -> Result<Option<f64>, Report> {
    let mut objective = on_all_training_samples(problem, seed)?;
    let settings = EigenpairSettings { top: 1, bottom: 0, tolerance: 1e-6, ..EigenpairSettings::default() };
    let mut find = || -> Result<Option<f64>, SpectrumError> {
        let mut solver = EigenpairSolver::new(theta.len(), settings)?;
        let mut operator = Matrix::Hessian.at(&mut *objective, theta)?;
        let pairs = solver.solve(&mut operator, &mut Streams::new(seed).probes())?;
        Ok(pairs.are_converged().then(|| pairs.top()[0].value))
    };
    Ok(find().unwrap_or(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_weigh_by_powers_of_beta_and_a_blow_up_is_four_times_the_least() {
        let means = running_means(&[1.0, 2.0, 4.0], 0.5);
        assert_eq!(means, [1.0, (0.5 + 2.0) / 1.5, (0.25 + 1.0 + 4.0) / 1.75]);
        assert_eq!(running_means(&[1.0, f64::INFINITY], 0.0), [1.0, f64::INFINITY]);
        let of = |losses: &[f64]| first_blow_up(losses, losses);
        assert_eq!(of(&[4.0, 1.0, 4.0, 4.1]), Some(3));
        assert_eq!(of(&[4.0, 2.0, 3.0, f64::INFINITY]), Some(3));
        assert_eq!(of(&[0.0, 0.0, 0.0]), None);
        assert_eq!(of(&[1.0, -1.0, 1.9, 2.1]), Some(3));
        assert_eq!(of(&[f64::INFINITY]), Some(0));
    }
}
