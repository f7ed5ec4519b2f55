//! Step control: the first step size of each step, and what to do with a trial.

mod armijo;
mod constant;
mod embedded_error;
mod function;
mod gain_ratio;
mod scheduled;
mod switched_evolution;
mod trust_radius;
mod wolfe;

pub use armijo::{Armijo, Exhausted};
pub use constant::Constant;
pub use embedded_error::EmbeddedError;
pub use function::StepFunction;
pub use gain_ratio::GainRatio;
pub use scheduled::Scheduled;
pub use switched_evolution::SwitchedEvolution;
pub use trust_radius::TrustRadius;
pub use wolfe::StrongWolfe;

use crate::{LocalError, StepFailure};

/// What is known when a step begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepStart {
    /// The step: 1, 2, ….
    pub step: u64,
    /// L(θ) on the step's sample.
    pub loss: f64,
    /// ‖∇L(θ)‖ on it.
    pub gradient_norm: f64,
}

/// What a controller needs to know at θ + δ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// L(θ + δ).
    Loss,
    /// L(θ + δ) and ∇L(θ + δ); the driver keeps the gradient for the next step where the sample stays.
    LossAndGradient,
}

/// A proposal, as the controller sees it.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// θ.
    pub theta: &'a [f64],
    /// δ.
    pub delta: &'a [f64],
    /// L(θ) before the step.
    pub loss: f64,
    /// L(θ + δ) on the same sample; present when the controller asked for it.
    pub trial_loss: Option<f64>,
    /// ∇L(θ)ᵀδ.
    pub slope: f64,
    /// ∇L(θ + δ)ᵀδ; present when the controller asked for it.
    pub trial_slope: Option<f64>,
    /// The step size of the proposal.
    pub h: f64,
    /// The proposal's estimate of its own error, where the method has one.
    pub local_error: Option<LocalError<'a>>,
    /// What the method's model says that the loss falls, where it has a model.
    pub predicted_decrease: Option<f64>,
}

impl Trial<'_> {
    /// (L(θ) − L(θ + δ)) / predicted decrease, the gain ratio; −∞ where the loss at the trial is not finite, none where either is unknown.
    pub fn gain_ratio(&self) -> Option<f64> {
        let actual = self.loss - self.trial_loss?;
        let predicted = self.predicted_decrease?;
        if !actual.is_finite() {
            return Some(f64::NEG_INFINITY);
        }
        // Near a minimum both drown in the rounding of the loss: what is equal to rounding agrees.
        let rounding = 10.0 * f64::EPSILON * self.loss.abs();
        if actual.abs() <= rounding && predicted.abs() <= rounding {
            return Some(1.0);
        }
        Some(actual / predicted)
    }
}

/// The answer to a trial.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Take the step.
    Accept,
    /// Take the step although the search found nothing better; the record says so.
    AcceptExhausted,
    /// Propose again with this size.
    Retry(f64),
    /// End the run.
    Abort(StepFailure),
}

/// Chooses step sizes. It is given to a run, not built into a method.
pub trait StepController {
    /// What judging needs to know at the trial point.
    fn needs(&self) -> Needs;

    /// Whether the sizes are steps in flow time; false for a line search.
    fn follows_flow(&self) -> bool;

    /// The first size to try for the next step.
    fn first(&mut self, start: StepStart) -> f64;

    /// Judges a proposal.
    fn judge(&mut self, trial: Trial<'_>) -> Judgement;

    /// The method could not propose a step of size `h`.
    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement;

    /// A loss on samples held out was measured after the last accepted step (or at the start).
    fn validated(&mut self, _loss: f64) {}

    /// All numbers that the next step size depends on; [`crate::Start::resume`] writes them back.
    fn state(&mut self) -> Vec<&mut f64> {
        Vec::new()
    }
}
