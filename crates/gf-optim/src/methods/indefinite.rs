//! What an implicit step does when its matrix is not positive definite: explicit policies, each named in the record.

use gf_core::{Counted, Event, GaussNewton, HessianProduct, Objective, vector};
use gf_linalg::lanczos::Lanczos;

use crate::solver::{ConjugateGradients, GaussNewtonMatrix, Krylov, ShiftedSolver};
use crate::{EventLog, SetupError, StepFailure};

/// The system at hand: (H + shift·I) δ = rhs, found not to be positive definite.
#[derive(Debug, Clone)]
pub struct IndefiniteSystem<'a> {
    /// θ.
    pub theta: &'a [f64],
    /// 1/h.
    pub shift: f64,
    /// −∇L(θ).
    pub rhs: &'a [f64],
    /// What the step fails with when it is rejected.
    pub failure: StepFailure,
    /// Whether `delta` holds the solution of the indefinite system.
    pub solved: bool,
}

/// Chooses the step when H + shift·I is not positive definite.
pub trait IndefinitePolicy<O: ?Sized> {
    /// Allocates for p = `dim` parameters.
    ///
    /// # Errors
    /// [`SetupError`] when memory is short.
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        let _ = dim;
        Ok(())
    }

    /// Overwrites `delta` with the step to propose instead, or fails.
    ///
    /// # Errors
    /// [`StepFailure`]: the step is rejected.
    fn resolve(
        &mut self,
        objective: &mut Counted<'_, O>,
        system: IndefiniteSystem<'_>,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure>;
}

/// Takes the textbook step, whatever it is. Needs a solver that solves indefinite systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accept;

impl<O: ?Sized> IndefinitePolicy<O> for Accept {
    fn resolve(
        &mut self,
        _objective: &mut Counted<'_, O>,
        system: IndefiniteSystem<'_>,
        _delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        if !system.solved {
            return Err(system.failure);
        }
        events.record(Event::IndefiniteAccepted);
        Ok(())
    }
}

/// Rejects the step; a shrinking controller then halves h until the matrix is positive definite.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reject;

impl<O: ?Sized> IndefinitePolicy<O> for Reject {
    fn resolve(
        &mut self,
        _objective: &mut Counted<'_, O>,
        system: IndefiniteSystem<'_>,
        _delta: &mut [f64],
        _events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        Err(system.failure)
    }
}

/// Uses |H| in place of H: δ = −(|H| + shift·I)⁻¹∇L, as a function of H applied to the gradient in its Krylov space.
///
/// Converged when two approximations ten products apart differ by less than the tolerance. |λ| has a kink at 0, so this takes more
/// products than a solve (up to 400). Memory: 401p numbers. Reference: Y. Dauphin et al., *NeurIPS* 2014 (saddle-free Newton).
#[derive(Debug)]
pub struct AbsoluteHessian {
    tolerance: f64,
    lanczos: Lanczos,
    previous: Vec<f64>,
}

const ABSOLUTE_MAX_PRODUCTS: usize = 400;

impl AbsoluteHessian {
    /// To the relative change `tolerance`.
    pub fn new(tolerance: f64) -> Self {
        Self { tolerance, lanczos: Lanczos::new(0, 0), previous: Vec::new() }
    }
}

impl<O: HessianProduct + ?Sized> IndefinitePolicy<O> for AbsoluteHessian {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.lanczos = Lanczos::new(dim, ABSOLUTE_MAX_PRODUCTS);
        self.previous = vec![0.0; dim];
        Ok(())
    }

    fn resolve(
        &mut self,
        objective: &mut Counted<'_, O>,
        system: IndefiniteSystem<'_>,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        let not_finite = |_| StepFailure::NotFinite { what: "the Krylov space of the Hessian" };
        let mut operator = objective.hessian_at(system.theta)?;
        self.lanczos.start(system.rhs);
        self.previous.fill(0.0);
        loop {
            let more = self.lanczos.grow(&mut operator);
            if more && !self.lanczos.len().is_multiple_of(10) {
                continue;
            }
            self.lanczos.apply_function(|lambda| 1.0 / (lambda.abs() + system.shift), delta).map_err(not_finite)?;
            let size = vector::norm(delta);
            self.previous.iter_mut().zip(delta.iter()).for_each(|(old, new)| *old -= new);
            let change = vector::norm(&self.previous) / size.max(f64::MIN_POSITIVE);
            if change <= self.tolerance || (!more && self.lanczos.is_exact()) {
                events.record(Event::UsedAbsoluteHessian);
                return Ok(());
            }
            if !more {
                let products = self.lanczos.len();
                let (reached, asked) = (change, self.tolerance);
                return Err(StepFailure::ResidualMissed { reached, asked, products, indefinite: true });
            }
            self.previous.copy_from_slice(delta);
        }
    }
}

/// Uses the Gauss–Newton matrix in place of H: positive semidefinite for the convex losses, so CG solves with it.
pub struct UseGaussNewton {
    solver: ConjugateGradients<GaussNewtonMatrix>,
}

impl UseGaussNewton {
    /// To the relative residual `tolerance`, in at most `max_products` products.
    pub fn new(tolerance: f64, max_products: usize) -> Self {
        Self { solver: Krylov::of(GaussNewtonMatrix, tolerance, max_products) }
    }
}

impl<O: GaussNewton + Objective + ?Sized> IndefinitePolicy<O> for UseGaussNewton {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        ShiftedSolver::<O>::init(&mut self.solver, dim)
    }

    fn resolve(
        &mut self,
        objective: &mut Counted<'_, O>,
        system: IndefiniteSystem<'_>,
        delta: &mut [f64],
        events: &mut EventLog,
    ) -> Result<(), StepFailure> {
        self.solver.solve(objective, system.theta, system.shift, system.rhs, delta)?;
        events.record(Event::UsedGaussNewton);
        Ok(())
    }
}
