//! Least squares ½‖r(θ)‖² by Levenberg–Marquardt with QR of the Jacobian.
//!
//! [`fit`] is the way in; [`LevenbergMarquardt`] is the discretization behind it and [`RadiusFactor`] its step control, for runs that are put
//! together by hand. They need [`LeastSquares`], not only a Gauss–Newton matrix, so they are not in the registry: JᵀJ squares the condition
//! of J, and half of the digits of an ill-conditioned fit would be lost in it.

mod damped;
mod deviations;
mod levenberg_marquardt;
mod radius_factor;

use gf_core::{LeastSquares, Observer, StepRecord, Work, vector};

pub use deviations::standard_deviations;
pub use levenberg_marquardt::{Convergence, LevenbergMarquardt, LevenbergMarquardtSettings};
pub use radius_factor::RadiusFactor;

use crate::{Budget, RunError, StepFailure, Stop, integrate};

/// Why a fit ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// One of the tests of convergence holds.
    Converged(Convergence),
    /// All iterations were spent.
    Iterations,
    /// The residuals became infinite or NaN at an accepted point.
    Diverged(&'static str),
    /// No step could be taken.
    Failed(StepFailure),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Converged(convergence) => write!(f, "converged: {convergence}"),
            Self::Iterations => f.write_str("all iterations were spent"),
            Self::Diverged(what) => write!(f, "diverged: {what}"),
            Self::Failed(failure) => write!(f, "failed: {failure}"),
        }
    }
}

/// The result of [`fit`].
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The parameters, n numbers.
    pub theta: Vec<f64>,
    /// ‖r‖² there.
    pub residual_sum_of_squares: f64,
    /// Why it ended.
    pub ending: Ending,
    /// Accepted steps that moved θ.
    pub iterations: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// What was asked of the objective.
    pub work: Work,
}

impl Fit {
    /// Whether a test of convergence holds.
    pub fn converged(&self) -> bool {
        matches!(self.ending, Ending::Converged(_))
    }
}

/// Minimizes ½‖r(θ)‖² from `start`.
///
/// ```
/// use gf_core::LeastSquaresFunction;
/// use gf_optim::least_squares::{LevenbergMarquardtSettings, fit};
///
/// // Rosenbrock's valley as residuals 10(θ₂ − θ₁²) and 1 − θ₁.
/// let mut valley = LeastSquaresFunction::new("valley", 2, 2,
///     |t: &[f64], r: &mut [f64]| r.copy_from_slice(&[10.0 * (t[1] - t[0] * t[0]), 1.0 - t[0]]),
///     |t: &[f64], j: &mut [f64]| j.copy_from_slice(&[-20.0 * t[0], -1.0, 10.0, 0.0]));
/// let fit = fit(&mut valley, &[-1.2, 1.0], &LevenbergMarquardtSettings::default())?;
/// assert!(fit.converged() && fit.residual_sum_of_squares < 1e-30);
/// # Ok::<(), gf_optim::RunError>(())
/// ```
///
/// # Errors
/// [`RunError`] for misuse: wrong lengths, a start that is not finite. Everything numerical is an [`Ending`].
pub fn fit<O: LeastSquares + ?Sized>(
    objective: &mut O,
    start: &[f64],
    settings: &LevenbergMarquardtSettings,
) -> Result<Fit, RunError> {
    let mut method = LevenbergMarquardt::new(*settings);
    let (mut control, budget) = (RadiusFactor::default(), Budget::steps(settings.max_iterations));
    let mut end = UntilStill(false);
    let outcome = integrate(objective, &mut method, &mut control, &mut [&mut end], start.to_vec(), &budget)?;
    let mut residuals = vec![0.0; objective.residual_count()];
    objective.residuals(&outcome.theta, &mut residuals)?;
    let ending = match (outcome.stop, method.convergence()) {
        (Stop::Diverged { what }, _) => Ending::Diverged(what),
        (Stop::Failed(failure), _) => Ending::Failed(failure),
        (_, Some(convergence)) => Ending::Converged(convergence),
        _ => Ending::Iterations,
    };
    Ok(Fit {
        residual_sum_of_squares: vector::dot(&residuals, &residuals),
        theta: outcome.theta,
        iterations: outcome.steps - u64::from(end.0),
        rejected: outcome.rejected,
        ending,
        work: outcome.work,
    })
}

/// Ends a run at a step that does not move: what a converged method proposes.
struct UntilStill(bool);

impl Observer for UntilStill {
    fn accepted(&mut self, record: &StepRecord<'_>) {
        self.0 = record.step > 0 && record.step_norm == 0.0;
    }

    fn stop_requested(&mut self) -> Option<&'static str> {
        self.0.then_some("converged")
    }
}
