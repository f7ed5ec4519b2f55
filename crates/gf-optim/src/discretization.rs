//! What a method is: it proposes; the driver accepts or rejects.

use gf_core::{Counted, EvalError, Event};
use thiserror::Error;

/// The current accepted point, with what is known there on the step's sample.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// θ, p entries.
    pub theta: &'a [f64],
    /// L(θ).
    pub loss: f64,
    /// ∇L(θ), p entries.
    pub gradient: &'a [f64],
    /// The step that starts here: 1, 2, ….
    pub step: u64,
}

/// Why a step could not be proposed. The controller may answer with another step size.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StepFailure {
    /// The matrix of the step is not positive definite, and the method was told not to go on then.
    #[error(
        "H + {shift:e}·I is not positive definite ({evidence}): use a smaller step, more damping, or another policy for indefinite matrices"
    )]
    Indefinite {
        /// The shift: 1/h or the damping.
        shift: f64,
        /// What showed it.
        evidence: Evidence,
    },
    /// The matrix of the step is exactly singular: h sits on the pole.
    #[error("H + {shift:e}·I is singular: the step size sits on the pole of the method")]
    Singular {
        /// The shift.
        shift: f64,
    },
    /// The iterative solver spent its products.
    #[error(
        "the linear solver reached a relative residual of {reached:.1e} after {products} products, asked were {asked:.1e}: raise max_products, loosen the tolerance, or use a direct solver"
    )]
    ResidualMissed {
        /// The relative residual reached.
        reached: f64,
        /// The relative residual asked for.
        asked: f64,
        /// Products spent.
        products: usize,
        /// Whether a direction of negative curvature was met: the matrix is indefinite.
        indefinite: bool,
    },
    /// The Newton direction points uphill, and the method was told not to go on then.
    #[error(
        "the Newton direction points uphill (slope {slope:.3e}): raise the damping or use another policy for ascending directions"
    )]
    Ascent {
        /// gᵀd ≥ 0.
        slope: f64,
    },
    /// A number became infinite or NaN.
    #[error("{what} is not finite")]
    NotFinite {
        /// What became so.
        what: &'static str,
    },
    /// The controller found no acceptable step size.
    #[error("no step size down to {smallest:.1e} gave a sufficient decrease of the loss")]
    NoDecrease {
        /// The smallest one tried.
        smallest: f64,
    },
    /// The controller's smallest step size was rejected too.
    #[error("step size fell below {smallest:.1e}: {last}")]
    StepTooSmall {
        /// The smallest one allowed.
        smallest: f64,
        /// The last failure.
        last: Box<StepFailure>,
    },
    /// The local error exceeds the tolerance.
    #[error("the local error is {error:.1e} times the tolerance")]
    ErrorTooLarge {
        /// In units of the tolerance.
        error: f64,
    },
    /// The nonlinear equation of an implicit stage was not solved.
    #[error(
        "the stage equation kept a relative residual of {reached:.1e} after {iterations} Newton iterations, asked were {asked:.1e}: use a smaller step"
    )]
    StageNotSolved {
        /// ‖residual‖ over the size of the stage.
        reached: f64,
        /// What was asked for.
        asked: f64,
        /// Newton iterations spent.
        iterations: u32,
    },
    /// The objective could not be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
}

impl StepFailure {
    /// Whether a shorter step may be proposed where this one was not: its matrix may be definite and better conditioned, its end finite.
    pub fn may_pass_with_a_shorter_step(&self) -> bool {
        match self {
            Self::Indefinite { .. }
            | Self::Singular { .. }
            | Self::ResidualMissed { .. }
            | Self::StageNotSolved { .. } => true,
            Self::NotFinite { what } => *what == "θ + δ" || *what == STAGE,
            _ => false,
        }
    }

    /// What shows that the matrix is not positive definite, if that is why (or what came out while) the step failed.
    pub(crate) fn indefinite_evidence(&self) -> Option<Evidence> {
        match self {
            Self::Indefinite { evidence, .. } => Some(*evidence),
            Self::ResidualMissed { indefinite: true, .. } => Some(Evidence::NegativeCurvature { lowest: None }),
            _ => None,
        }
    }
}

/// What a failure calls the value or gradient at a stage of a step.
pub(crate) const STAGE: &str = "the gradient at a stage of the step";

