//! Basins of attraction: where an arm ends from every start on a grid.

use gf_optim::schedule::Span;
use gf_optim::{Budget, Stop, integrate};
use miette::Report;
use serde::{Deserialize, Serialize};

use crate::study::{ArmSpec, Basins, FunctionSpec, misuse};

/// One start of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BasinStart {
    /// Where it started.
    pub start: [f64; 2],
    /// Where it ended.
    pub end: [f64; 2],
    /// Whether the gradient vanished there.
    pub converged: bool,
    /// Steps taken.
    pub steps: u64,
}

/// A gradient norm from which on a run has converged.
const CONVERGED: f64 = 1e-6;

/// Runs `arm` from every start, row by row from the lowest.
///
/// # Errors
/// Misuse; a run that fails has not converged.
pub(super) fn basins(
    function: &FunctionSpec,
    arm: &ArmSpec,
    seed: u64,
    spec: &Basins,
) -> Result<Vec<BasinStart>, Report> {
    let mut objective = function.objective(seed);
    let mut method = arm.method.build().map_err(misuse)?;
    let at = |[low, high]: [f64; 2], k: usize| low + (high - low) * k as f64 / (spec.grid - 1) as f64;
    let budget = Budget { gradient_norm: CONVERGED, loss_limit: 1e12, ..Budget::steps(spec.steps) };
    let span = Span { steps: spec.steps, batches_per_epoch: 1, batch: None };
    let mut rows = Vec::with_capacity(spec.grid * spec.grid);
    for row in 0..spec.grid {
        for column in 0..spec.grid {
            let start = [at(spec.x, column), at(spec.y, row)];
            let mut control = arm.build_control(span).map_err(misuse)?;
            let outcome = integrate(&mut *objective, &mut *method, &mut *control, &mut [], start.to_vec(), &budget)
                .map_err(misuse)?;
            rows.push(BasinStart {
                start,
                end: [outcome.theta[0], outcome.theta[1]],
                converged: outcome.stop == Stop::GradientNorm,
                steps: outcome.steps,
            });
        }
    }
    Ok(rows)
}
