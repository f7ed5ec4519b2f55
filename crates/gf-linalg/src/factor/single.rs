//! LLᵀ in single precision, for refinement in double: some 60 % of the time of a factorization in double.
//!
//! **Method**: the matrix is scaled by a power of two, so that its norm is near 1, and rounded to single precision, of which a vector holds
//! twice as many numbers. Its factors are good for a few digits of a solution; [`ShiftedMatrix::solve_refined`](super::ShiftedMatrix::solve_refined)
//! gains the others from residuals in double.
//! **Storage**: the numbers of column k take the place of the first half of that column of the lower triangle. Entry (i, k) then is
//! number k(2p + 1) + i of all: a column-major matrix, whose columns lie 2p + 1 numbers apart.

use pulp::bytemuck::{cast_slice, cast_slice_mut};
use rayon::prelude::*;

use super::tiles::TALL_SINGLE;
use super::update::{PANEL_SINGLE, Panel, is_parallel};
use super::{cholesky, triangle};

/// Scratch, and what a factorization holds beside the lower triangle.
#[derive(Debug)]
pub(super) struct Single {
    panel: Panel<f32, TALL_SINGLE>,
    right: Vec<f32>,
    /// The scaled matrix is the matrix times this.
    scale: f64,
}

impl Single {
    /// For order `p`.
    pub(super) fn new(p: usize) -> Self {
        Self { panel: Panel::new(p, PANEL_SINGLE), right: vec![0.0; p], scale: 1.0 }
    }

    /// Overwrites the lower triangle of the leading q × q matrix in `data` (columns `p` apart) with the factor of the matrix, whose entries have
    /// magnitudes up to `norm`. The strictly upper triangle is neither read nor written.
    ///
    /// # Errors
    /// The first pivot that is not positive.
    pub(super) fn factorize(&mut self, data: &mut [f64], p: usize, q: usize, norm: f64) -> Result<(), usize> {
        // A power of two, neither zero nor infinite for any norm.
        self.scale = 2f64.powi(-exponent(norm).clamp(-1000, 1000));
        let scale = self.scale;
        let columns = &mut data[..q * p];
        if is_parallel(q) {
            let columns = columns.par_chunks_exact_mut(p).enumerate();
            columns.with_min_len(64).for_each(|(k, column)| round(&mut column[k..q], scale));
        } else {
            columns.chunks_exact_mut(p).enumerate().for_each(|(k, column)| round(&mut column[k..q], scale));
        }
        cholesky::factorize(&mut self.panel, cast_slice_mut(data), 2 * p + 1, q)
    }

    /// x ← the inverse times x, to a few digits.
    pub(super) fn solve(&mut self, data: &[f64], p: usize, x: &mut [f64]) {
        let q = x.len();
        let largest = x.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
        if largest == 0.0 {
            return;
        }
        let right = &mut self.right[..q];
        right.iter_mut().zip(&*x).for_each(|(right, x)| *right = (x / largest) as f32);
        let data = cast_slice(data);
        triangle::forward(data, 2 * p + 1, q, 0..q, false, right);
        triangle::backward(data, 2 * p + 1, q, 0..q, false, right);
        x.iter_mut().zip(&*right).for_each(|(x, right)| *x = f64::from(*right) * self.scale * largest);
    }
}

/// The exponent e of x = m·2ᵉ with ½ ≤ m < 1, for a positive normal x.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1022
}

/// The numbers of a column times `scale` in single precision, at the beginning of the same memory.
fn round(column: &mut [f64], scale: f64) {
    const PART: usize = 64;
    let mut rounded = [0f32; PART];
    let mut start = 0;
    while start < column.len() {
        let end = (start + PART).min(column.len());
        let rounded = &mut rounded[..end - start];
        rounded.iter_mut().zip(&column[start..end]).for_each(|(r, x)| *r = (x * scale) as f32);
        // Nothing is overwritten before it is read: number k lies at half the place.
        cast_slice_mut::<f64, f32>(column)[start..end].copy_from_slice(rounded);
        start = end;
    }
}