/// What showed that a matrix is not positive definite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// Cholesky stopped at this pivot.
    Pivot(usize),
    /// The inertia: this many negative eigenvalues.
    NegativeEigenvalues(usize),
    /// A Krylov direction of negative curvature.
    NegativeCurvature {
        /// An upper bound of the lowest eigenvalue of the shifted matrix, where the solver knows one: its lowest Ritz value.
        lowest: Option<f64>,
    },
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pivot(pivot) => write!(f, "pivot {pivot}"),
            Self::NegativeEigenvalues(1) => write!(f, "1 negative eigenvalue"),
            Self::NegativeEigenvalues(count) => write!(f, "{count} negative eigenvalues"),
            Self::NegativeCurvature { lowest: Some(lowest) } if *lowest < 0.0 => {
                write!(f, "a direction of negative curvature: its lowest eigenvalue is at most {lowest:.2e}")
            }
            Self::NegativeCurvature { .. } => write!(f, "a direction of negative curvature"),
        }
    }
}

/// Why a method could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    /// A dense matrix does not fit.
    #[error("a dense matrix of order {dim} needs {} MiB, which could not be allocated: use a matrix-free solver (minres)", bytes >> 20)]
    Memory {
        /// p.
        dim: usize,
        /// p²·8.
        bytes: usize,
    },
}

/// What a step met so far, each event once, in the order met.
#[derive(Debug, Default)]
pub struct EventLog {
    events: Vec<Event>,
}

impl EventLog {
    /// With room for all events, so that recording allocates nothing.
    pub(crate) fn new() -> Self {
        Self { events: Vec::with_capacity(16) }
    }

    /// Names `event`, once.
    pub fn record(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// The events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }
}

/// A way to step along the flow of an objective `O`.
///
/// `init` is the only place that allocates. Per accepted point the driver calls `linearize` once, then `propose` for each
/// trial step size, then `accepted`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot step along an objective of type `{O}`",
    note = "the method, or the solver it was given, needs curvature that the objective does not offer: see `gf_core::HessianProduct`, `DenseHessian` and `GaussNewton`"
)]
pub trait Discretization<O: ?Sized> {
    /// Sets up for p = `dim` parameters, forgetting any earlier run.
    ///
    /// # Errors
    /// [`SetupError`] when memory is short.
    fn init(&mut self, dim: usize) -> Result<(), SetupError>;

    /// Does the work that depends on the point only, not on the step size.
    ///
    /// # Errors
    /// [`StepFailure`]; the run ends with it.
    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        let _ = (objective, at);
        Ok(())
    }

    /// Overwrites `delta` with the step of size `h`, and names in `events` what it met.
    ///
    /// # Errors
    /// [`StepFailure`]; a proposal that failed leaves no trace in the method.
    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure>;

    /// The proposal of size `h` was accepted and led to `to`.
    fn accepted(&mut self, to: &[f64], h: f64) {
        let _ = (to, h);
    }

    /// The flow time by which a step of size `h` advances (h itself for integrators of the flow, h/(1 − β) with momentum); none for
    /// methods that do not follow the flow's clock.
    fn time(&self, h: f64) -> Option<f64>;

    /// Whether the step from this point is taken as proposed at the controller's first size, without judging it (a warm-up).
    fn unconditional(&self, at: Point<'_>) -> bool {
        let _ = at;
        false
    }

    /// What the last proposal says of its own error, for methods with an embedded one.
    fn local_error(&self) -> Option<LocalError<'_>> {
        None
    }

    /// L(θ) minus the value at θ + δ of the model that the last proposal minimized, for methods that have a model.
    fn predicted_decrease(&self) -> Option<f64> {
        None
    }

    /// All numbers that the next step depends on beside θ, the sample and h, such as velocities. [`crate::Start::resume`] writes them back
    /// after `init`, which fixes their lengths.
    fn state(&mut self) -> Vec<&mut [f64]> {
        Vec::new()
    }
}

/// An estimate of a step's local error.
#[derive(Debug, Clone, Copy)]
pub struct LocalError<'a> {
    /// δ minus the step of the embedded method, p numbers.
    pub estimate: &'a [f64],
    /// The order q of the embedded method: the estimate shrinks like h^(q+1).
    pub order: u32,
}
