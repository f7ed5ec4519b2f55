//! Rosenbrock methods: implicit stages, each with one linear solve.

use gf_core::{Counted, Objective, vector};

use super::ShiftedSystem;
use crate::discretization::STAGE;
use crate::solver::ShiftedSolver;
use crate::{Discretization, EventLog, LocalError, Point, SetupError, StepFailure};

/// A Rosenbrock method with N stages on θ' = −∇L(θ); [`super::Ros2`] and [`super::Rodas3`] are such.
///
/// **Recurrence**: $(H + I/(γh)) K_i = −∇L(θ_k + Σ_{j<i} a_{ij} K_j) + Σ_{j<i} \tfrac{c_{ij}}{h} K_j$, $θ_{k+1} = θ_k + Σ m_i K_i$; error estimate Σ eᵢKᵢ.
/// This form multiplies by no matrix. All stages share $H = ∇²L(θ_k)$ and the shift: one factorization a step. A stage at the point of the one before
/// shares its gradient.
/// **Symbols**: $h$ = step size in flow time; $K_i$: p numbers, increments of θ.
/// **Cost**: N solves with shift 1/(γh), and one gradient a stage whose point is new.
/// **Fails when**: a solve does, the matrix is not positive definite and [`super::AtPole`] says so, or the gradient at a stage overflows.
/// **Reference**: E. Hairer, G. Wanner, *Solving ODEs II*, IV.7.
#[derive(Debug, Clone)]
pub struct Rosenbrock<S, const N: usize> {
    system: ShiftedSystem<S>,
    tableau: Tableau<N>,
    slopes: [Vec<f64>; N],
    stage: Vec<f64>,
    gradient: Vec<f64>,
    rhs: Vec<f64>,
    estimate: Vec<f64>,
}

/// The coefficients; rows of `a` and `c` are read below the diagonal.
#[derive(Debug, Clone)]
pub(super) struct Tableau<const N: usize> {
    pub(super) gamma: f64,
    pub(super) a: [[f64; N]; N],
    pub(super) c: [[f64; N]; N],
    pub(super) weights: [f64; N],
    pub(super) error_weights: [f64; N],
    pub(super) embedded_order: u32,
}

impl<S, const N: usize> Rosenbrock<S, N> {
    pub(super) fn of(system: ShiftedSystem<S>, tableau: Tableau<N>) -> Self {
        let [stage, gradient, rhs, estimate] = Default::default();
        Self { system, tableau, slopes: std::array::from_fn(|_| Vec::new()), stage, gradient, rhs, estimate }
    }
}

/// out += Σ factor·weightᵢ·Kᵢ.
fn add_slopes(out: &mut [f64], factor: f64, weights: &[f64], slopes: &[Vec<f64>]) {
    for (weight, slope) in weights.iter().zip(slopes) {
        if *weight != 0.0 {
            vector::add_scaled(out, factor * weight, slope);
        }
    }
}

impl<O: Objective + ?Sized, S: ShiftedSolver<O>, const N: usize> Discretization<O> for Rosenbrock<S, N> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        let Self { system, slopes, stage, gradient, rhs, estimate, .. } = self;
        slopes.iter_mut().chain([stage, gradient, rhs, estimate]).for_each(|part| *part = vec![0.0; dim]);
        system.init(dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, at: Point<'_>) -> Result<(), StepFailure> {
        self.system.linearize(objective, at.theta)
    }

    fn propose(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
        h: f64,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        let Tableau { gamma, a, c, weights, error_weights, .. } = &self.tableau;
        self.gradient.copy_from_slice(at.gradient);
        for i in 0..N {
            let (known, rest) = self.slopes.split_at_mut(i);
            if i > 0 && a[i] != a[i - 1] {
                self.stage.copy_from_slice(at.theta);
                add_slopes(&mut self.stage, 1.0, &a[i], known);
                objective.value_and_gradient(&self.stage, &mut self.gradient)?;
                if !vector::all_finite(&self.gradient) {
                    return Err(StepFailure::NotFinite { what: STAGE });
                }
            }
            vector::scale_into(-1.0, &self.gradient, &mut self.rhs);
            add_slopes(&mut self.rhs, 1.0 / h, &c[i], known);
            self.system.solve(objective, at.theta, 1.0 / (gamma * h), &self.rhs, &mut rest[0], events)?;
        }
        delta.fill(0.0);
        add_slopes(delta, 1.0, weights, &self.slopes);
        self.estimate.fill(0.0);
        add_slopes(&mut self.estimate, 1.0, error_weights, &self.slopes);
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        self.system.state()
    }

    fn time(&self, h: f64) -> Option<f64> {
        Some(h)
    }

    fn local_error(&self) -> Option<LocalError<'_>> {
        Some(LocalError { estimate: &self.estimate, order: self.tableau.embedded_order })
    }
}
