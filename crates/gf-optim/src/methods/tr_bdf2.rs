//! TR-BDF2: a trapezoidal stage, then a BDF2 stage.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use gf_core::{Counted, Objective};

use super::stage::{Stage, StageSolver, stage_settings};
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::solver::ShiftedSolver;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, LocalError, Point, SetupError, StepFailure};

/// The trapezoidal rule over γh, then BDF2 over the whole step, on θ' = −∇L(θ).
///
/// **Recurrence**: with γ = 2 − √2, d = γ/2, a = dh: $u_1 + a ∇L(θ_k + u_1) = −a ∇L(θ_k)$, $u_2 + a ∇L(θ_k + u_2) = \tfrac{1+√2}{2} u_1$,
/// $θ_{k+1} = θ_k + u_2$. This γ gives both stages one shift. As a Runge–Kutta method: weights w, w, d with w = √2/4.
/// **Symbols**: $h$ = step size in flow time; u₁, u₂: p numbers.
/// **Properties**: order 2; R(z) = (1 − (1 − 2d)z)/(1 + dz)², z = hλ: L-stable. Double pole at z = −1/d ≈ −3.41.
/// Error estimate: (I + aH)⁻¹ Σ(bᵢ − b̂ᵢ)hkᵢ with the embedded weights b̂ = ((1 − w)/3, (3w + 1)/3, d/3) of order 3; the factor in front keeps stiff components
/// from ruling it, and H is that of the last Newton iteration.
/// **Cost**: one gradient, one matrix and one solve with shift 1/a a Newton iteration, in two stages; one more solve with the last matrix, for the estimate.
/// **Fails when**: the [`StageSolver`] does.
/// **Reference**: R. Bank et al., *IEEE Trans. CAD* 4 (1985); M. Hosea, L. Shampine, *Appl. Numer. Math.* 20 (1996).
#[derive(Debug, Clone)]
pub struct TrBdf2<S> {
    stages: StageSolver<S>,
    first: Vec<f64>,
    estimate: Vec<f64>,
}

impl<S> TrBdf2<S> {
    /// With `stages` for its equations.
    pub fn new(stages: StageSolver<S>) -> Self {
        Self { stages, first: Vec::new(), estimate: Vec::new() }
    }
}

const D: f64 = 1.0 - FRAC_1_SQRT_2;
const W: f64 = 0.25 * SQRT_2;

stage_settings! {
    /// `method.tr-bdf2`.
    TrBdf2Settings of INFO,
    method: TrBdf2,
    amplification: |z| Amplification::one_step((1.0 - (1.0 - 2.0 * D) * z) / (1.0 + D * z).powi(2)),
    estimates_error: true,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "tr-bdf2",
    title: "TR-BDF2",
    family: Family::Implicit,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -3.41",
    cost: "2 stages: 1 gradient + 1 matrix + 1 solve, shift 1/(γh/2), a Newton iteration; 1 solve",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for TrBdf2<S> {
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
        let (theta, a, factor) = (at.theta, D * h, 0.5 * (1.0 + SQRT_2));
        self.stages.start(at, &mut self.first);
        let stage = Stage { theta, a, factor: -a, known: at.gradient };
        self.stages.solve(objective, stage, &mut self.first, events)?;
        delta.copy_from_slice(&self.first);
        self.stages.solve(objective, Stage { theta, a, factor, known: &self.first }, delta, events)?;
        // b − b̂, and the slopes from the increments.
        let weights = [(4.0 * W - 1.0) / 3.0, -1.0 / 3.0, 2.0 * D / 3.0].map(|difference| difference / D);
        for (e, (g, (u1, u2))) in self.estimate.iter_mut().zip(at.gradient.iter().zip(self.first.iter().zip(&*delta))) {
            let slopes = [-a * g, u1 + a * g, u2 - factor * u1];
            *e = weights[0] * slopes[0] + weights[1] * slopes[1] + weights[2] * slopes[2];
        }
        self.stages.smooth(objective, a, &mut self.estimate, events)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.stages.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }

    /// The pair's lower order is the method's own: the estimate shrinks like h³.
    fn local_error(&self) -> Option<LocalError<'_>> {
        Some(LocalError { estimate: &self.estimate, order: 2 })
    }
}
