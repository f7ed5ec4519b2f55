//! MINRES where it converges, LBLᵀ where it does not.

use gf_core::{Counted, Objective};

use super::{Direct, Hessian, MatrixCurvature, Minres, ProductCurvature, ShiftedSolver, SolveInfo};
use crate::{SetupError, StepFailure};

/// The rule: MINRES first; where it misses its residual within its products (near the pole of the implicit step, or at small damping), the
/// dense matrix is written down, once per point, and factorized by LBLᵀ. Each takeover is named in the record (`used-direct-solver`).
///
/// **Cost**: that of [`Minres`], and where it misses that of [`Direct`] in addition. Memory: p² + O(p) numbers, allocated at the start.
pub struct Automatic {
    iterative: Minres,
    direct: Direct,
    /// Whether the matrix of the current point has been written down.
    written: bool,
}

impl Automatic {
    /// MINRES to the relative residual `tolerance` in at most `max_products` products.
    pub fn new(tolerance: f64, max_products: usize) -> Self {
        Self { iterative: Minres::of(Hessian, tolerance, max_products), direct: Direct::lblt(), written: false }
    }
}

impl<O: Objective + ?Sized> ShiftedSolver<O> for Automatic
where
    Hessian: ProductCurvature<O> + MatrixCurvature<O>,
{
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        ShiftedSolver::<O>::init(&mut self.iterative, dim)?;
        ShiftedSolver::<O>::init(&mut self.direct, dim)
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure> {
        self.written = false;
        self.iterative.linearize(objective, theta)
    }

    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure> {
        match self.iterative.solve(objective, theta, shift, b, x) {
            Err(StepFailure::ResidualMissed { .. }) => {}
            other => return other,
        }
        if !self.written {
            self.direct.linearize(objective, theta)?;
            self.written = true;
        }
        let info = self.direct.solve(objective, theta, shift, b, x)?;
        Ok(SolveInfo { took_over: true, ..info })
    }
}
