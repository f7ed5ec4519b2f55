//! Backward Euler: the proximal point.

use gf_core::{Counted, Objective};

use super::stage::{Stage, StageSolver, stage_settings};
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::solver::ShiftedSolver;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SetupError, StepFailure};

/// Backward Euler on θ' = −∇L(θ).
///
/// **Recurrence**: $δ + h ∇L(θ_k + δ) = 0$, $θ_{k+1} = θ_k + δ$, by Newton from δ = 0. Its first iteration is the step of
/// [`super::LinearlyImplicitEuler`]. Where H + I/h is positive definite the step is the proximal point, the minimum of L(y) + ‖y − θ‖²/(2h).
/// **Symbols**: $h$ = step size in flow time.
/// **Properties**: order 1; R(z) = 1/(1 + z), z = hλ: stable for every z > 0 (L-stable). Pole at z = −1.
/// **Cost**: one gradient, one matrix and one solve with shift 1/h a Newton iteration.
/// **Fails when**: the [`StageSolver`] does.
/// **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.3; R. Rockafellar, *SIAM J. Control Optim.* 14 (1976) (the proximal point).
///
/// ```
/// use gf_core::problems::Quartic;
/// use gf_optim::{Budget, control::Constant, integrate, methods::{BackwardEuler, StageSolver}, solver::Direct};
/// let mut method = BackwardEuler::new(StageSolver::new(Direct::cholesky()));
/// let outcome = integrate(&mut Quartic::new(1), &mut method, &mut Constant::new(1.0), &mut [], vec![2.0], &Budget::steps(1))?;
/// assert!((outcome.theta[0] - 1.0).abs() < 1e-14); // y + y³ = 2
/// # Ok::<(), gf_optim::RunError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BackwardEuler<S> {
    stages: StageSolver<S>,
}

impl<S> BackwardEuler<S> {
    /// With `stages` for its equation.
    pub fn new(stages: StageSolver<S>) -> Self {
        Self { stages }
    }
}

stage_settings! {
    /// `method.backward-euler`.
    BackwardEulerSettings of INFO,
    method: BackwardEuler,
    amplification: |z| Amplification::one_step(1.0 / (1.0 + z)),
    estimates_error: false,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "backward-euler",
    title: "backward Euler (proximal point)",
    family: Family::Implicit,
    order: Some(1),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -1",
    cost: "1 gradient + 1 matrix + 1 solve, shift 1/h, a Newton iteration",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for BackwardEuler<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.stages.init(dim)
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.stages.start(at, delta);
        let stage = Stage { theta: at.theta, a: h, factor: 0.0, known: at.gradient };
        self.stages.solve(objective, stage, delta, events)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.stages.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
