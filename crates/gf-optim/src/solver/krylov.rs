//! Matrix-free solves by MINRES or CG.

use gf_core::{Counted, Objective};
use gf_linalg::krylov::{KrylovScratch, Stop, conjugate_gradients, minres};

use super::{Definiteness, Hessian, ProductCurvature, ShiftedSolver, SolveInfo};
use crate::discretization::Evidence;
use crate::{SetupError, StepFailure};

/// Which iteration, on which curvature, to which residual.
///
/// A residual that is not reached is a [`StepFailure::ResidualMissed`], never a silently inexact step.
/// **Cost**: one product an iteration, and one for the true residual. Memory: 7p numbers.
pub struct Krylov<C, const DEFINITE: bool> {
    curvature: C,
    stop: Stop,
    scratch: KrylovScratch,
}

/// MINRES: for any symmetric matrix.
pub type Minres<C = Hessian> = Krylov<C, false>;

/// CG: for matrices known to be positive definite; anything else is refused as [`StepFailure::Indefinite`].
pub type ConjugateGradients<C = Hessian> = Krylov<C, true>;

impl<C, const DEFINITE: bool> Krylov<C, DEFINITE> {
    /// To the relative residual `tolerance`, in at most `max_products` products.
    pub fn of(curvature: C, tolerance: f64, max_products: usize) -> Self {
        Self { curvature, stop: Stop { tolerance, max_products }, scratch: KrylovScratch::default() }
    }
}

/// The default tolerance of the relative residual.
pub const DEFAULT_TOLERANCE: f64 = 1e-10;
/// The default limit of products a solve.
pub const DEFAULT_MAX_PRODUCTS: usize = 2000;

impl<const DEFINITE: bool> Default for Krylov<Hessian, DEFINITE> {
    /// On the Hessian, to 1e-10 in at most 2000 products.
    fn default() -> Self {
        Self::of(Hessian, DEFAULT_TOLERANCE, DEFAULT_MAX_PRODUCTS)
    }
}

impl<O: Objective + ?Sized, C: ProductCurvature<O>, const DEFINITE: bool> ShiftedSolver<O> for Krylov<C, DEFINITE> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        self.scratch = KrylovScratch::new(dim);
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure> {
        self.curvature.at(objective, theta)?;
        Ok(())
    }

    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure> {
        x.fill(0.0);
        let solve = if DEFINITE { conjugate_gradients } else { minres };
        // The objective still has the point of `linearize`: fixing it again costs one comparison.
        let mut operator = self.curvature.at(objective, theta)?;
        let info = solve(&mut operator, shift, b, x, self.stop, &mut self.scratch);
        let evidence = Evidence::NegativeCurvature;
        if !info.relative_residual.is_finite() {
            return Err(StepFailure::NotFinite { what: "the residual of the linear system" });
        }
        if DEFINITE && info.negative_curvature {
            return Err(StepFailure::Indefinite { shift, evidence });
        }
        if !info.converged(self.stop) {
            let (reached, asked) = (info.relative_residual, self.stop.tolerance);
            let (products, indefinite) = (info.products, info.negative_curvature);
            return Err(StepFailure::ResidualMissed { reached, asked, products, indefinite });
        }
        let definiteness =
            if info.negative_curvature { Definiteness::Indefinite(evidence) } else { Definiteness::NotContradicted };
        Ok(SolveInfo { definiteness, relative_residual: info.relative_residual, took_over: false })
    }
}
