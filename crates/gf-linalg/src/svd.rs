//! Singular values, through faer on one thread (its bits depend on the number of threads).

use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{MatRef, Par, Spec};
use gf_core::vector;

use crate::state::clear_upper_vector_state;

/// Why singular values were not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SvdError {
    /// The matrix holds a NaN or an infinity.
    #[error("the matrix is not finite")]
    NotFinite,
    /// The iteration did not converge.
    #[error("the iteration for singular values did not converge")]
    NoConvergence,
}

/// Room for the singular values of one m × n matrix after the other.
///
/// **Accuracy**: absolute errors are about ε times the largest, so those below 1e-15 of it have no correct digit. For products of many
/// matrices, whose small ones are far below that, see [`crate::GradedProduct`].
pub struct SingularValues {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
    buffer: MemBuffer,
}

impl SingularValues {
    /// For `rows` × `columns`. Memory: about 2mn numbers.
    pub fn new(rows: usize, columns: usize) -> Self {
        let scratch =
            svd_scratch::<f64>(rows, columns, ComputeSvdVectors::No, ComputeSvdVectors::No, Par::Seq, Spec::default());
        Self { rows, columns, values: vec![0.0; rows.min(columns)], buffer: MemBuffer::new(scratch) }
    }

    /// The min(m, n) singular values of `matrix` (m × n, column-major), descending. About 4mn·min(m, n) flops.
    ///
    /// # Errors
    /// [`SvdError`].
    ///
    /// # Panics
    /// When `matrix` does not hold m·n numbers.
    pub fn compute(&mut self, matrix: &[f64]) -> Result<&[f64], SvdError> {
        assert_eq!(matrix.len(), self.rows * self.columns, "an m x n matrix");
        if !vector::all_finite(matrix) {
            return Err(SvdError::NotFinite);
        }
        let result = svd(
            MatRef::from_column_major_slice(matrix, self.rows, self.columns),
            DiagMut::from_slice_mut(&mut self.values),
            None,
            None,
            Par::Seq,
            MemStack::new(&mut self.buffer),
            Spec::default(),
        );
        clear_upper_vector_state();
        result.map_err(|_| SvdError::NoConvergence)?;
        Ok(&self.values)
    }
}
