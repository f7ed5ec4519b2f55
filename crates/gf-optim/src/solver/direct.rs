//! Direct solves by a dense factorization.

use gf_core::{Counted, Objective};
use gf_linalg::{FactorError, Factorization, ShiftedMatrix};

use super::{Definiteness, Hessian, MatrixCurvature, ShiftedSolver, SolveInfo};
use crate::discretization::Evidence;
use crate::{SetupError, StepFailure};

/// A dense factorization of C + shift·I: Cholesky (refuses indefinite matrices) or LBLᵀ (solves them and counts their negative eigenvalues).
///
/// **Cost**: one matrix a point, one factorization (p³/3 flops) a shift, 4p² flops a solve. Memory: p² + O(p) numbers.
pub struct Direct<C = Hessian> {
    curvature: C,
    kind: Factorization,
    matrix: Option<ShiftedMatrix>,
    residual: Vec<f64>,
    factorized: Option<f64>,
    /// Of the last factorization of this run.
    flops: Option<f64>,
}

impl Direct<Hessian> {
    /// LLᵀ of H + shift·I.
    pub fn cholesky() -> Self {
        Self::of(Hessian, Factorization::Cholesky)
    }

    /// LBLᵀ of H + shift·I.
    pub fn lblt() -> Self {
        Self::of(Hessian, Factorization::Lblt)
    }
}

impl<C> Direct<C> {
    /// Of any curvature matrix.
    pub fn of(curvature: C, kind: Factorization) -> Self {
        Self { curvature, kind, matrix: None, residual: Vec::new(), factorized: None, flops: None }
    }

    /// Model flops of the last factorization of this run.
    pub(super) fn last_factorization_flops(&self) -> Option<f64> {
        self.flops
    }
}

const INITIALIZED: &str = "the driver calls init first";

impl<O: Objective + ?Sized, C: MatrixCurvature<O>> ShiftedSolver<O> for Direct<C> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        (self.factorized, self.flops) = (None, None);
        if self.matrix.as_ref().is_none_or(|matrix| matrix.order() != dim) {
            let bytes = dim.saturating_mul(dim).saturating_mul(8);
            self.matrix = Some(ShiftedMatrix::new(dim).map_err(|_| SetupError::Memory { dim, bytes })?);
            self.residual = vec![0.0; dim];
        }
        Ok(())
    }

    fn linearize(&mut self, objective: &mut Counted<'_, O>, theta: &[f64]) -> Result<(), StepFailure> {
        self.factorized = None;
        let matrix = self.matrix.as_mut().expect(INITIALIZED);
        Ok(self.curvature.fill(objective, theta, matrix.fill())?)
    }

    fn solve(
        &mut self,
        objective: &mut Counted<'_, O>,
        _theta: &[f64],
        shift: f64,
        b: &[f64],
        x: &mut [f64],
    ) -> Result<SolveInfo, StepFailure> {
        let matrix = self.matrix.as_mut().expect(INITIALIZED);
        if self.factorized != Some(shift) {
            self.factorized = None;
            let result = matrix.factorize(self.kind, shift);
            self.flops = Some(matrix.factorization_flops());
            objective.count_factorization(matrix.factorization_flops());
            result.map_err(|error| match error {
                FactorError::NotPositiveDefinite { pivot } => {
                    StepFailure::Indefinite { shift, evidence: Evidence::Pivot(pivot) }
                }
                FactorError::Singular => StepFailure::Singular { shift },
                FactorError::NotFinite => StepFailure::NotFinite { what: "the curvature matrix" },
            })?;
            self.factorized = Some(shift);
        }
        x.copy_from_slice(b);
        matrix.solve_in_place(x);
        objective.count_flops(4.0 * (matrix.order() as f64).powi(2));
        let definiteness = match matrix.inertia().negative {
            0 => Definiteness::Positive,
            count => Definiteness::Indefinite(Evidence::NegativeEigenvalues(count)),
        };
        let relative_residual = matrix.relative_residual(shift, b, x, &mut self.residual);
        if !relative_residual.is_finite() {
            return Err(StepFailure::NotFinite { what: "the solution of the linear system" });
        }
        Ok(SolveInfo { definiteness, relative_residual, took_over: false })
    }
}
