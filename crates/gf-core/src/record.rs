//! What a run reports after each accepted step.

use crate::Work;

/// Something a step met that its record must name. Nothing here is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// H + I/h has a negative eigenvalue: H has one below −1/h, on the far side of the implicit pole.
    PastPole,
    /// The shifted matrix is indefinite, and the step was taken nevertheless.
    IndefiniteAccepted,
    /// The step was computed with |H| in place of H.
    UsedAbsoluteHessian,
    /// The step was computed with the Gauss–Newton matrix in place of H.
    UsedGaussNewton,
    /// The Newton direction points uphill: gᵀd ≥ 0.
    AscentDirection,
    /// The steepest-descent direction replaced an ascending one.
    UsedSteepestDescent,
    /// The damping was raised until the matrix was positive definite.
    RaisedDamping,
    /// An explicit step of the warm-up, taken without line search.
    WarmUp,
    /// The line search found no sufficient decrease and its smallest step was taken.
    LineSearchExhausted,
    /// A direct solver solved the system, because the iterative one missed its residual here or shortly before.
    UsedDirectSolver,
    /// A direct solve near a pole kept a relative residual above 1e-6, and the step was taken.
    InexactSolve,
    /// The gradient was longer, or had larger entries, than the method was told to use, and was clipped.
    ClippedGradient,
    /// The factorization of an indefinite (or nearly singular) Hessian was made positive definite.
    ModifiedMatrix,
    /// The Hessian has a direction of negative curvature, which shaped the step.
    NegativeCurvature,
    /// A quasi-Newton pair without positive curvature was not kept.
    SkippedPair,
}

impl Event {
    /// The name used in `history.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PastPole => "past-pole",
            Self::IndefiniteAccepted => "indefinite-accepted",
            Self::UsedAbsoluteHessian => "used-absolute-hessian",
            Self::UsedGaussNewton => "used-gauss-newton",
            Self::AscentDirection => "ascent-direction",
            Self::UsedSteepestDescent => "used-steepest-descent",
            Self::RaisedDamping => "raised-damping",
            Self::WarmUp => "warm-up",
            Self::LineSearchExhausted => "line-search-exhausted",
            Self::UsedDirectSolver => "used-direct-solver",
            Self::InexactSolve => "inexact-solve",
            Self::ClippedGradient => "clipped-gradient",
            Self::ModifiedMatrix => "modified-matrix",
            Self::NegativeCurvature => "negative-curvature",
            Self::SkippedPair => "skipped-pair",
        }
    }
}

/// One accepted step, θ_{k−1} → θ_k. Step 0 is the start, before any update.
#[derive(Debug, Clone, Copy)]
pub struct StepRecord<'a> {
    /// k; 0 for the start.
    pub step: u64,
    /// Flow time Σh after the step; none for methods that do not follow the flow's clock.
    pub time: Option<f64>,
    /// Step size in flow time; none as above, and for the start.
    pub step_size: Option<f64>,
    /// The size that the accepted proposal was made with, whatever the method makes of it: h in flow time, a learning rate, the factor of a line
    /// search; none for the start.
    pub learning_rate: Option<f64>,
    /// θ_k.
    pub theta: &'a [f64],
    /// L(θ_{k−1}) on the sample of step k: the loss that the step was computed from (for the start, that of step 1).
    pub loss: f64,
    /// ∇L(θ_{k−1}) on that sample.
    pub gradient: &'a [f64],
    /// Its norm.
    pub gradient_norm: f64,
    /// ‖θ_k − θ_{k−1}‖; 0 for the start.
    pub step_norm: f64,
    /// mean|θ_k − θ_{k−1}| / mean|θ_{k−1}|.
    pub update_ratio: f64,
    /// Work since the start, this step included.
    pub work: Work,
    /// Model flops since the start over those of one value and gradient, step by step.
    pub gradient_equivalents: f64,
    /// Proposals of this step that were rejected.
    pub rejected: u32,
    /// What the step met, in the order met.
    pub events: &'a [Event],
}

/// Watches a run. Sees accepted steps only, after the step's timed region has ended for all observers.
pub trait Observer {
    /// A step's work begins; a stopwatch starts here.
    fn step_started(&mut self) {}
    /// A step's work has ended; a stopwatch stops here, before any observer looks at the step.
    fn step_finished(&mut self) {}
    /// A step was accepted (or the run starts: step 0).
    fn accepted(&mut self, record: &StepRecord<'_>);
    /// Asked after each accepted step: a reason to end the run here, such as `wall-time`.
    fn stop_requested(&mut self) -> Option<&'static str> {
        None
    }
    /// Asked after each accepted step, step 0 included: a loss on samples held out, where this observer has just measured one. The driver
    /// hands it to the step controller.
    fn validation_loss(&self) -> Option<f64> {
        None
    }
}
