//! Matrix-free solves by MINRES or CG.

use gf_core::{Counted, Objective};
use gf_linalg::krylov::{KrylovScratch, ShiftedFamily, Stop, conjugate_gradients, minres};

use super::{Definiteness, Hessian, ProductCurvature, ShiftedSolver, SolveInfo};
use crate::discretization::Evidence;
use crate::{SetupError, StepFailure};

/// Which iteration, on which curvature, to which residual.
///
/// A residual that is not reached is a [`StepFailure::ResidualMissed`], never a silently inexact step.
///
/// **Several shifts at one point** (a step that shrinks at the pole, a line search over h, a damping that is raised): MINRES keeps its
/// Krylov space ([`ShiftedFamily`]), and another shift costs one product for the true residual, and more only where it is harder.
///
/// **Warm start**: with `warm_start`, a solve starts from the last solution of this run, scaled so that its residual is least, where
/// that is at most half of that of zero; spaces for several shifts are not kept then, because they depend on the start. Off unless asked for: the start costs a
/// product, and saves about as many as digits it knows. Sixty
/// implicit steps of the original network took 933 products from zero and 1011 from the last solution on all samples (h = 0.05), 972 and
/// 1147 on batches of 64; digits (h = 0.5) 606 both ways.
///
/// **Cost**: one product an iteration, and one for the true residual. Memory: MINRES keeps its first 16 to 512 products, 8 million numbers
/// in all where that is between, and 9p numbers; CG and warm starts take 8p numbers.
pub struct Krylov<C, const DEFINITE: bool> {
    curvature: C,
    stop: Stop,
    warm_start: bool,
    family: Option<ShiftedFamily>,
    scratch: KrylovScratch,
    /// The last solution, where it serves as a start.
    previous: Vec<f64>,
}

/// MINRES: for any symmetric matrix.
pub type Minres<C = Hessian> = Krylov<C, false>;

/// CG: for matrices known to be positive definite; anything else is refused as [`StepFailure::Indefinite`].
pub type ConjugateGradients<C = Hessian> = Krylov<C, true>;

impl<C, const DEFINITE: bool> Krylov<C, DEFINITE> {
    /// To the relative residual `tolerance`, in at most `max_products` products.
    pub fn of(curvature: C, tolerance: f64, max_products: usize) -> Self {
        Self {
            curvature,
            stop: Stop::new(tolerance, max_products),
            warm_start: false,
            family: None,
            scratch: KrylovScratch::default(),
            previous: Vec::new(),
        }
    }

    /// Starts each solve from the last solution.
    pub fn with_warm_start(self, warm_start: bool) -> Self {
        Self { warm_start, ..self }
    }

    /// Gives up where the solve will hardly end within `products`: see [`Stop::worth`].
    pub(super) fn set_worth(&mut self, products: usize) {
        self.stop.worth = Some(products);
    }
}

/// The default tolerance of the relative residual.
pub const DEFAULT_TOLERANCE: f64 = 1e-10;
/// Numbers in the Krylov space that MINRES keeps (64 MiB), and the products kept in any case and at most.
const KEPT_NUMBERS: usize = 1 << 23;
const LEAST_KEPT: usize = 16;
const MOST_KEPT: usize = 512;
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
        if DEFINITE || self.warm_start {
            self.scratch = KrylovScratch::new(dim);
            self.previous = vec![0.0; if self.warm_start { dim } else { 0 }];
            return Ok(());
        }
        let kept = (KEPT_NUMBERS / dim.max(1)).clamp(LEAST_KEPT, MOST_KEPT).min(self.stop.max_products);
        match &mut self.family {
            Some(family) if family.size() == (dim, kept) => family.forget(),
            family => *family = Some(ShiftedFamily::new(dim, kept)),
        }
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure> {
        self.family.iter_mut().for_each(ShiftedFamily::forget);
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
        // The objective still has the point of `linearize`: fixing it again costs one comparison.
        let mut operator = self.curvature.at(objective, theta)?;
        let info = if let Some(family) = &mut self.family {
            family.solve(&mut operator, shift, b, x, self.stop)
        } else {
            match self.warm_start {
                true => x.copy_from_slice(&self.previous),
                false => x.fill(0.0),
            }
            let solve = if DEFINITE { conjugate_gradients } else { minres };
            solve(&mut operator, shift, b, x, self.stop, &mut self.scratch)
        };
        let evidence = Evidence::NegativeCurvature { lowest: info.lowest };
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
        if self.warm_start {
            self.previous.copy_from_slice(x);
        }
        let definiteness =
            if info.negative_curvature { Definiteness::Indefinite(evidence) } else { Definiteness::NotContradicted };
        Ok(SolveInfo { definiteness, relative_residual: info.relative_residual, took_over: false })
    }

    fn state(&mut self) -> Vec<&mut [f64]> {
        vec![&mut self.previous]
    }

    fn lowest_at_most(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        b: &[f64],
    ) -> Result<Option<f64>, StepFailure> {
        /// Enough for an eigenvalue far from the others to show.
        const PRODUCTS: usize = 24;
        let Some(family) = &mut self.family else { return Ok(None) };
        let mut operator = self.curvature.at(objective, theta)?;
        family.prepare(&mut operator, b, PRODUCTS);
        Ok(family.lowest_ritz_value())
    }
}
