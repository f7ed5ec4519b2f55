//! The eigenvalues of the Hessian at a point, and the gradient along its eigenvectors.

use gf_core::{Counted, DenseHessian, Triangle, vector};
use gf_linalg::eigen::{EigenError, Eigensolver};

use crate::{Point, SetupError, StepFailure};

/// H = Q diag(λ) Qᵀ and c = Qᵀ∇L at the last point.
///
/// **Cost**: one dense matrix and one decomposition a point, counted as a factorization of 9p³ flops. Memory: 5p² numbers.
#[derive(Default)]
pub(super) struct Spectrum {
    matrix: Vec<f64>,
    solver: Option<Eigensolver>,
    /// λ, ascending but for the values taken for zero.
    pub(super) values: Vec<f64>,
    /// c.
    pub(super) gradient: Vec<f64>,
}

const INITIALIZED: &str = "the driver calls init first";

impl Spectrum {
    /// Matrices kept: H, Q, and the scratch of three.
    pub(super) const MATRICES: usize = 5;

    pub(super) fn init(&mut self, dim: usize) -> Result<(), SetupError> {
        if self.values.len() != dim || self.solver.is_none() {
            let memory = |_| SetupError::Memory { dim, bytes: dim.saturating_mul(dim).saturating_mul(8) };
            self.matrix = Vec::new();
            self.matrix.try_reserve_exact(dim.saturating_mul(dim)).map_err(memory)?;
            self.matrix.resize(dim * dim, 0.0);
            self.solver = Some(Eigensolver::new(dim).map_err(memory)?);
            (self.values, self.gradient) = (vec![0.0; dim], vec![0.0; dim]);
        }
        Ok(())
    }

    /// Moves to a new point.
    ///
    /// Where λ and c are both zero to rounding, as along parameters that the loss does not depend on, both become zero: no step
    /// should move along a direction that rounding invented.
    pub(super) fn linearize<O: DenseHessian + ?Sized>(
        &mut self,
        objective: &mut Counted<'_, O>,
        at: Point<'_>,
    ) -> Result<(), StepFailure> {
        let p = at.theta.len();
        objective.dense_hessian(at.theta, Triangle::Lower, &mut self.matrix)?;
        let solver = self.solver.as_mut().expect(INITIALIZED);
        objective.count_factorization(9.0 * (p as f64).powi(3));
        let eigen = solver.decompose(&self.matrix).map_err(|error| match error {
            EigenError::NotFinite => StepFailure::NotFinite { what: "the curvature matrix" },
            EigenError::NoConvergence => StepFailure::NotFinite { what: "the eigenvalues of the curvature matrix" },
        })?;
        objective.count_flops(2.0 * (p as f64).powi(2));
        self.values.copy_from_slice(&eigen.values);
        for (c, vector) in self.gradient.iter_mut().zip(eigen.vectors.chunks_exact(p)) {
            *c = vector::dot(vector, at.gradient);
        }
        let rounding = p as f64 * f64::EPSILON;
        let largest = self.values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let (flat, level) = (rounding * largest, rounding * vector::norm(at.gradient));
        for (value, c) in self.values.iter_mut().zip(&mut self.gradient) {
            if value.abs() <= flat && c.abs() <= level {
                (*value, *c) = (0.0, 0.0);
            }
        }
        Ok(())
    }

    /// The lowest eigenvalue and its index.
    pub(super) fn lowest(values: &[f64]) -> (usize, f64) {
        let pairs = values.iter().copied().enumerate();
        pairs.fold((0, f64::INFINITY), |lowest, pair| if pair.1 < lowest.1 { pair } else { lowest })
    }

    /// Overwrites `out` with Qy. 2p² flops.
    pub(super) fn combine<O: ?Sized + gf_core::Objective>(
        &self,
        objective: &mut Counted<'_, O>,
        y: &[f64],
        out: &mut [f64],
    ) {
        let vectors = &self.solver.as_ref().expect(INITIALIZED).eigen().vectors;
        objective.count_flops(2.0 * (out.len() as f64).powi(2));
        out.fill(0.0);
        for (y, vector) in y.iter().zip(vectors.chunks_exact(out.len())) {
            vector::add_scaled(out, *y, vector);
        }
    }
}
