//! Dense symmetric eigenvalue problems, through faer, on one thread (its bits depend on the number of threads).

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
    decompose(p, matrix, &mut values, None)?;
    Ok(values)
}

/// Eigenvalues and eigenvectors of the symmetric matrix in the lower triangle of `matrix`. About 9p³ flops.
///
/// # Errors
/// [`EigenError`].
pub fn symmetric_eigen(p: usize, matrix: &[f64]) -> Result<Eigen, EigenError> {
    let mut eigen = Eigen { values: vec![0.0; p], vectors: vec![0.0; p * p] };
    decompose(p, matrix, &mut eigen.values, Some(&mut eigen.vectors))?;
    Ok(eigen)
}

/// Eigenvalues and eigenvectors of the symmetric tridiagonal matrix with this diagonal (k) and off-diagonal (k − 1).
///
/// # Errors
/// [`EigenError`].
pub fn tridiagonal_eigen(diagonal: &[f64], off_diagonal: &[f64]) -> Result<Eigen, EigenError> {
    let k = diagonal.len();
    if !vector::all_finite(diagonal) || !vector::all_finite(off_diagonal) {
        return Err(EigenError::NotFinite);
    }
    let mut below = off_diagonal.to_vec();
    below.resize(k, 0.0);
    let mut eigen = Eigen { values: vec![0.0; k], vectors: vec![0.0; k * k] };
    let scratch = self_adjoint_evd_scratch::<f64>(k, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    let mut buffer = MemBuffer::new(scratch);
    let result = tridiagonal_self_adjoint_evd(
        DiagRef::from_slice(diagonal),
        DiagRef::from_slice(&below),
        DiagMut::from_slice_mut(&mut eigen.values),
        Some(MatMut::from_column_major_slice_mut(&mut eigen.vectors, k, k)),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    clear_upper_vector_state();
    result.map_err(|_| EigenError::NoConvergence)?;
    Ok(eigen)
}

fn decompose(p: usize, matrix: &[f64], values: &mut [f64], vectors: Option<&mut [f64]>) -> Result<(), EigenError> {
    assert_eq!(matrix.len(), p * p, "a p x p matrix");
    if (0..p).any(|k| !vector::all_finite(&matrix[k * p + k..(k + 1) * p])) {
        return Err(EigenError::NotFinite);
    }
    let wanted = if vectors.is_some() { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let scratch = self_adjoint_evd_scratch::<f64>(p, wanted, Par::Seq, Spec::default());
    let mut buffer = MemBuffer::new(scratch);
    let result = self_adjoint_evd(
        MatRef::from_column_major_slice(matrix, p, p),
        DiagMut::from_slice_mut(values),
        vectors.map(|u| MatMut::from_column_major_slice_mut(u, p, p)),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    clear_upper_vector_state();
    result.map_err(|_| EigenError::NoConvergence)
}
