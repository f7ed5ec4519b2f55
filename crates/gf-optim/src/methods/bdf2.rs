//! BDF2: the backward differentiation formula with two steps.

use gf_core::{Counted, Objective};

use super::stage::{Stage, StageSolver, stage_settings};
use crate::registry::{CurvatureNeed, Family, MethodInfo};
use crate::solver::ShiftedSolver;
use crate::stability::Amplification;
use crate::{Discretization, EventLog, Point, SetupError, StepFailure};

/// The two-step backward differentiation formula on θ' = −∇L(θ), for variable steps.
///
/// **Recurrence**: with ω = h/h₋ and δ = θ_{k+1} − θ_k: $δ + \tfrac{1+ω}{1+2ω} h ∇L(θ_k + δ) = \tfrac{ω²}{1+2ω} (θ_k − θ_{k−1})$. The first step is backward Euler.
/// **Symbols**: $h$ = step size in flow time; $h_−$ = the one before; θ₋ = θ_{k−1}, p numbers.
/// **Properties**: order 2, with variable steps too; for constant ones (3/2 + z)r² − 2r + 1/2 = 0, z = hλ: L-stable. Pole at z = −3/2.
/// **Cost**: one gradient, one matrix and one solve with shift (1 + 2ω)/((1 + ω)h) a Newton iteration.
/// **Fails when**: the [`StageSolver`] does.
/// **Reference**: E. Hairer, S. Nørsett, G. Wanner, *Solving ODEs I*, III.5.
#[derive(Debug, Clone)]
pub struct Bdf2<S> {
    stages: StageSolver<S>,
    /// θ₋, and θ, which becomes θ₋ when a step is accepted.
    previous: Vec<f64>,
    current: Vec<f64>,
    /// h₋; 0 before the first step.
    previous_h: [f64; 1],
    /// θ − θ₋.
    difference: Vec<f64>,
}

impl<S> Bdf2<S> {
    /// With `stages` for its equation.
    pub fn new(stages: StageSolver<S>) -> Self {
        let [previous, current, difference] = Default::default();
        Self { stages, previous, current, previous_h: [0.0], difference }
    }
}

stage_settings! {
    /// `method.bdf2`.
    Bdf2Settings of INFO,
    method: Bdf2,
    amplification: |z| Amplification { current: 2.0 / (1.5 + z), previous: -0.5 / (1.5 + z) },
    estimates_error: false,
}

pub(crate) const INFO: MethodInfo = MethodInfo {
    name: "bdf2",
    title: "BDF2 (two-step backward differentiation)",
    family: Family::Implicit,
    order: Some(2),
    curvature: CurvatureNeed::Hessian,
    stability: "all hλ > 0 (L-stable); pole at hλ = -3/2",
    cost: "1 gradient + 1 matrix + 1 solve, shift 3/(2h), a Newton iteration",
    textbook: &[("solver", "lblt"), ("indefinite", "accept")],
};

impl<O: Objective + ?Sized, S: ShiftedSolver<O>> Discretization<O> for Bdf2<S> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        for part in [&mut self.previous, &mut self.current, &mut self.difference] {
            *part = vec![0.0; dim];
        }
        self.previous_h = [0.0];
        self.stages.init(dim)
    }

    fn linearize(&mut self, _objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.current.copy_from_slice(at.theta);
        for (d, (theta, previous)) in self.difference.iter_mut().zip(at.theta.iter().zip(&self.previous)) {
            *d = theta - previous;
        }
        Ok(())
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        let (a, factor) = match self.previous_h {
            [0.0] => (h, 0.0),
            [previous] => {
                let ratio = h / previous;
                (h * (1.0 + ratio) / (1.0 + 2.0 * ratio), ratio * ratio / (1.0 + 2.0 * ratio))
            }
        };
        self.stages.start(at, delta);
        let stage = Stage { theta: at.theta, a, factor, known: &self.difference };
        self.stages.solve(objective, stage, delta, events)
    }

    fn accepted(&mut self, _to: &[f64], h: f64) {
        std::mem::swap(&mut self.previous, &mut self.current);
        self.previous_h = [h];
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        let mut state = self.stages.state();
        state.extend([self.previous.as_mut_slice(), &mut self.previous_h]);
        state
    }
}
