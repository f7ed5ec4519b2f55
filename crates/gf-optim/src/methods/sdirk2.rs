//! SDIRK2: two implicit stages with one shift.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use gf_core::{Counted, Objective};

use super::stage::{Stage, StageSolver, stage_settings};
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::solver::ShiftedSolver;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, LocalError, Point, SetupError, StepFailure};

/// The singly diagonally implicit Runge–Kutta method with two stages on θ' = −∇L(θ).
///
/// **Recurrence**: with γ = 1 − 1/√2: $u_1 + γh ∇L(θ_k + u_1) = 0$, $u_2 + γh ∇L(θ_k + u_2) = \tfrac{1−γ}{γ} u_1$, $θ_{k+1} = θ_k + u_2$.
/// The slopes $h k_1 = u_1/γ$ and $h k_2 = (u_2 − \tfrac{1−γ}{γ} u_1)/γ$ are taken from the increments, which stiffness does not amplify.
/// **Symbols**: $h$ = step size in flow time; u₁, u₂: p numbers.
/// **Properties**: order 2; R(z) = (1 − (1 − 2γ)z)/(1 + γz)², z = hλ: L-stable. Double pole at z = −1/γ ≈ −3.41.
/// Error estimate (α − γ)·h(k₁ − k₂), with the embedded method of order 1 of weights 1 − α, α, α = 2 − 5√2/4.
/// **Cost**: one gradient, one matrix and one solve with shift 1/(γh) a Newton iteration, in two stages.
/// **Fails when**: the [`StageSolver`] does.
/// **Reference**: R. Alexander, *SIAM J. Numer. Anal.* 14 (1977); embedded weights: P. Ellsiepen, Diss. Stuttgart (1999).
#[derive(Debug, Clone)]
pub struct Sdirk2<S> {
    stages: StageSolver<S>,
    first: Vec<f64>,
    estimate: Vec<f64>,
}

impl<S> Sdirk2<S> {
    /// With `stages` for its equations.
    pub fn new(stages: StageSolver<S>) -> Self {
        Self { stages, first: Vec::new(), estimate: Vec::new() }
    }
}

const GAMMA: f64 = 1.0 - FRAC_1_SQRT_2;
/// The embedded method's weight of the second slope.
const ALPHA: f64 = 2.0 - 1.25 * SQRT_2;

stage_settings! {
    /// `method.sdirk2`.
    Sdirk2Settings of INFO,
    method: Sdirk2,
    amplification: |z| Amplification::one_step((1.0 - (1.0 - 2.0 * GAMMA) * z) / (1.0 + GAMMA * z).powi(2)),
    estimates_error: true,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "sdirk2",
    title: "SDIRK2 (Alexander)",
    family: Family::Implicit,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -3.41",
    cost: "2 stages: 1 gradient + 1 matrix + 1 solve, shift 1/(γh), a Newton iteration",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for Sdirk2<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.first = vec![0.0; dim];
        self.estimate = vec![0.0; dim];
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
        let (theta, a, factor) = (at.theta, GAMMA * h, (1.0 - GAMMA) / GAMMA);
        self.stages.start(at, &mut self.first);
        let stage = Stage { theta, a, factor: 0.0, known: at.gradient };
        self.stages.solve(objective, stage, &mut self.first, events)?;
        delta.copy_from_slice(&self.first);
        self.stages.solve(objective, Stage { theta, a, factor, known: &self.first }, delta, events)?;
        for (e, (u1, u2)) in self.estimate.iter_mut().zip(self.first.iter().zip(&*delta)) {
            *e = (ALPHA - GAMMA) * (u1 - (u2 - factor * u1)) / GAMMA;
        }
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.stages.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }

    fn local_error(&self) -> Option<LocalError<'_>> {
        Some(LocalError { estimate: &self.estimate, order: 1 })
    }
}
