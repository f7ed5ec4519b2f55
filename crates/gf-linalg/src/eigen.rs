//! Dense symmetric eigenvalue problems, through faer, on one thread (its bits depend on the number of threads).

use std::collections::TryReserveError;

use faer::diag::{DiagMut, DiagRef};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch, tridiagonal_self_adjoint_evd,
};
use faer::{MatMut, MatRef, Par, Spec};
use gf_core::vector;

use crate::state::clear_upper_vector_state;

/// Why an eigenvalue problem was not solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EigenError {
    /// The matrix holds a NaN or an infinity.
    #[error("the matrix is not finite")]
    NotFinite,
    /// The iteration did not converge.
    #[error("the eigenvalue iteration did not converge")]
    NoConvergence,
}

/// Eigenvalues in ascending order and eigenvectors (p × p, column-major, one a column).
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Ascending.
    pub values: Vec<f64>,
    /// Column k belongs to value k; orthonormal.
    pub vectors: Vec<f64>,
}

/// All eigenvalues of the symmetric matrix in the lower triangle of `matrix` (p × p, column-major), ascending. About 4p³/3 flops.
///
/// # Errors
/// [`EigenError`].
pub fn symmetric_eigenvalues(p: usize, matrix: &[f64]) -> Result<Vec<f64>, EigenError> {
    let mut values = vec![0.0; p];
    let scratch = self_adjoint_evd_scratch::<f64>(p, ComputeEigenvectors::No, Par::Seq, Spec::default());
    decompose(p, matrix, &mut values, None, &mut MemBuffer::new(scratch))?;
    Ok(values)
}

/// Eigenvalues and eigenvectors of the symmetric matrix in the lower triangle of `matrix` (p × p, column-major). About 9p³ flops.
///
/// # Errors
/// [`EigenError`].
pub fn symmetric_eigen(p: usize, matrix: &[f64]) -> Result<Eigen, EigenError> {
    let mut eigen = Eigen { values: vec![0.0; p], vectors: vec![0.0; p * p] };
    let scratch = self_adjoint_evd_scratch::<f64>(p, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    decompose(p, matrix, &mut eigen.values, Some(&mut eigen.vectors), &mut MemBuffer::new(scratch))?;
    Ok(eigen)
}

/// Room for one eigenvalue problem of order p after the other.
pub struct Eigensolver {
    p: usize,
    eigen: Eigen,
    buffer: MemBuffer,
}

impl Eigensolver {
    /// For order `p`. Memory: about 4p² numbers.
    ///
    /// # Errors
    /// When p² numbers cannot be had.
    pub fn new(p: usize) -> Result<Self, TryReserveError> {
        let mut vectors = Vec::new();
        vectors.try_reserve_exact(p.saturating_mul(p))?;
        vectors.resize(p * p, 0.0);
        let scratch = self_adjoint_evd_scratch::<f64>(p, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
        Ok(Self { p, eigen: Eigen { values: vec![0.0; p], vectors }, buffer: MemBuffer::new(scratch) })
    }

    /// As [`symmetric_eigen`], in the room at hand.
    ///
    /// # Errors
    /// [`EigenError`]; the eigenvalues and eigenvectors are then meaningless.
    pub fn decompose(&mut self, matrix: &[f64]) -> Result<&Eigen, EigenError> {
        let Eigen { values, vectors } = &mut self.eigen;
        decompose(self.p, matrix, values, Some(vectors), &mut self.buffer)?;
        Ok(&self.eigen)
    }

    /// Of the last matrix.
    pub fn eigen(&self) -> &Eigen {
        &self.eigen
    }
}

/// Eigenvalues and eigenvectors of the symmetric tridiagonal matrix with this diagonal (k) and off-diagonal (k − 1).
///
/// # Errors
/// [`EigenError`].
pub fn tridiagonal_eigen(diagonal: &[f64], off_diagonal: &[f64]) -> Result<Eigen, EigenError> {
    let mut eigen = TridiagonalEigen::new(diagonal.len());
    eigen.decompose(diagonal, off_diagonal)?;
    Ok(Eigen { values: eigen.values, vectors: eigen.vectors })
}

/// Eigenvalue problems of symmetric tridiagonal matrices T, in memory that is allocated once.
pub struct TridiagonalEigen {
    order: usize,
    below: Vec<f64>,
    values: Vec<f64>,
    vectors: Vec<f64>,
    scratch: MemBuffer,
}

impl TridiagonalEigen {
    /// For matrices of order `capacity` at most: capacity² numbers and scratch.
    pub fn new(capacity: usize) -> Self {
        let scratch =
            self_adjoint_evd_scratch::<f64>(capacity.max(1), ComputeEigenvectors::Yes, Par::Seq, Spec::default());
        Self {
            order: 0,
            below: vec![0.0; capacity],
            values: vec![0.0; capacity],
            vectors: vec![0.0; capacity * capacity],
            scratch: MemBuffer::new(scratch),
        }
    }

    /// Of the matrix with this diagonal (k) and off-diagonal (k − 1, or more that are not read).
    ///
    /// # Errors
    /// [`EigenError`].
    pub fn decompose(&mut self, diagonal: &[f64], off_diagonal: &[f64]) -> Result<(), EigenError> {
        let k = diagonal.len();
        let off_diagonal = &off_diagonal[..k.saturating_sub(1)];
        if !vector::all_finite(diagonal) || !vector::all_finite(off_diagonal) {
            return Err(EigenError::NotFinite);
        }
        self.order = k;
        if k == 0 {
            return Ok(());
        }
        self.below[..k].fill(0.0);
        self.below[..off_diagonal.len()].copy_from_slice(off_diagonal);
        let result = tridiagonal_self_adjoint_evd(
            DiagRef::from_slice(diagonal),
            DiagRef::from_slice(&self.below[..k]),
            DiagMut::from_slice_mut(&mut self.values[..k]),
            Some(MatMut::from_column_major_slice_mut(&mut self.vectors[..k * k], k, k)),
            Par::Seq,
            MemStack::new(&mut self.scratch),
            Spec::default(),
        );
        clear_upper_vector_state();
        result.map_err(|_| EigenError::NoConvergence)
    }

    /// Overwrites `out` with f(T)e₁, k numbers.
    pub fn apply_to_first(&self, f: impl Fn(f64) -> f64, out: &mut [f64]) {
        let k = self.order;
        out.fill(0.0);
        for (value, vector) in self.values[..k].iter().zip(self.vectors.chunks_exact(k.max(1))) {
            vector::add_scaled(out, f(*value) * vector[0], vector);
        }
    }
}

fn decompose(
    p: usize,
    matrix: &[f64],
    values: &mut [f64],
    vectors: Option<&mut [f64]>,
    buffer: &mut MemBuffer,
) -> Result<(), EigenError> {
    assert_eq!(matrix.len(), p * p, "a p x p matrix");
    if (0..p).any(|k| !vector::all_finite(&matrix[k * p + k..(k + 1) * p])) {
        return Err(EigenError::NotFinite);
    }
    let result = self_adjoint_evd(
        MatRef::from_column_major_slice(matrix, p, p),
        DiagMut::from_slice_mut(values),
        vectors.map(|u| MatMut::from_column_major_slice_mut(u, p, p)),
        Par::Seq,
        MemStack::new(buffer),
        Spec::default(),
    );
    clear_upper_vector_state();
    result.map_err(|_| EigenError::NoConvergence)
}
