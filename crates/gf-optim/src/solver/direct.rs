//! Direct solves by a dense factorization.

use gf_core::{Counted, Objective};
use gf_linalg::{FactorError, Factorization, Refined, ShiftedMatrix};

use super::{Definiteness, Hessian, MatrixCurvature, ShiftedSolver, SolveInfo};
use crate::discretization::Evidence;
use crate::{SetupError, StepFailure};

/// A dense factorization of C + shift·I: Cholesky (refuses indefinite matrices) or LBLᵀ (solves them and counts their negative eigenvalues).
///
/// **Precision**: from some 500 parameters on, Cholesky first works in single precision, which takes some 60 % of the time, and refines every solution in
/// double to a residual at rounding ([`ShiftedMatrix::solve_refined`]). Where that fails, because the
/// matrix is indefinite or its condition number beyond some 10⁷, it factorizes again in double.
///
/// **Cost**: one matrix a point, one factorization (p³/3 flops) a shift, two where the first fails; 4p² flops a solve, or a round of refinement.
/// Memory: p² + O(p) numbers.
pub struct Direct<C = Hessian> {
    curvature: C,
    kind: Factorization,
    matrix: Option<ShiftedMatrix>,
    scratch: Vec<f64>,
    factorized: Option<(Factorization, f64)>,
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
        Self { curvature, kind, matrix: None, scratch: Vec::new(), factorized: None, flops: None }
    }

    /// Factorizes C + `shift`·I, unless it is so already.
    fn factorize<O: Objective + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        kind: Factorization,
        shift: f64,
    ) -> Result<(), FactorError> {
        if self.factorized == Some((kind, shift)) {
            return Ok(());
        }
        self.factorized = None;
        let matrix = self.matrix.as_mut().expect(INITIALIZED);
        let result = matrix.factorize(kind, shift);
        self.flops = Some(matrix.factorization_flops());
        objective.count_factorization(matrix.factorization_flops());
        result?;
        self.factorized = Some((kind, shift));
        Ok(())
    }

    /// Model flops of the last factorization of this run.
    pub(super) fn last_factorization_flops(&self) -> Option<f64> {
        self.flops
    }
}

/// Below so many parameters single precision saves less than a sixth of the time (measured), up to 300 none.
const SMALLEST_SINGLE: usize = 500;

const INITIALIZED: &str = "the driver calls init first";

impl<O: Objective + ?Sized, C: MatrixCurvature<O>> ShiftedSolver<O> for Direct<C> {
    fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        (self.factorized, self.flops) = (None, None);
        if self.matrix.as_ref().is_none_or(|matrix| matrix.order() != dim) {
            let bytes = dim.saturating_mul(dim).saturating_mul(8);
            self.matrix = Some(ShiftedMatrix::new(dim).map_err(|_| SetupError::Memory { dim, bytes })?);
            self.scratch = vec![0.0; 2 * dim];
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
        if self.kind == Factorization::Cholesky
            && b.len() >= SMALLEST_SINGLE
            && self.factorized != Some((Factorization::Cholesky, shift))
            && self.factorize(objective, Factorization::SingleCholesky, shift).is_ok()
        {
            let matrix = self.matrix.as_mut().expect(INITIALIZED);
            if let Some(Refined { relative_residual, rounds }) = matrix.solve_refined(b, x, &mut self.scratch) {
                objective.count_flops(4.0 * (b.len() as f64).powi(2) * f64::from(rounds));
                return Ok(SolveInfo { definiteness: Definiteness::Positive, relative_residual, took_over: false });
            }
        }
        self.factorize(objective, self.kind, shift).map_err(|error| match error {
            FactorError::NotPositiveDefinite { pivot } => {
                StepFailure::Indefinite { shift, evidence: Evidence::Pivot(pivot) }
            }
            FactorError::Singular => StepFailure::Singular { shift },
            FactorError::NotFinite => StepFailure::NotFinite { what: "the curvature matrix" },
        })?;
        let matrix = self.matrix.as_mut().expect(INITIALIZED);
        x.copy_from_slice(b);
        matrix.solve_in_place(x);
        objective.count_flops(4.0 * (b.len() as f64).powi(2));
        let definiteness = match matrix.inertia().negative {
            0 => Definiteness::Positive,
            count => Definiteness::Indefinite(Evidence::NegativeEigenvalues(count)),
        };
        let relative_residual = matrix.relative_residual(shift, b, x, &mut self.scratch[..b.len()]);
        if !relative_residual.is_finite() {
            return Err(StepFailure::NotFinite { what: "the solution of the linear system" });
        }
        Ok(SolveInfo { definiteness, relative_residual, took_over: false })
    }
}
