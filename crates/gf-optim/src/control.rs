//! Step control: the first step size of each step, and what to do with a trial.

mod armijo;
mod constant;

pub use armijo::{Armijo, Exhausted};
pub use constant::Constant;

use crate::StepFailure;

/// A proposal, as the controller sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// L(θ) before the step.
    pub loss: f64,
    /// L(θ + δ) on the same sample; present when the controller asked for it.
    pub trial_loss: Option<f64>,
    /// ∇L(θ)ᵀδ.
    pub slope: f64,
    /// The step size of the proposal.
    pub h: f64,
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
    /// Whether judging needs the loss at the trial point.
    fn needs_trial_loss(&self) -> bool;

    /// Whether the sizes are steps in flow time; false for a line search.
    fn follows_flow(&self) -> bool;

    /// The first size to try for the next step.
    fn first(&mut self) -> f64;

    /// Judges a proposal.
    fn judge(&mut self, trial: Trial) -> Judgement;

    /// The method could not propose a step of size `h`.
    fn failed(&mut self, failure: StepFailure, h: f64) -> Judgement;
}
