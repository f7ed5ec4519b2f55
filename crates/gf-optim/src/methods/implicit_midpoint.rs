//! The implicit midpoint rule.

use gf_core::{Counted, Objective};

use super::stage::{Stage, StageSolver, stage_settings};
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::solver::ShiftedSolver;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SetupError, StepFailure};

/// The implicit midpoint rule on θ' = −∇L(θ).
///
/// **Recurrence**: $u + \tfrac{h}{2} ∇L(θ_k + u) = 0$, $θ_{k+1} = θ_k + 2u$: backward Euler of half the size, then as far again.
/// **Symbols**: $h$ = step size in flow time; $u$ = the way to the midpoint.
/// **Properties**: order 2; R(z) = (1 − z/2)/(1 + z/2), z = hλ: A-stable, not L-stable: R → −1 for z → ∞, so that stiff components change their sign
/// and hardly shrink (oscillating for z > 2). Pole at z = −2.
/// **Cost**: one gradient, one matrix and one solve with shift 2/h a Newton iteration.
/// **Fails when**: the [`StageSolver`] does.
/// **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.3.
#[derive(Debug, Clone)]
pub struct ImplicitMidpoint<S> {
    stages: StageSolver<S>,
}

impl<S> ImplicitMidpoint<S> {
    /// With `stages` for its equation.
    pub fn new(stages: StageSolver<S>) -> Self {
        Self { stages }
    }
}

stage_settings! {
    /// `method.implicit-midpoint`.
    ImplicitMidpointSettings of INFO,
    method: ImplicitMidpoint,
    amplification: |z| Amplification::one_step((1.0 - 0.5 * z) / (1.0 + 0.5 * z)),
    estimates_error: false,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "implicit-midpoint",
    title: "implicit midpoint rule",
    family: Family::Implicit,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (A-stable); pole at hλ = -2",
    cost: "1 gradient + 1 matrix + 1 solve, shift 2/h, a Newton iteration",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for ImplicitMidpoint<S> {
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
        let stage = Stage { theta: at.theta, a: 0.5 * h, factor: 0.0, known: at.gradient };
        self.stages.solve(objective, stage, delta, events)?;
        delta.iter_mut().for_each(|x| *x *= 2.0);
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.stages.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }
}
