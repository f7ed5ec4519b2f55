//! A curvature matrix layer by layer.

use std::ops::Range;

use gf_linalg::eigen::symmetric_eigenvalues;
use serde::{Deserialize, Serialize};

use crate::SpectrumError;

/// The blocks of a symmetric matrix on consecutive ranges of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Parameters of each block.
    pub ranges: Vec<Range<usize>>,
    /// ‖A_lm‖_F, row after row, all pairs.
    pub norms: Vec<f64>,
    /// Trace of each diagonal block.
    pub traces: Vec<f64>,
    /// Eigenvalues of each diagonal block, ascending.
    pub eigenvalues: Vec<Vec<f64>>,
}

/// Looks at the symmetric matrix in the lower triangle of `matrix` (p × p, column-major) block by block. About Σ 4pₗ³/3 flops.
///
/// # Errors
/// [`SpectrumError::Eigen`], when an entry is not finite.
///
/// # Panics
/// When the ranges are not consecutive from 0 to p.
pub fn blocks(p: usize, matrix: &[f64], ranges: &[Range<usize>]) -> Result<Blocks, SpectrumError> {
    let ends = ranges.iter().try_fold(0, |at, range| (range.start == at && range.end > at).then_some(range.end));
    assert_eq!(ends, Some(p), "consecutive ranges from 0 to p");
    let count = ranges.len();
    let mut norms = vec![0.0; count * count];
    let (mut traces, mut eigenvalues) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (m, columns) in ranges.iter().enumerate() {
        for (l, rows) in ranges.iter().enumerate().skip(m) {
            let mut squares = 0.0;
            for j in columns.clone() {
                let column = &matrix[j * p..(j + 1) * p];
                if l == m {
                    let below: f64 = column[j + 1..rows.end].iter().map(|x| x * x).sum();
                    squares += column[j] * column[j] + 2.0 * below;
                } else {
                    squares += column[rows.clone()].iter().map(|x| x * x).sum::<f64>();
                }
            }
            norms[l * count + m] = squares.sqrt();
            norms[m * count + l] = squares.sqrt();
        }
        traces.push(columns.clone().map(|j| matrix[j + j * p]).sum());
        let block: Vec<f64> =
            columns.clone().flat_map(|j| matrix[j * p + columns.start..j * p + columns.end].iter().copied()).collect();
        eigenvalues.push(symmetric_eigenvalues(columns.len(), &block)?);
    }
    Ok(Blocks { ranges: ranges.to_vec(), norms, traces, eigenvalues })
}
